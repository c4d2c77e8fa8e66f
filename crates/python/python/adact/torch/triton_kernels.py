"""The kernels for GPUs in Triton: one pass over memory forward and one backward.

The elements of a dense tensor are outer x channels x inner. A program takes a tile of rows and channels: rows are the inner
elements of one outer index, or, where there is one inner element, the outer indices. One set of weights is one channel.

Only `gpu.py` imports this module, and only where Triton is there.
"""

from __future__ import annotations

import triton
import triton.language as tl

from .candidates import ACTIVATIONS
from .noise import ROWS

PRELU = tl.constexpr(ACTIVATIONS.index("prelu"))
# Rows that the kernels for the CPU transpose together: RReLU's slopes are theirs.
NOISE_ROWS = tl.constexpr(ROWS)


def codes(names: tuple[str, ...]) -> int:
    """The candidates in their order as the one constant for which the kernels are compiled: five bits each, the positions in `ACTIVATIONS`."""
    return sum(ACTIVATIONS.index(name) << (5 * i) for i, name in enumerate(names))


@triton.jit
def _curve(code: tl.constexpr, x, alpha, negative_slope, slope, drawn):
    """The value and the derivative of one activation."""
    positive = x > 0
    if code == 0:  # relu
        value = tl.where(x <= 0, 0.0, x)
        derivative = tl.where(positive, 1.0, 0.0)
    elif code == 1:  # elu
        e = tl.exp(tl.minimum(x, 0.0))
        # Near 0 the series: exp(x) - 1 would lose the digits of x.
        small = x * (1.0 + x * (0.5 + x * (1.0 / 6.0)))
        value = tl.where(x <= 0, alpha * tl.where(x > -0.02, small, e - 1.0), x)
        derivative = tl.where(positive, 1.0, alpha * e)
    elif code == 2:  # leaky_relu
        value = tl.where(x <= 0, negative_slope * x, x)
        derivative = tl.where(positive, 1.0, negative_slope)
    elif code == 3:  # prelu
        value = tl.where(x <= 0, slope * x, x)
        derivative = tl.where(positive, 1.0, slope)
    elif code == 4:  # rrelu
        value = tl.where(x <= 0, drawn * x, x)
        derivative = tl.where(positive, 1.0, drawn)
    elif code == 5:  # silu
        s = tl.sigmoid(x)
        value = x * s
        derivative = s * (1.0 + x * (1.0 - s))
    elif code == 6:  # mish: tanh(ln(1 + e)) = n / (n + 2) with n = e (e + 2); above 20 it is 1
        e = tl.exp(tl.minimum(x, 20.0))
        n = e * (e + 2.0)
        gate = n / (n + 2.0)
        value = x * gate
        derivative = gate + x * 4.0 * e * (e + 1.0) / ((n + 2.0) * (n + 2.0))
    elif code == 7:  # gelu
        phi = 0.5 * (1.0 + tl.erf(x * 0.7071067811865476))
        # Beyond 40 the density is 0, and stays so times anything finite.
        inside = tl.minimum(tl.maximum(x, -40.0), 40.0)
        value = x * phi
        derivative = phi + inside * 0.3989422804014327 * tl.exp(-0.5 * inside * inside)
    elif code == 8:  # hardswish
        value = x * tl.minimum(tl.maximum(x + 3.0, 0.0), 6.0) / 6.0
        derivative = tl.where(x <= -3.0, 0.0, tl.where(x < 3.0, (2.0 * x + 3.0) / 6.0, 1.0))
    elif code == 9:  # tanh
        e = tl.exp(-2.0 * tl.abs(x))
        magnitude = (1.0 - e) / (1.0 + e)
        value = tl.where(x < 0, -magnitude, magnitude)
        derivative = (1.0 - value) * (1.0 + value)
    elif code == 10:  # identity
        value = x
        derivative = tl.full(x.shape, 1.0, tl.float32)
    elif code == 11:  # gelu_tanh: x sigmoid(2 z)
        inside = tl.minimum(tl.maximum(x, -7.0), 7.0)
        gate = tl.sigmoid(tl.where(x == x, inside, x) * (1.5957691216057308 + 0.07135481282553545 * inside * inside))
        value = x * gate
        derivative = gate + inside * gate * (1.0 - gate) * (1.5957691216057308 + 0.21406443847660636 * inside * inside)
    elif code == 12:  # sigmoid
        value = tl.sigmoid(x)
        derivative = value * (1.0 - value)
    elif code == 13:  # softplus
        value = tl.where(x <= 0, 0.0, x) + tl.log(1.0 + tl.exp(-tl.abs(x)))
        derivative = tl.sigmoid(x)
    elif code == 14:  # selu
        e = tl.exp(tl.minimum(x, 0.0))
        small = x * (1.0 + x * (0.5 + x * (1.0 / 6.0)))
        below = 1.7580993408473766 * tl.where(x > -0.02, small, e - 1.0)
        value = tl.where(x <= 0, below, 1.0507009873554805 * x)
        derivative = tl.where(positive, 1.0507009873554805, 1.7580993408473766 * e)
    elif code == 15:  # celu
        e = tl.exp(tl.minimum(x, 0.0))
        small = x * (1.0 + x * (0.5 + x * (1.0 / 6.0)))
        value = tl.where(x <= 0, tl.where(x > -0.02, small, e - 1.0), x)
        derivative = tl.where(positive, 1.0, e)
    elif code == 16:  # relu6
        value = tl.where(x <= 0, 0.0, tl.where(x >= 6.0, 6.0, x))
        derivative = tl.where((x > 0) & (x < 6.0), 1.0, 0.0)
    elif code == 17:  # hardtanh
        value = tl.where(x <= -1.0, -1.0, tl.where(x >= 1.0, 1.0, x))
        derivative = tl.where((x > -1.0) & (x < 1.0), 1.0, 0.0)
    elif code == 18:  # softsign
        r = 1.0 / (1.0 + tl.abs(x))
        value = x * r
        derivative = r * r
    elif code == 19:  # logsigmoid
        value = tl.where(x <= 0, x, 0.0) - tl.log(1.0 + tl.exp(-tl.abs(x)))
        derivative = tl.sigmoid(-x)
    elif code == 20:  # hardsigmoid
        value = tl.where(x <= -3.0, 0.0, tl.where(x >= 3.0, 1.0, (x + 3.0) / 6.0))
        derivative = tl.where((x > -3.0) & (x < 3.0), 1.0 / 6.0, 0.0)
    elif code == 21:  # tanhshrink
        e = tl.exp(-2.0 * tl.abs(x))
        magnitude = (1.0 - e) / (1.0 + e)
        value = x - tl.where(x < 0, -magnitude, magnitude)
        derivative = magnitude * magnitude
    elif code == 22:  # softshrink
        value = tl.where(tl.abs(x) <= 0.5, 0.0, tl.where(x > 0, x - 0.5, x + 0.5))
        derivative = tl.where(tl.abs(x) > 0.5, 1.0, 0.0)
    elif code == 23:  # hardshrink
        value = tl.where(tl.abs(x) <= 0.5, 0.0, x)
        derivative = tl.where(tl.abs(x) > 0.5, 1.0, 0.0)
    elif code == 24:  # squared_relu
        above = tl.where(x <= 0, 0.0, x)
        value = above * above
        derivative = 2.0 * above
    elif code == 25:  # star_relu
        above = tl.where(x <= 0, 0.0, x)
        value = 0.8944 * above * above - 0.4472
        derivative = 1.7888 * above
    elif code == 26:  # snake
        s = tl.sin(x)
        value = x + s * s
        derivative = 1.0 + 2.0 * s * tl.cos(x)
    elif code == 27:  # sine
        value = tl.sin(x)
        derivative = tl.cos(x)
    else:  # gaussian
        value = tl.exp(-x * x)
        # Beyond 40 it is 0, and stays so times anything finite.
        derivative = -2.0 * tl.minimum(tl.maximum(x, -40.0), 40.0) * value
    return value, derivative


