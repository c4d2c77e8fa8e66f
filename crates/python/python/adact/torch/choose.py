"""What a model has learned: choices, plain models, frozen mixtures."""

from __future__ import annotations

import copy
import math
from typing import Callable, Mapping

import torch
from torch import Tensor, nn

from . import candidates as _candidates
from . import compose
from .module import AdAct, places, put
from .spec import Inputs, Spec


def choices(model: nn.Module) -> dict[str, str]:
    """The activation that each place chose, the one with the largest share, by the path of its module."""
    return {path: module.choice() for path, module in places(model).items()}


def optimized(
    model: nn.Module | Callable[[], nn.Module], chosen: Mapping[str, str] | None = None, *, learned_slopes: bool = False
) -> nn.Module:
    """A copy of a model with a plain module of `torch.nn` in the place of each AdAct: the paper's "optimized" network.

    It is to be trained anew, from initial weights. A model that is given is copied as it is, with the weights that it has
    learned beside its mixtures; a function that makes a fresh model (with an AdAct at each place) gives fresh weights.

    Args:
        model: a model, or a function that makes one.
        chosen: the activation of each place. Default :func:`choices` of the model; needed where `model` is a function.
        learned_slopes: whether PReLU begins with the slope that the mixture learned. Default False, 0.25.

    Raises:
        ValueError: if places and choices don't belong together.
    """
    if isinstance(model, nn.Module):
        chosen = choices(model) if chosen is None else chosen
        model = copy.deepcopy(model)
    elif chosen is None:
        raise ValueError("give the choices: a fresh model has learned none")
    else:
        model = model()
    found = places(model)
    if missing := [path for path in found if path not in chosen]:
        raise ValueError(f"no choice for the place {missing[0]}")
    if unknown := [path for path in chosen if path not in found]:
        raise ValueError(f"the model has no AdAct at {unknown[0]}: its places are {', '.join(found) or 'none'}")

    def plain(path: str, act: AdAct) -> nn.Module:
        slopes = act.prelu.weight if learned_slopes and "prelu" in act.candidates else None
        _candidates.check((chosen[path],))
        return _candidates.plain(chosen[path], act.constants, slopes)

    return _replace(model, plain)


def freeze(model: nn.Module) -> nn.Module:
    """A copy of a model whose mixtures are constants, composed of PyTorch's operations alone: for export, in evaluation."""
    return _replace(copy.deepcopy(model), lambda path, act: Frozen(act))


def _replace(model: nn.Module, make: Callable[[str, AdAct], nn.Module]) -> nn.Module:
    """Puts another module into the place of each AdAct."""
    if isinstance(model, AdAct):
        return make("", model).train(model.training)
    for path, act in places(model).items():
        put(model, path, make(path, act).train(act.training))
    return model


class Frozen(nn.Module):
    """A mixture whose shares and slopes are constants, with RReLU's mean slope.

    Candidates whose share is 0 are left out.
    """

    shares: Tensor
    slope: Tensor

    def __init__(self, act: AdAct) -> None:
        super().__init__()
        self.constants = act.constants
        self.channel_dim = act.channel_dim if act.channels is not None else None
        shares = act.mix().to(act.w.dtype)
        kept = [i for i in range(len(act.candidates)) if bool((shares[..., i] != 0).any())]
        self.candidates = tuple(act.candidates[i] for i in kept)
        self.register_buffer("shares", shares[..., kept].clone())
        slope = act.prelu.weight.detach().clone() if "prelu" in self.candidates else shares.new_empty(0)
        self.register_buffer("slope", slope)

    def forward(self, x: Tensor) -> Tensor:
        """The mixture of every element of a floating-point tensor."""
        channel_dim = None if self.channel_dim is None else self.channel_dim % x.dim()
        spec = Spec(self.candidates, "shares", self.constants, channel_dim)
        return compose.function(Inputs(x, self.shares, self.slope, None), spec)


def parameter_groups(model: nn.Module, weight_decay: float, **options) -> list[dict]:
    """The parameters of a model as two groups for an optimizer: those of the mixtures without weight decay, and the others.

    Weight decay pulls all raw weights towards 0, that is, the shares towards equal ones, whatever they are good for.

    Args:
        model: the model.
        weight_decay: the weight decay of the others.
        options: what else both groups have, such as `lr`.

    >>> import torch, adact.torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), adact.torch.AdAct())
    >>> optimizer = torch.optim.AdamW(adact.torch.parameter_groups(model, weight_decay=0.01))
    >>> [(group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
    [(0.01, 2), (0.0, 2)]
    """
    if not (weight_decay >= 0 and math.isfinite(weight_decay)):
        raise ValueError(f"weight_decay is at least 0, not {weight_decay}")
    mixtures = {id(p) for act in places(model).values() for p in act.parameters()}
    others = [p for p in model.parameters() if id(p) not in mixtures]
    own = [p for p in model.parameters() if id(p) in mixtures]
    return [{"params": others, "weight_decay": weight_decay, **options}, {"params": own, "weight_decay": 0.0, **options}]
