"""The kernels for GPUs, by Triton, on tensors."""

from __future__ import annotations

import importlib.util
import os
from typing import NamedTuple

import torch
from torch import Tensor

from .layout import around, dense, like
from .spec import Inputs, Spec

_TYPES = (torch.float32, torch.bfloat16, torch.float16)
# Elements of a program. It fixes where partial sums end.
_BLOCK = 1024
# Channels of a program where they are the fastest dimension.
_CHANNELS = 32
_HAS_TRITON = importlib.util.find_spec("triton") is not None
# Triton's interpreter runs the kernels on the CPU: for tests.
_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def serves(x: Tensor) -> bool:
    """Whether the kernels take this tensor: on a GPU of CUDA's or ROCm's."""
    on_device = x.is_cuda or (_INTERPRETED and x.is_cpu)
    return _HAS_TRITON and on_device and x.dtype in _TYPES and x.layout is torch.strided


class _Launch(NamedTuple):
    """How a function's kernels run over a dense tensor."""

    grid: tuple[int, int]
    """Programs over rows, and over channels."""
    parameters: tuple[Tensor, Tensor, Tensor]
    """The raw weights or shares, PReLU's slope and the seed. What is not needed is not read, but an address it must have."""
    numbers: tuple[float, ...]
    """Rows, channels, their strides, and the constants of the activations."""
    constants: dict[str, int]
    """What the kernels are compiled for."""


def _power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def _launch(x: Tensor, inputs: Inputs, spec: Spec) -> _Launch:
    from .triton_kernels import codes

    outer, channels, inner = (1, 1, x.numel()) if spec.channel_dim is None else around(x, spec.channel_dim)
    interleaved = inner == 1 and channels > 1
    for name, parameter, count in (("w", inputs.w, channels * len(spec.names)), ("prelu.weight", inputs.slope, channels)):
        if parameter.device != x.device:
            raise RuntimeError(f"the input is on {x.device}, and the parameter {name} on {parameter.device}")
        if parameter.numel() != count and (name == "w" or spec.learns_slope):
            raise RuntimeError(f"{name} has {parameter.numel()} elements, not {count}")
    if interleaved:
        rows, row_stride, channel_stride, outers, outer_stride = outer, channels, 1, 1, 0
        tile_channels = min(_CHANNELS, _power_of_two(channels))
        tile_rows = _BLOCK // tile_channels
    else:
        rows, row_stride, channel_stride, outers, outer_stride = inner, 1, inner, outer, channels * inner
        # Small maps have several channels in a tile.
        tile_rows = min(_BLOCK, _power_of_two(inner))
        tile_channels = min(_BLOCK // tile_rows, _power_of_two(channels))
    w = inputs.w.detach().contiguous()
    slope = inputs.slope.detach().contiguous() if spec.learns_slope else w
    seed = w if inputs.seed is None else inputs.seed
    constants = {
        "CODES": codes(spec.names),
        "N": len(spec.names),
        "SOFTMAX": spec.mixing == "softmax",
        "LEARNS": spec.learns_slope,
        "NOISE": inputs.seed is not None and "rrelu" in spec.names,
        "INTERLEAVED": interleaved,
        "R": tile_rows,
        "C": tile_channels,
    }
    grid = (outers * -(-rows // tile_rows), -(-channels // tile_channels))
    numbers = (rows, channels, row_stride, channel_stride, outer_stride, *spec.constants)
    return _Launch(grid, (w, slope, seed), numbers, constants)


def forward(inputs: Inputs, spec: Spec) -> Tensor:
    """The function of every element, of x's type and order in memory."""
    from . import triton_kernels

    x = dense(inputs.x)
    y = torch.empty_like(x)
    if x.numel():
        run = _launch(x, inputs, spec)
        with torch.cuda.device_of(x):
            triton_kernels.forward[run.grid](x, y, *run.parameters, *run.numbers, **run.constants)
    return y


def backward(dy: Tensor, inputs: Inputs, spec: Spec) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, w and slope; sums over elements are in a fixed order, so they repeat to the bit."""
    from . import triton_kernels

    x = dense(inputs.x)
    if not x.numel():
        return torch.empty_like(x), torch.zeros_like(inputs.w), torch.zeros_like(inputs.slope)
    dy = like(dy, x)
    dx = torch.empty_like(x)
    dw = torch.empty_like(inputs.w, memory_format=torch.contiguous_format)
    # A slope that no candidate has gets no gradient from the kernels.
    dslope = torch.zeros_like(inputs.slope, memory_format=torch.contiguous_format)
    run = _launch(x, inputs, spec)
    n, channels = len(spec.names), run.numbers[1]
    sums = torch.empty(run.grid[0], channels, n + 1, device=x.device)
    with torch.cuda.device_of(x):
        triton_kernels.backward[run.grid](x, dy, dx, sums, *run.parameters, *run.numbers, **run.constants)
        total = sums.sum(0, dtype=torch.float64)
        constants = {name: run.constants[name] for name in ("N", "SOFTMAX", "LEARNS")}
        triton_kernels.gradients[(channels,)](total, run.parameters[0], dw, dslope, P=_power_of_two(n), **constants)
    return dx, dw, dslope
