"""The kernels for the CPU, on the memory of tensors: no copy, without the interpreter's lock, on PyTorch's number of threads."""

from __future__ import annotations

import torch
from torch import Tensor

from adact import _native

from .layout import around, dense, like
from .spec import Inputs, Spec

_TYPES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


def serves(x: Tensor) -> bool:
    """Whether the kernels take this tensor."""
    return x.device.type == "cpu" and x.dtype in _TYPES and x.layout is torch.strided


def _prepare(inputs: Inputs, spec: Spec):
    x, w, slope, seed = inputs
    for name, parameter in (("w", w), ("prelu.weight", slope)):
        if parameter.device.type != "cpu":
            raise RuntimeError(f"the input is on the CPU, and the parameter {name} on {parameter.device}")
    channels = None if spec.channel_dim is None else around(x, spec.channel_dim)
    rows = 1 if channels is None else channels[1]
    names = spec.names
    if spec.mixing != "single" and w.numel() != rows * len(names):
        raise RuntimeError(f"w has {w.numel()} elements, not {rows} x {len(names)}")
    if "prelu" in names and slope.numel() != rows:
        raise RuntimeError(f"prelu.weight has {slope.numel()} elements, not {rows}")
    w = w.detach().to(torch.float32).contiguous()
    slope = slope.detach().to(torch.float32).contiguous()
    parameters = (
        w.data_ptr() if w.numel() else 0,
        slope.data_ptr() if slope.numel() else 0,
        0 if seed is None else seed.data_ptr(),
    )
    layout = (x.numel(), _TYPES[x.dtype], channels)
    # The tensors are returned to be kept as long as their addresses are used.
    return (spec.candidates, spec.mixing, spec.constants), parameters, layout, (w, slope, seed)


def forward(inputs: Inputs, spec: Spec) -> Tensor:
    """The function of every element, of x's type and order in memory."""
    x = dense(inputs.x)
    if spec.channel_dim is not None and x.dtype is not torch.float32:
        # The kernels that know channels read float32 alone.
        return forward(inputs._replace(x=x.float()), spec).to(x.dtype)
    y = torch.empty_like(x)
    if x.numel():
        description, parameters, layout, _kept = _prepare(inputs._replace(x=x), spec)
        _native.forward(description, parameters, layout, (x.data_ptr(), y.data_ptr()), torch.get_num_threads())
    return y


def backward(dy: Tensor, inputs: Inputs, spec: Spec) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, w and slope; sums over elements are in a fixed order."""
    x = dense(inputs.x)
    if spec.channel_dim is not None and x.dtype is not torch.float32:
        dx, dw, dslope = backward(dy.float(), inputs._replace(x=x.float()), spec)
        return dx.to(x.dtype), dw, dslope
    dy = like(dy.to(x.dtype), x)
    dx = torch.empty_like(x)
    dw = torch.zeros(inputs.w.shape, dtype=torch.float32)
    dslope = torch.zeros(inputs.slope.shape, dtype=torch.float32)
    if x.numel():
        description, parameters, layout, _kept = _prepare(inputs._replace(x=x), spec)
        addresses = (x.data_ptr(), dy.data_ptr(), dx.data_ptr())
        gradients = (dw.data_ptr() if dw.numel() else 0, dslope.data_ptr() if dslope.numel() else 0)
        _native.backward(description, parameters, layout, addresses, gradients, torch.get_num_threads())
    return dx, dw.to(inputs.w.dtype), dslope.to(inputs.slope.dtype)
