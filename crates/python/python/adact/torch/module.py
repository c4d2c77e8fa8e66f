"""The mixture as a module."""

from __future__ import annotations

import math
from typing import Callable, Sequence

import torch
from torch import Tensor, nn

from . import candidates as _candidates
from . import ops
from .candidates import PAPER, Constants
from .spec import Spec

Mixing = str | Callable[[Tensor], Tensor]


def _linear(w: Tensor) -> Tensor:
    """The raw weights as shares."""
    return w


_GATES: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "linear": _linear}
"""What makes shares of raw weights beside the softmax, which the kernels compute themselves."""


class AdAct(nn.Module):
    r"""A learnable mixture of activation functions, :math:`y = \sum_i p_i f_i(x)` with :math:`p = \mathrm{softmax}(w)`.

    Equation 1 of Maiti, "AdAct", ICLR 2024 Tiny Papers. It stands where an activation stood: input and output have the same
    shape, type and order in memory, any of them. On a CPU, `float32`, `bfloat16` and `float16` take one pass over memory
    forward and one backward, and so they do on GPUs, by Triton; sums over elements are in a fixed order. In a model that
    `torch.compile` compiles for a GPU the compiler gets the formulas, which is faster there. Elsewhere, and in `float64`, it is composed of PyTorch's operations.

    Args:
        candidates: names from :data:`adact.torch.ACTIVATIONS`, or a text of names and sets (:data:`adact.torch.SETS`) such as
            `"smooth"` or `"paper,gelu"`. Default the paper's seven.
        granularity: `"place"`, one set of weights; or `"channel"`, a set and a slope of PReLU for each channel.
        channels: how many channels there are, with `granularity="channel"`.
        channel_dim: their dimension: 1 for images (batch, channels, height, width), -1 for tokens (batch, length, features).
        mixing: what makes shares of the raw weights: `"softmax"`; `"sigmoid"`, a gate for each candidate, or `"linear"`, the weights
            themselves, which need not add up to 1; or a function of a tensor (..., candidates).
        prelu_init: PReLU's first slope. Default 0.25, as PyTorch's.
        alpha: ELU's alpha.
        negative_slope: LeakyReLU's slope.
        lower: the smallest slope that RReLU draws. In evaluation its slope is the mean of the smallest and the largest.
        upper: the largest.
        share: an AdAct whose parameters this one uses, too: one set for several places.

    Parameters:
        w: the raw weights, (candidates,) or (channels, candidates), all equal at first, and so are the shares: 0 but for
            `"sigmoid"` and `"linear"`, whose shares begin with one by the number of candidates, too.
        prelu.weight: PReLU's slope, (1,) or (channels,), where it is a candidate.

    Raises:
        ValueError: for unknown candidates, granularity or mixing, or channels that are missing.

    >>> import torch, adact.torch
    >>> act = adact.torch.AdAct(("relu", "identity"))
    >>> act(torch.tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    >>> act.shares()
    {'relu': 0.5, 'identity': 0.5}
    """

    def __init__(
        self,
        candidates: str | Sequence[str] = PAPER,
        *,
        granularity: str = "place",
        channels: int | None = None,
        channel_dim: int = 1,
        mixing: Mixing = "softmax",
        prelu_init: float = 0.25,
        alpha: float = 1.0,
        negative_slope: float = 0.01,
        lower: float = 1.0 / 8.0,
        upper: float = 1.0 / 3.0,
        share: AdAct | None = None,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        self.candidates = _candidates.check(_candidates.listed(candidates))
        if granularity not in ("place", "channel"):
            raise ValueError(f"granularity is 'place' or 'channel', not {granularity!r}; for one set in the network give `share`")
        if (granularity == "channel") != (channels is not None):
            raise ValueError("channels are given with granularity='channel', and only with it")
        if isinstance(mixing, str) and mixing != "softmax" and mixing not in _GATES:
            raise ValueError(f"mixing is 'softmax', 'sigmoid', 'linear' or a function of the raw weights, not {mixing!r}")
        if not 0.0 <= lower <= upper:
            raise ValueError(f"RReLU's slopes are from lower to upper, both at least 0: not {lower} to {upper}")
        if not all(map(math.isfinite, (prelu_init, alpha, negative_slope, upper))):
            raise ValueError("the constants of the activations are finite numbers")
        self.granularity = granularity
        self.channels = channels
        self.channel_dim = channel_dim
        self.mixing = mixing
        self.constants = Constants(alpha, negative_slope, lower, upper)
        self._gate = None if mixing == "softmax" else _GATES[mixing] if isinstance(mixing, str) else mixing
        self._spec = Spec(self.candidates, "softmax" if self._gate is None else "shares", self.constants)
        if share is not None:
            if (share.candidates, share.channels) != (self.candidates, channels):
                raise ValueError("modules that share parameters have the same candidates and channels")
            self.w = share.w
            if "prelu" in self.candidates:
                self.prelu = share.prelu
            return
        factory = {"device": device, "dtype": dtype}
        shape = (len(self.candidates),) if channels is None else (channels, len(self.candidates))
        self.w = nn.Parameter(torch.full(shape, self._even(), **factory))
        if "prelu" in self.candidates:
            self.prelu = nn.PReLU(1 if channels is None else channels, prelu_init, **factory)

    def _even(self) -> float:
        """The raw weight of equal shares."""
        n = len(self.candidates)
        if self.mixing == "sigmoid":
            return -math.log(n - 1) if n > 1 else 20.0
        return 1.0 / n if self.mixing == "linear" else 0.0

    def forward(self, x: Tensor) -> Tensor:
        """The mixture of every element.

        Args:
            x: a floating-point tensor of any shape; with `granularity="channel"` of `channels` in dimension `channel_dim`.

        Raises:
            TypeError: if x is not floating point.
            ValueError: if x has other channels.
        """
        if not x.is_floating_point():
            raise TypeError(f"AdAct needs a floating-point tensor, not {str(x.dtype).removeprefix('torch.')}")
        # Where they lie in the module, if nothing stands in their place: a look-up by attribute takes as long as a small activation.
        w = self._parameters.get("w")
        spec, w = self._spec, self.w if w is None else w
        if self.channels is not None:
            spec = self._spec_of(x)
        if self._gate is not None:
            w = self._gate(w)
        slope = self._slope() if spec.learns_slope else w.new_empty(0)
        return ops.function(x, w, slope, self.training and spec.draws, spec)

    def _slope(self) -> Tensor:
        """PReLU's slope."""
        prelu = self._modules.get("prelu")
        slope = None if prelu is None else prelu._parameters.get("weight")
        return self.prelu.weight if slope is None else slope

    def _spec_of(self, x: Tensor) -> Spec:
        """The specification for an input with channels."""
        if not -x.dim() <= self.channel_dim < x.dim():
            raise ValueError(f"AdAct needs channels in dimension {self.channel_dim}, and the input has {x.dim()} dimensions")
        channel_dim = self.channel_dim % x.dim()
        if x.size(channel_dim) != self.channels:
            raise ValueError(
                f"AdAct has {self.channels} channels, and the input {x.size(channel_dim)} in dimension {channel_dim}"
            )
        return Spec(self.candidates, self._spec.mixing, self.constants, channel_dim)

    def mix(self) -> Tensor:
        """The share of each candidate, of the shape of `w`, without gradient."""
        with torch.no_grad():
            w = self.w.detach().to(torch.promote_types(self.w.dtype, torch.float32))
            return torch.softmax(w.double(), -1) if self._gate is None else self._gate(w)

    def shares(self) -> dict[str, float]:
        """The share of each candidate by its name; of several channels the mean."""
        shares = self.mix().reshape(-1, len(self.candidates)).mean(0)
        return dict(zip(self.candidates, shares.tolist()))

    def choice(self) -> str:
        """The candidate with the largest share, the first of several."""
        shares = self.shares()
        return max(self.candidates, key=shares.__getitem__)

    def extra_repr(self) -> str:
        parts = [", ".join(self.candidates)]
        if self.channels is not None:
            parts.append(f"channels={self.channels}, channel_dim={self.channel_dim}")
        if self.mixing != "softmax":
            parts.append(f"mixing={self.mixing if isinstance(self.mixing, str) else getattr(self.mixing, '__name__', 'a function')}")
        return "; ".join(parts)


def put(model: nn.Module, path: str, module: nn.Module) -> None:
    """Puts a module into a model, in the place of the one at `path`."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def places(model: nn.Module) -> dict[str, AdAct]:
    """Every AdAct of a model by the path of its module, in the order of the modules."""
    return {path: module for path, module in model.named_modules() if isinstance(module, AdAct)}
