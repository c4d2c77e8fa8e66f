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
    return x.dtype in _TYPES and x.is_cpu and x.layout is torch.strided


def _float32(name: str, parameter: Tensor, count: int) -> Tensor:
    """A parameter as the kernels read it."""
    if not parameter.is_cpu:
        raise RuntimeError(f"the input is on the CPU, and the parameter {name} on {parameter.device}")
    if parameter.numel() != count:
        raise RuntimeError(f"{name} has {parameter.numel()} elements, not {count}")
    if parameter.dtype is not torch.float32:
        parameter = parameter.detach().to(torch.float32)
    return parameter if parameter.is_contiguous() else parameter.contiguous()


def _gradient(parameter: Tensor) -> Tensor:
    """Room for a parameter's gradient, which the kernels write as float32 from the first element to the last."""
    if parameter.dtype is torch.float32 and parameter.is_contiguous():
        return torch.empty_like(parameter)
    # Whatever the defaults of type and device are.
    return torch.empty(parameter.shape, dtype=torch.float32, device=parameter.device)


def _prepare(x: Tensor, inputs: Inputs, spec: Spec):
    """The addresses of the parameters, the layout of x, and the tensors to keep as long as their addresses are used."""
    channels = None if spec.channel_dim is None else around(x, spec.channel_dim)
    rows = 1 if channels is None else channels[1]
    w = _float32("w", inputs.w, rows * len(spec.names))
    slope = _float32("prelu.weight", inputs.slope, rows) if spec.learns_slope else w
    seed = None if inputs.seed is None else int(inputs.seed)
    return (w.data_ptr(), slope.data_ptr(), seed), (x.numel(), _TYPES[x.dtype], channels), (w, slope)


def forward(inputs: Inputs, spec: Spec) -> Tensor:
    """The function of every element, of x's type and order in memory."""
    x = dense(inputs.x)
    if spec.channel_dim is not None and x.dtype is not torch.float32:
        # The kernels that know channels read float32 alone.
        return forward(inputs._replace(x=x.float()), spec).to(x.dtype)
    y = torch.empty_like(x)
    parameters, layout, _kept = _prepare(x, inputs, spec)
    if x.numel():
        addresses = (x.data_ptr(), y.data_ptr())
        _native.forward(spec.description, parameters, layout, addresses, torch.get_num_threads())
    return y


def backward(dy: Tensor, inputs: Inputs, spec: Spec) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, w and slope; sums over elements are in a fixed order."""
    x = dense(inputs.x)
    if spec.channel_dim is not None and x.dtype is not torch.float32:
        dx, dw, dslope = backward(dy.float(), inputs._replace(x=x.float()), spec)
        return dx.to(x.dtype), dw, dslope
    dy = like(dy, x)
    dx = torch.empty_like(x)
    w, slope = inputs.w, inputs.slope
    dw, dslope = _gradient(w), _gradient(slope)
    if x.numel():
        parameters, layout, _kept = _prepare(x, inputs, spec)
        addresses, gradients = (x.data_ptr(), dy.data_ptr(), dx.data_ptr()), (dw.data_ptr(), dslope.data_ptr())
        _native.backward(spec.description, parameters, layout, addresses, gradients, torch.get_num_threads())
    else:
        dw.zero_(), dslope.zero_()
    if w.dtype is not torch.float32:
        dw, dslope = dw.to(w.dtype), dslope.to(slope.dtype)
    return dx, dw, dslope