@triton.jit
def _slopes(at, seed, lower, upper):
    """RReLU's slopes, as in `noise.slopes`."""
    low, high = (seed & 0xFFFFFFFF).to(tl.uint32), ((seed >> 32) & 0xFFFFFFFF).to(tl.uint32)
    carry = (at >> 32).to(tl.uint32) * 0x9E3779B9
    h = (at & 0xFFFFFFFF).to(tl.uint32) + (low ^ carry)
    h = (h ^ (h >> 16)) * 0x7FEB352D
    h = (h ^ (h >> 15)) + high
    h = h * 0x846CA68B
    return (h >> 8).to(tl.float32) * ((upper - lower) / 16777216.0) + lower


@triton.jit
def _softmax(w_ptr, channel, there, N: tl.constexpr, SOFTMAX: tl.constexpr):
    """The largest raw weight of each channel and the sum of the exponentials; what leaves shares as they are, if they are given."""
    top = tl.full(channel.shape, 0.0, tl.float32)
    total = tl.full(channel.shape, 1.0, tl.float32)
    if SOFTMAX:
        top = tl.load(w_ptr + channel * N, mask=there, other=0.0).to(tl.float32)
        for i in tl.static_range(1, N):
            top = tl.maximum(top, tl.load(w_ptr + channel * N + i, mask=there, other=0.0).to(tl.float32))
        total = tl.full(channel.shape, 0.0, tl.float32)
        for i in tl.static_range(N):
            total += tl.exp(tl.load(w_ptr + channel * N + i, mask=there, other=0.0).to(tl.float32) - top)
    return top, total


