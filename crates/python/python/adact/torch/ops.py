"""The function as an operation of PyTorch's.

`adact::function` and `adact::function_backward` are registered operations: `torch.compile`, `torch.export`, dispatch modes and
subclasses of tensors see them. A plain tensor takes a shorter way to the same kernels, since a registered operation costs
several times what a small activation does.
"""

from __future__ import annotations

from types import ModuleType
from typing import Sequence

import torch
from torch import Tensor

from . import compose, gpu, native
from .candidates import Constants
from .layout import dense
from .spec import Inputs, Spec


def function(x: Tensor, w: Tensor, slope: Tensor, draws: bool, spec: Spec) -> Tensor:
    """Applies a function to every element of `x`; where it `draws`, RReLU's slopes are random.

    The seed is from PyTorch's generator: `torch.manual_seed` repeats it, and activation checkpointing draws it again.
    """
    kernels = _kernels(x)
    in_transform = torch._C._functorch.peek_interpreter_stack() is not None
    is_compiling = torch.compiler.is_compiling()
    is_watched = in_transform or is_compiling or not _is_plain(x) or torch._C._len_torch_dispatch_stack() > 0
    seed = torch.randint(1 << 62, (), device=x.device) if draws else None
    if kernels is native and not is_watched:
        # A number instead of a tensor: a small activation is bound by what surrounds it.
        return _Function.apply(x, w, slope, None if seed is None else seed.item(), spec, native)
    inputs = Inputs(x, w, slope, seed)
    # Transforms of torch.func take operations of PyTorch's alone; and a compiler fuses the formulas with their neighbours on a
    # GPU, which it can't do with an operation (benches/torch_gpu.py).
    if kernels is None or in_transform or (is_compiling and kernels is gpu):
        return compose.function(inputs, spec)
    if is_watched:
        return _function(*inputs, spec.candidates, spec.mixing, list(spec.constants), spec.channel_dim)
    return _Function.apply(*inputs, spec, kernels)


def _kernels(x: Tensor) -> ModuleType | None:
    """The module of the kernels that take a tensor."""
    if native.serves(x):
        return native
    return gpu if gpu.serves(x) else None


def _is_plain(x: Tensor) -> bool:
    return type(x) is Tensor or type(x) is torch.nn.Parameter


class _Function(torch.autograd.Function):
    """The shorter way."""

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, slope: Tensor, seed: Tensor | int | None, spec: Spec, kernels: ModuleType) -> Tensor:
        ctx.save_for_backward(x, w, slope)
        # A seed is nobody's input: no hook on saved tensors needs to see it.
        ctx.rest = seed, spec, kernels
        return kernels.forward(Inputs(x, w, slope, seed), spec)

    @staticmethod
    def backward(ctx, dy: Tensor):
        seed, spec, kernels = ctx.rest
        inputs = Inputs(*ctx.saved_tensors, seed)
        if torch.is_grad_enabled():  # create_graph=True
            return *compose.gradients(dy, inputs, spec), None, None, None
        return *kernels.backward(dy, inputs, spec), None, None, None


def _spec(candidates: str, mixing: str, constants: Sequence[float], channel_dim: int | None) -> Spec:
    return Spec(candidates.split(","), mixing, Constants(*constants), channel_dim)


@torch.library.custom_op("adact::function", mutates_args=())
def _function(
    x: Tensor,
    w: Tensor,
    slope: Tensor,
    seed: Tensor | None,
    candidates: str,
    mixing: str,
    constants: Sequence[float],
    channel_dim: int | None,
) -> Tensor:
    spec = _spec(candidates, mixing, constants, channel_dim)
    return _kernels(x).forward(Inputs(x, w, slope, seed), spec)


@_function.register_fake
def _(x, w, slope, seed, candidates, mixing, constants, channel_dim):
    return torch.empty_like(dense(x))


@torch.library.custom_op("adact::function_backward", mutates_args=())
def _function_backward(
    dy: Tensor,
    x: Tensor,
    w: Tensor,
    slope: Tensor,
    seed: Tensor | None,
    candidates: str,
    mixing: str,
    constants: Sequence[float],
    channel_dim: int | None,
) -> tuple[Tensor, Tensor, Tensor]:
    spec = _spec(candidates, mixing, constants, channel_dim)
    return _kernels(x).backward(dy, Inputs(x, w, slope, seed), spec)


@_function_backward.register_fake
def _(dy, x, w, slope, seed, candidates, mixing, constants, channel_dim):
    return torch.empty_like(dense(x)), torch.empty_like(w), torch.empty_like(slope)


def _setup_context(ctx, inputs, output) -> None:
    x, w, slope, seed, *rest = inputs
    ctx.save_for_backward(x, w, slope, seed)
    ctx.rest = rest


def _backward(ctx, dy: Tensor):
    x, w, slope, seed = ctx.saved_tensors
    found = _function_backward(dy, x, w, slope, seed, *ctx.rest)
    return *found, None, None, None, None, None


_function.register_autograd(_backward, setup_context=_setup_context)


def _setup_second(ctx, inputs, output) -> None:
    dy, x, w, slope, seed, *rest = inputs
    ctx.save_for_backward(dy, x, w, slope, seed)
    ctx.spec = _spec(*rest)


def _second_backward(ctx, *gradients):
    """The gradients of the gradients, by the composition."""
    dy, x, w, slope, seed = ctx.saved_tensors
    with torch.enable_grad():
        leaves = [t.detach().requires_grad_() for t in (dy, x, w, slope)]
        first = compose.gradients(leaves[0], Inputs(*leaves[1:], seed), ctx.spec)
        pairs = [(f, g) for f, g in zip(first, gradients) if f is not None and g is not None and f.requires_grad]
        found = torch.autograd.grad([f for f, _ in pairs], leaves, [g for _, g in pairs], allow_unused=True)
    return *found, None, None, None, None, None


_function_backward.register_autograd(_second_backward, setup_context=_setup_second)
