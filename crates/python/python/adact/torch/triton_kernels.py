"""The kernels for GPUs in Triton: one pass over memory forward and one backward.

Only `gpu.py` imports this module, and only where Triton is there.
"""

from __future__ import annotations

import triton
import triton.language as tl

from .candidates import ACTIVATIONS

# The codes of the activations are their positions in `ACTIVATIONS`.
COUNT = tl.constexpr(len(ACTIVATIONS))
SUMS = tl.constexpr(len(ACTIVATIONS) + 1)
PRELU = tl.constexpr(ACTIVATIONS.index("prelu"))


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
    else:  # identity
        value = x
        derivative = tl.full(x.shape, 1.0, tl.float32)
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
def _inputs(x_ptr, slope_ptr, seed_ptr, elements, lower, upper, NOISE: tl.constexpr, BLOCK: tl.constexpr):
    """The positions of a block, which of them there are, x there (0 past the end), PReLU's slope and RReLU's."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < elements
    x = tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
    slope = tl.load(slope_ptr).to(tl.float32)
    drawn = tl.full([BLOCK], 0.0, tl.float32) + 0.5 * (lower + upper)
    if NOISE:
        drawn = _slopes(at, tl.load(seed_ptr), lower, upper)
    return at, inside, x, slope, drawn


@triton.jit
def forward(
    x_ptr, y_ptr, shares_ptr, slope_ptr, seed_ptr, elements,
    alpha, negative_slope, lower, upper,
    MASK: tl.constexpr, NOISE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """y = sum of shares_i f_i(x). `MASK` has the bits of the candidates; there is a share for each activation that there is."""
    at, inside, x, slope, drawn = _inputs(x_ptr, slope_ptr, seed_ptr, elements, lower, upper, NOISE, BLOCK)
    y = tl.zeros([BLOCK], tl.float32)
    for code in tl.static_range(COUNT):
        if (MASK >> code) & 1:
            value, _ = _curve(code, x, alpha, negative_slope, slope, drawn)
            y += tl.load(shares_ptr + code) * value
    tl.store(y_ptr + at, y.to(y_ptr.dtype.element_ty), mask=inside)


@triton.jit
def backward(
    x_ptr, dy_ptr, dx_ptr, sums_ptr, shares_ptr, slope_ptr, seed_ptr, elements,
    alpha, negative_slope, lower, upper,
    MASK: tl.constexpr, NOISE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The gradient of x, and the sums of each block: of dy f_i(x), and of the slope's gradient. No two blocks write to one place."""
    block = tl.program_id(0)
    at, inside, x, slope, drawn = _inputs(x_ptr, slope_ptr, seed_ptr, elements, lower, upper, NOISE, BLOCK)
    # Past the end x = dy = 0, which adds 0 to the sums.
    dy = tl.load(dy_ptr + at, mask=inside, other=0.0).to(tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for code in tl.static_range(COUNT):
        if (MASK >> code) & 1:
            value, derivative = _curve(code, x, alpha, negative_slope, slope, drawn)
            share = tl.load(shares_ptr + code)
            total += share * derivative
            tl.store(sums_ptr + block * SUMS + code, tl.sum(dy * value, axis=0))
            if code == PRELU:
                below = tl.where(x <= 0, x, 0.0)
                tl.store(sums_ptr + block * SUMS + COUNT, share * tl.sum(dy * below, axis=0))
    tl.store(dx_ptr + at, (dy * total).to(dx_ptr.dtype.element_ty), mask=inside)
