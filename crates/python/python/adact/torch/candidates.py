"""The activation functions that a mixture may have, and each of them in plain PyTorch."""

from __future__ import annotations

from typing import Callable, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adact.program import PAPER as PAPER


class Constants(NamedTuple):
    """What the definitions of the activations leave to choose."""

    alpha: float = 1.0
    """ELU's alpha."""
    negative_slope: float = 0.01
    """LeakyReLU's slope."""
    lower: float = 1.0 / 8.0
    """The smallest slope that RReLU draws."""
    upper: float = 1.0 / 3.0
    """The largest slope that RReLU draws."""


class Slopes(NamedTuple):
    """The slopes below 0 that are no constants."""

    prelu: Tensor | None
    rrelu: Tensor | float


def _below(x: Tensor, below: Tensor) -> Tensor:
    """x above 0 and `below` elsewhere. NaN stays NaN, in values and in gradients."""
    return torch.where(x <= 0, below, x)


_FORMULAS: dict[str, Callable[[Tensor, Constants, Slopes], Tensor]] = {
    "relu": lambda x, c, s: F.relu(x),
    "elu": lambda x, c, s: F.elu(x, c.alpha),
    "leaky_relu": lambda x, c, s: _below(x, c.negative_slope * x),
    "prelu": lambda x, c, s: _below(x, s.prelu * x),
    # torch.nn.functional.rrelu breaks decompositions, and draws its slopes where nobody can draw them again.
    "rrelu": lambda x, c, s: _below(x, s.rrelu * x),
    "silu": lambda x, c, s: F.silu(x),
    "mish": lambda x, c, s: F.mish(x),
    "gelu": lambda x, c, s: F.gelu(x),
    "hardswish": lambda x, c, s: F.hardswish(x),
    "tanh": lambda x, c, s: torch.tanh(x),
    "identity": lambda x, c, s: x,
}

ACTIVATIONS: tuple[str, ...] = tuple(_FORMULAS)
"""The names of all activations."""

def value(name: str, x: Tensor, constants: Constants, slopes: Slopes) -> Tensor:
    """One activation of `x`, element by element."""
    return _FORMULAS[name](x, constants, slopes)


def plain(name: str, constants: Constants, slopes: Tensor | None) -> nn.Module:
    """The module of `torch.nn` that is this activation; PReLU begins with `slopes`, or with 0.25."""
    c = constants
    if name == "prelu":
        module = nn.PReLU(1 if slopes is None else slopes.numel())
        if slopes is not None:
            module = module.to(slopes.device, slopes.dtype)
            module.weight.data.copy_(slopes.detach())
        return module
    modules: dict[str, Callable[[], nn.Module]] = {
        "relu": nn.ReLU,
        "elu": lambda: nn.ELU(c.alpha),
        "leaky_relu": lambda: nn.LeakyReLU(c.negative_slope),
        "rrelu": lambda: nn.RReLU(c.lower, c.upper),
        "silu": nn.SiLU,
        "mish": nn.Mish,
        "gelu": nn.GELU,
        "hardswish": nn.Hardswish,
        "tanh": nn.Tanh,
        "identity": nn.Identity,
    }
    return modules[name]()


def check(names: tuple[str, ...]) -> tuple[str, ...]:
    """The candidates, if they are a mixture's.

    Raises:
        ValueError: if there is none, an unknown one, or one twice.
    """
    if not names:
        raise ValueError("a mixture needs at least one candidate")
    for name in names:
        if name not in _FORMULAS:
            raise ValueError(f"unknown activation {name!r}: choose from {', '.join(ACTIVATIONS)}")
        if names.count(name) > 1:
            raise ValueError(f"candidate {name!r} is there twice")
    return names