@triton.jit
def _share(w_ptr, channel, there, i: tl.constexpr, top, total, N: tl.constexpr, SOFTMAX: tl.constexpr):
    """The share of a candidate in each channel."""
    share = tl.load(w_ptr + channel * N + i, mask=there, other=0.0).to(tl.float32)
    if SOFTMAX:
        share = tl.exp(share - top) / total
    return share


@triton.jit
def _tile(
    x_ptr, slope_ptr, seed_ptr, rows, channels, row_stride, channel_stride, outer_stride, lower, upper,
    LEARNS: tl.constexpr, NOISE: tl.constexpr, INTERLEAVED: tl.constexpr, R: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """A tile of (R, C): where its elements lie, which of them there are, x there (0 elsewhere), the channels, PReLU's and RReLU's slopes."""
    tiles = (rows + R - 1) // R
    tile = tl.program_id(0)
    row = (tile % tiles).to(tl.int64) * R + tl.arange(0, R)
    channel = tl.program_id(1) * C + tl.arange(0, C)
    there = channel < channels
    inside = (row < rows)[:, None] & there[None, :]
    at = (tile // tiles).to(tl.int64) * outer_stride + row[:, None] * row_stride + channel.to(tl.int64)[None, :] * channel_stride
    x = tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
    slope = tl.full([C], 0.0, tl.float32)
    if LEARNS:
        slope = tl.load(slope_ptr + channel, mask=there, other=0.0).to(tl.float32)
    drawn = tl.full([R, C], 0.0, tl.float32) + 0.5 * (lower + upper)
    if NOISE:
        position = at
        if INTERLEAVED:
            first = row // NOISE_ROWS * NOISE_ROWS
            height = tl.minimum(rows - first, NOISE_ROWS)
            position = (first * channels + row % NOISE_ROWS)[:, None] + channel.to(tl.int64)[None, :] * height[:, None]
        drawn = _slopes(position, tl.load(seed_ptr), lower, upper)
    return at, inside, x, channel, there, slope[None, :], drawn


@triton.jit
def forward(
    x_ptr, y_ptr, w_ptr, slope_ptr, seed_ptr, rows, channels, row_stride, channel_stride, outer_stride,
    alpha, negative_slope, lower, upper,
    CODES: tl.constexpr, N: tl.constexpr, SOFTMAX: tl.constexpr,
    LEARNS: tl.constexpr, NOISE: tl.constexpr, INTERLEAVED: tl.constexpr, R: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """y = sum of p_i f_i(x), with p = softmax(w) or w, of each channel."""
    at, inside, x, channel, there, slope, drawn = _tile(
        x_ptr, slope_ptr, seed_ptr, rows, channels, row_stride, channel_stride, outer_stride, lower, upper,
        LEARNS, NOISE, INTERLEAVED, R, C,
    )  # fmt: skip
    top, total = _softmax(w_ptr, channel, there, N, SOFTMAX)
    y = tl.zeros([R, C], tl.float32)
    for i in tl.static_range(N):
        value, _ = _curve((CODES >> (5 * i)) & 31, x, alpha, negative_slope, slope, drawn)
        y += _share(w_ptr, channel, there, i, top, total, N, SOFTMAX)[None, :] * value
    tl.store(y_ptr + at, y.to(y_ptr.dtype.element_ty), mask=inside)


@triton.jit
def backward(
    x_ptr, dy_ptr, dx_ptr, sums_ptr, w_ptr, slope_ptr, seed_ptr, rows, channels, row_stride, channel_stride, outer_stride,
    alpha, negative_slope, lower, upper,
    CODES: tl.constexpr, N: tl.constexpr, SOFTMAX: tl.constexpr,
    LEARNS: tl.constexpr, NOISE: tl.constexpr, INTERLEAVED: tl.constexpr, R: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """The gradient of x, and each tile's sums for each channel: of dy f_i(x), and of the slope's gradient. No two programs write to one place."""
    at, inside, x, channel, there, slope, drawn = _tile(
        x_ptr, slope_ptr, seed_ptr, rows, channels, row_stride, channel_stride, outer_stride, lower, upper,
        LEARNS, NOISE, INTERLEAVED, R, C,
    )  # fmt: skip
    top, total = _softmax(w_ptr, channel, there, N, SOFTMAX)
    # Outside x = dy = 0, which adds 0 to the sums.
    dy = tl.load(dy_ptr + at, mask=inside, other=0.0).to(tl.float32)
    dx = tl.zeros([R, C], tl.float32)
    sums_ptr += (tl.program_id(0).to(tl.int64) * channels + channel) * (N + 1)
    for i in tl.static_range(N):
        value, derivative = _curve((CODES >> (5 * i)) & 31, x, alpha, negative_slope, slope, drawn)
        share = _share(w_ptr, channel, there, i, top, total, N, SOFTMAX)
        dx += share[None, :] * derivative
        tl.store(sums_ptr + i, tl.sum(dy * value, axis=0), mask=there)
        if (CODES >> (5 * i)) & 31 == PRELU:
            below = tl.where(x <= 0, x, 0.0)
            tl.store(sums_ptr + N, share * tl.sum(dy * below, axis=0), mask=there)
    tl.store(dx_ptr + at, (dy * dx).to(dx_ptr.dtype.element_ty), mask=inside)


@triton.jit
def gradients(
    sums_ptr, w_ptr, dw_ptr, dslope_ptr,
    N: tl.constexpr, P: tl.constexpr, SOFTMAX: tl.constexpr, LEARNS: tl.constexpr,
):  # fmt: skip
    """The gradients of a channel's raw weights and slope from its sums over all tiles. P is the power of two that holds N."""
    channel = tl.program_id(0)
    i = tl.arange(0, P)
    found = tl.load(sums_ptr + channel * (N + 1) + i, mask=i < N, other=0.0)
    if SOFTMAX:
        w = tl.load(w_ptr + channel * N + i, mask=i < N, other=float("-inf")).to(tl.float64)
        e = tl.exp(w - tl.max(w, axis=0))
        p = e / tl.sum(e, axis=0)
        found = p * (found - tl.sum(p * found, axis=0))
    tl.store(dw_ptr + channel * N + i, found.to(dw_ptr.dtype.element_ty), mask=i < N)
    if LEARNS:
        slope = tl.load(sums_ptr + channel * (N + 1) + N)
        tl.store(dslope_ptr + channel, slope.to(dslope_ptr.dtype.element_ty))
