"""What of a function is not a tensor."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from .candidates import Constants


class Spec(NamedTuple):
    """What of a function is not a tensor."""

    candidates: str
    """The names of the candidates, separated by commas; one alone where nothing is mixed."""
    mixing: str
    """`softmax` of raw weights, `shares` as they are given, or `single`."""
    constants: Constants
    channel_dim: int | None
    """The dimension of the channels, where each has a function of its own."""

    @property
    def names(self) -> list[str]:
        return self.candidates.split(",")


class Inputs(NamedTuple):
    """The tensors of a function."""

    x: Tensor
    """Any shape, floating point."""
    w: Tensor
    """The raw weights or shares, (candidates,) or (channels, candidates)."""
    slope: Tensor
    """PReLU's slope, (1,) or (channels,); empty where no candidate has it."""
    seed: Tensor | None
    """The seed of RReLU's slopes, an int64 without dimensions; None in evaluation."""
