"""What goes into a function."""

from __future__ import annotations

from typing import NamedTuple, Sequence

from torch import Tensor

from .candidates import Constants


class Spec:
    """What of a function is not a tensor. It does not change, and is made once a module: small activations are short."""

    __slots__ = ("names", "candidates", "mixing", "constants", "channel_dim", "learns_slope", "draws", "description")

    def __init__(
        self, names: Sequence[str], mixing: str, constants: Constants, channel_dim: int | None = None
    ) -> None:
        self.names = tuple(names)
        """The names of the candidates."""
        self.candidates = ",".join(names)
        """The same, separated by commas."""
        self.mixing = mixing
        """`softmax` of raw weights, or `shares` as they are given."""
        self.constants = constants
        self.channel_dim = channel_dim
        """The dimension of the channels, where each has a function of its own."""
        self.learns_slope = "prelu" in self.names
        self.draws = "rrelu" in self.names
        """Whether it is random in training."""
        self.description = (self.candidates, mixing, tuple(constants))
        """As the kernels take it."""


class Inputs(NamedTuple):
    """The tensors of a function."""

    x: Tensor
    """Any shape, floating point."""
    w: Tensor
    """The raw weights or shares, (candidates,) or (channels, candidates)."""
    slope: Tensor
    """PReLU's slope, (1,) or (channels,); empty where no candidate has it."""
    seed: Tensor | int | None
    """The seed of RReLU's slopes, below 2^62, as a number or an int64 without dimensions; None in evaluation."""
