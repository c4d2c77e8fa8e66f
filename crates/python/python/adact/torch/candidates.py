"""The activation functions that a mixture may have, and each of them in plain PyTorch."""

from __future__ import annotations

from typing import Callable, NamedTuple, Sequence

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


def _angle(x: Tensor) -> Tensor:
    """What a sine is taken of: the bounds of the kernels."""
    return x.clamp(-32768.0, 32768.0)


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
    "gelu_tanh": lambda x, c, s: F.gelu(x, approximate="tanh"),
    "sigmoid": lambda x, c, s: torch.sigmoid(x),
    "softplus": lambda x, c, s: F.softplus(x),
    "selu": lambda x, c, s: F.selu(x),
    "celu": lambda x, c, s: F.celu(x),
    "relu6": lambda x, c, s: F.relu6(x),
    "hardtanh": lambda x, c, s: F.hardtanh(x),
    "softsign": lambda x, c, s: F.softsign(x),
    "logsigmoid": lambda x, c, s: F.logsigmoid(x),
    "hardsigmoid": lambda x, c, s: F.hardsigmoid(x),
    "tanhshrink": lambda x, c, s: F.tanhshrink(x),
    "softshrink": lambda x, c, s: F.softshrink(x),
    "hardshrink": lambda x, c, s: F.hardshrink(x),
    "squared_relu": lambda x, c, s: F.relu(x).square(),
    "star_relu": lambda x, c, s: 0.8944 * F.relu(x).square() - 0.4472,
    "snake": lambda x, c, s: x + torch.sin(_angle(x)).square(),
    "sine": lambda x, c, s: torch.sin(_angle(x)),
    "gaussian": lambda x, c, s: torch.exp(-x.clamp(-40.0, 40.0).square()),
}

ACTIVATIONS: tuple[str, ...] = tuple(_FORMULAS)
"""The names of all activations."""

SETS: dict[str, tuple[str, ...]] = {
    "paper": PAPER,
    "all": tuple(name for name in ACTIVATIONS if name != "celu"),
    "smooth": (
        "silu", "mish", "gelu", "gelu_tanh", "tanh", "tanhshrink", "sigmoid", "softplus", "logsigmoid", "gaussian", "sine", "snake",
    ),
    "cheap": (
        "relu", "leaky_relu", "prelu", "relu6", "squared_relu", "star_relu", "hardswish", "hardtanh", "hardsigmoid", "softshrink",
        "hardshrink", "identity",
    ),
}  # fmt: skip
"""Sets of candidates: the paper's; all but CELU, which is ELU; those with derivatives of every order; those without exponential,
division and random numbers."""

def value(name: str, x: Tensor, constants: Constants, slopes: Slopes) -> Tensor:
    """One activation of `x`, element by element."""
    return _FORMULAS[name](x, constants, slopes)


class Formula(nn.Module):
    """An activation that `torch.nn` doesn't have."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return _FORMULAS[self.name](x, Constants(), Slopes(None, 0.0))

    def extra_repr(self) -> str:
        return self.name


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
        "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
        "sigmoid": nn.Sigmoid,
        "softplus": nn.Softplus,
        "selu": nn.SELU,
        "celu": nn.CELU,
        "relu6": nn.ReLU6,
        "hardtanh": nn.Hardtanh,
        "softsign": nn.Softsign,
        "logsigmoid": nn.LogSigmoid,
        "hardsigmoid": nn.Hardsigmoid,
        "tanhshrink": nn.Tanhshrink,
        "softshrink": nn.Softshrink,
        "hardshrink": nn.Hardshrink,
    }
    return modules[name]() if name in modules else Formula(name)


def listed(candidates: str | Sequence[str]) -> tuple[str, ...]:
    """The candidates that are given one by one, or as a text of names and sets between commas. What a set brings is there once."""
    if not isinstance(candidates, str):
        return tuple(candidates)
    names: list[str] = []
    for name in (part.strip() for part in candidates.split(",")):
        if name in SETS:
            names += [new for new in SETS[name] if new not in names]
        else:
            names.append(name)
    return tuple(names)


def check(names: tuple[str, ...]) -> tuple[str, ...]:
    """The candidates, if they are a mixture's.

    Raises:
        ValueError: if there is none, an unknown one, or one twice.
    """
    if not names:
        raise ValueError("a mixture needs at least one candidate")
    for name in names:
        if name not in _FORMULAS:
            raise ValueError(f"unknown activation {name!r}: choose from {', '.join(ACTIVATIONS)}, or the sets {', '.join(SETS)}")
        if names.count(name) > 1:
            raise ValueError(f"candidate {name!r} is there twice")
    return names
