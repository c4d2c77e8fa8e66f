"""The kernels for GPUs, by Triton, on tensors."""

from __future__ import annotations

import importlib.util
import os

import torch
from torch import Tensor

from .candidates import ACTIVATIONS
from .layout import dense, like
from .spec import Inputs, Spec

_TYPES = (torch.float32, torch.bfloat16, torch.float16)
# Elements of a program. It fixes where partial sums end.
_BLOCK = 1024
_HAS_TRITON = importlib.util.find_spec("triton") is not None
# Triton's interpreter runs the kernels on the CPU: for tests.
_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def serves(x: Tensor, spec: Spec) -> bool:
    """Whether the kernels take this tensor and function: one set of weights for all channels, on a GPU of CUDA's or ROCm's."""
    on_device = x.is_cuda or (_INTERPRETED and x.is_cpu)
    return _HAS_TRITON and on_device and x.dtype in _TYPES and spec.channel_dim is None and x.layout is torch.strided


def _prepare(inputs: Inputs, spec: Spec):
    """The shares of the candidates, those of all activations, PReLU's slope, the seed and what the kernels have as constants."""
    w = inputs.w.detach().float()
    for name, parameter in (("w", w), ("prelu.weight", inputs.slope)):
        if parameter.device != inputs.x.device:
            raise RuntimeError(f"the input is on {inputs.x.device}, and the parameter {name} on {parameter.device}")
    shares = torch.softmax(w, 0) if spec.mixing == "softmax" else w
    codes = [ACTIVATIONS.index(name) for name in spec.names]
    # Scattered by the host's knowledge alone: nothing waits for the device.
    every = shares.new_zeros(len(ACTIVATIONS))
    for i, code in enumerate(codes):
        every[code] = shares[i]
    # What is not needed is not read, but an address it must have.
    slope = inputs.slope.detach().float() if spec.learns_slope else every
    seed = inputs.seed if inputs.seed is not None else every
    mask = sum(1 << code for code in codes)
    noise = inputs.seed is not None and "rrelu" in spec.names
    return shares, every, slope, seed, codes, {"MASK": mask, "NOISE": noise, "BLOCK": _BLOCK}


def forward(inputs: Inputs, spec: Spec) -> Tensor:
    """The function of every element, of x's type and order in memory."""
    from . import triton_kernels

    x = dense(inputs.x)
    y = torch.empty_like(x)
    _, every, slope, seed, _, constants = _prepare(inputs, spec)
    if elements := x.numel():
        grid = ((elements + _BLOCK - 1) // _BLOCK,)
        with torch.cuda.device_of(x):
            triton_kernels.forward[grid](x, y, every, slope, seed, elements, *spec.constants, **constants)
    return y


def backward(dy: Tensor, inputs: Inputs, spec: Spec) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, w and slope; sums over elements are in a fixed order, so they repeat to the bit."""
    from . import triton_kernels

    x = dense(inputs.x)
    dy = like(dy, x)
    dx = torch.empty_like(x)
    shares, every, slope, seed, codes, constants = _prepare(inputs, spec)
    elements = x.numel()
    blocks = (elements + _BLOCK - 1) // _BLOCK
    sums = torch.zeros(blocks, len(ACTIVATIONS) + 1, device=x.device)
    if elements:
        with torch.cuda.device_of(x):
            triton_kernels.backward[(blocks,)](
                x, dy, dx, sums, every, slope, seed, elements, *spec.constants, **constants
            )
    total = sums.sum(0, dtype=torch.float64)
    dshares, dslope = total[codes], total[-1:]
    if spec.mixing == "softmax":
        p = shares.double()
        dshares = p * (dshares - (p * dshares).sum())
    dslope = dslope if spec.learns_slope else torch.zeros_like(inputs.slope)
    return dx, dshares.to(inputs.w.dtype).reshape(inputs.w.shape), dslope.to(inputs.slope.dtype)
