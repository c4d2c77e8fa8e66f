"""Which modules and which calls are activations."""

from __future__ import annotations

import functools
import re
from typing import Any, Callable

import torch
from torch import nn
from torch.nn import functional as F

MODULES: tuple[type[nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.SiLU,
    nn.Mish,
    nn.GELU,
    nn.Hardswish,
    nn.Softplus,
    nn.Hardtanh,
)
"""The modules of `torch.nn` that are replaced. Gates (sigmoid, tanh and their kin) are not: what they are for depends on their range."""

FUNCTIONS: tuple[Callable[..., torch.Tensor], ...] = (
    F.relu,
    F.relu_,
    F.relu6,
    F.elu,
    F.elu_,
    F.celu,
    F.selu,
    F.leaky_relu,
    F.leaky_relu_,
    F.prelu,
    F.rrelu,
    F.silu,
    F.mish,
    F.gelu,
    F.hardswish,
    F.softplus,
    torch.relu,
    torch.relu_,
    torch.prelu,
    torch.celu,
    torch.selu,
    torch.rrelu,
)
"""The functions that are replaced."""

METHODS: tuple[str, ...] = ("relu", "relu_", "prelu")
"""The methods of tensors that are replaced."""

# Modules of other packages are recognised by name and behaviour: `NewGELUActivation`, `QuickGELU`, `SwishMe`.
_NAME = re.compile(r"relu|elu|silu|swish|mish|activation", re.IGNORECASE)
_GATE = re.compile(r"sigmoid|tanh|softmax|glu$", re.IGNORECASE)


def is_function(value: Any) -> bool:
    """Whether a value is a functional activation, or one with some of its arguments given."""
    while isinstance(value, functools.partial):
        value = value.func
    # By identity: not every value can be compared.
    return any(value is function for function in FUNCTIONS)


def is_module(module: nn.Module) -> bool:
    """Whether a module is an activation that is replaced."""
    if isinstance(module, MODULES):
        return True
    name = type(module).__name__
    own = type(module).__module__.startswith("torch.nn")
    return not own and bool(_NAME.search(name)) and not _GATE.search(name) and _is_elementwise(module)


def _is_elementwise(module: nn.Module) -> bool:
    """Whether a module of another package is a curve: no parts, at most one parameter, element by element, not a line."""
    if any(module.children()) or sum(p.numel() for p in module.parameters()) > 1:
        return False
    x = torch.linspace(-3, 3, 61)
    try:
        with torch.no_grad():
            y, mirrored = module(x), module(x.flip(0)).flip(0)
    except Exception:  # whatever it needs that a curve doesn't
        return False
    is_curve = isinstance(y, torch.Tensor) and y.shape == x.shape and torch.allclose(y, mirrored)
    return is_curve and not torch.allclose(y[2:] - 2 * y[1:-1] + y[:-2], torch.zeros(59), atol=1e-6)


def words(value: Any) -> str:
    """What an activation is, in a few words: `ReLU(inplace=True)`, `functional.gelu`."""
    if isinstance(value, nn.Module):
        text = repr(value)
        return text if len(text) <= 40 and "\n" not in text else type(value).__name__
    while isinstance(value, functools.partial):
        value = value.func
    return f"functional.{getattr(value, '__name__', value)}"
