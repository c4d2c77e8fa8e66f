"""The mixture in plain PyTorch: the definition that the kernels are tested against, and what runs where there is no kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from . import candidates, noise
from .layout import dense
from .spec import Inputs, Spec


def function(inputs: Inputs, spec: Spec) -> Tensor:
    """The function of every element. Half precision is widened to `float32` and rounded at the end; `float64` stays.

    Differentiable as often as one likes.
    """
    x = dense(inputs.x)
    wide = torch.promote_types(x.dtype, torch.float32)
    w, slope = inputs.w.to(wide), inputs.slope.to(wide)
    constants = spec.constants

    def beside(parameter: Tensor) -> Tensor:
        """The parameter of each channel, or the one, in a shape that goes with x."""
        if spec.channel_dim is None:
            return parameter.reshape(())
        shape = [1] * x.dim()
        shape[spec.channel_dim] = -1
        return parameter.reshape(shape)

    names = spec.names
    drawn = (constants.lower + constants.upper) / 2
    if inputs.seed is not None and "rrelu" in names:
        drawn = noise.slopes(inputs.seed, x, spec.channel_dim, constants.lower, constants.upper).to(wide)
    prelu = beside(slope) if "prelu" in names else None
    slopes = candidates.Slopes(prelu=prelu, rrelu=drawn)
    z = x.to(wide)
    shares = torch.softmax(w, -1) if spec.mixing == "softmax" else w
    y = beside(shares[..., 0]) * candidates.value(names[0], z, constants, slopes)
    for i, name in enumerate(names[1:], 1):
        y = y + beside(shares[..., i]) * candidates.value(name, z, constants, slopes)
    return y.to(x.dtype)


def gradients(dy: Tensor, inputs: Inputs, spec: Spec) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients of x, w and slope, which have gradients themselves."""
    with torch.enable_grad():
        wanted = [t for t in inputs[:3] if t.requires_grad]
        y = function(inputs, spec)
        found = iter(torch.autograd.grad(y, wanted, dy, create_graph=True, allow_unused=True))
    dx, dw, dslope = (next(found) if t.requires_grad else None for t in inputs[:3])
    return dx, dw, dslope
