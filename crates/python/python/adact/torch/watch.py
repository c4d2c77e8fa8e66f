"""What a model really calls, seen while it runs."""

from __future__ import annotations

import traceback
from typing import Any, Callable

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from . import known
from .choose import Frozen
from .module import AdAct


class Kept(nn.Module):
    """A function that was an attribute and stays what it was, as a module that can be told from what is missed."""

    def __init__(self, was: Callable) -> None:
        super().__init__()
        self.was = was

    def forward(self, x):
        return self.was(x)


def run(model: nn.Module, example: Any) -> None:
    """Runs a model on an example: a tensor, a tuple of arguments, or a dict of named ones. Its state stays as it was."""
    from torch.func import functional_call

    arguments, named = (), {}
    if isinstance(example, dict):
        named = example
    else:
        arguments = example if isinstance(example, (tuple, list)) else (example,)
    # In copies of the buffers: batch norm must not count the example. The random numbers are given back.
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with torch.no_grad(), torch.random.fork_rng():
        functional_call(model, buffers, tuple(arguments), named)


def calls_of(model: nn.Module, example: Any) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the inputs that each AdAct got, by its path."""
    shapes: dict[str, list[tuple[int, ...]]] = {}
    hooks = []
    for path, module in model.named_modules():
        if isinstance(module, AdAct):
            seen = shapes.setdefault(path, [])
            hooks.append(module.register_forward_pre_hook(lambda _, x, seen=seen: seen.append(tuple(x[0].shape))))
    try:
        run(model, example)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


def uncovered(model: nn.Module, example: Any) -> list[tuple[str, str]]:
    """The activations that a model calls outside of its mixtures: the lines that call them, and a sentence of each."""
    watch = _Watch()
    hooks = []

    def enter(*_: Any) -> None:
        watch.inside += 1

    def leave(*_: Any) -> None:
        watch.inside -= 1

    for module in model.modules():
        if isinstance(module, (AdAct, Frozen, Kept)) or known.is_module(module):
            hooks.append(module.register_forward_pre_hook(enter))
            hooks.append(module.register_forward_hook(leave, always_call=True))
    try:
        with watch:
            run(model, example)
    finally:
        for hook in hooks:
            hook.remove()
    return list(watch.found.items())


class _Watch(TorchFunctionMode):
    """Notes every call of a functional activation outside of the modules that are watched."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.found: dict[str, str] = {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        is_method = name in known.METHODS and getattr(torch.Tensor, name, None) is func
        if self.inside == 0 and (known.is_function(func) or is_method):
            line = _caller()
            self.found[line] = f"{line}: {name}, which the source of the modules doesn't show"
        return func(*args, **(kwargs or {}))


def _caller() -> str:
    """The line that called, the last one outside of PyTorch and of this package."""
    for frame in reversed(traceback.extract_stack()):
        path = frame.filename.replace("\\", "/")
        if "/torch/" not in path:
            return f"{path.rsplit('/', 1)[-1]}:{frame.lineno}"
    return "?"
