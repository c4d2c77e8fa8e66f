"""Pictures of what a model has learned, with matplotlib (`pip install adact[plot]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from .choose import Frozen
from .module import AdAct, places

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(model: nn.Module, *, low: float = -4.0, high: float = 4.0) -> Figure:
    """The function that each place has learned, beside the one of its choice and the one that it began with.

    Of a place with a set of weights for each channel every channel is drawn.

    Args:
        model: a model with :class:`AdAct` modules.
        low: where the curves begin.
        high: where they end.

    Raises:
        ValueError: if the model has no AdAct.
        ImportError: if matplotlib is missing.
    """
    from matplotlib.figure import Figure

    acts = _places(model)
    columns = min(len(acts), 4)
    rows = -(-len(acts) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(acts) :]:
        ax.set_visible(False)
    for ax, (path, act) in zip(axes, acts.items()):
        x = torch.linspace(low, high, 401)
        first = Frozen(AdAct(act.candidates, **act.constants._asdict()))
        ax.plot(x, first(x), color="0.7", label="at first")
        learned = _learned(act, x)
        ax.plot(x, learned.T, color="#0072b2", linewidth=2 if len(learned) == 1 else 0.5)
        ax.plot([], [], color="#0072b2", linewidth=2, label="learned")
        ax.plot(x, _chosen(act)(x).detach(), color="#d55e00", linestyle="--", label="choice")
        ax.axhline(0, color="0.9", linewidth=0.8, zorder=0)
        ax.axvline(0, color="0.9", linewidth=0.8, zorder=0)
        ax.set_title(f"{path or 'AdAct'}: {act.choice()}", fontsize=9)
        ax.tick_params(labelsize=8)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def weights(model: nn.Module) -> Figure:
    """The share of each candidate at each place as a table of colours; of several channels the mean.

    Args:
        model: a model with :class:`AdAct` modules.

    Raises:
        ValueError: if the model has no AdAct.
        ImportError: if matplotlib is missing.
    """
    from matplotlib.figure import Figure

    acts = _places(model)
    names = list(dict.fromkeys(name for act in acts.values() for name in act.candidates))
    shares = [act.shares() for act in acts.values()]
    values = torch.tensor([[share.get(name, float("nan")) for name in names] for share in shares])
    figure = Figure(figsize=(1.6 + 0.85 * len(names), 0.9 + 0.35 * len(acts)), layout="constrained")
    ax = figure.subplots()
    ax.imshow(values, aspect="auto", cmap="Blues", vmin=0, vmax=float(values.nan_to_num().max()))
    ax.set_xticks(range(len(names)), names, fontsize=9)
    ax.set_yticks(range(len(acts)), [path or "AdAct" for path in acts], fontsize=9)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    middle = float(values.nan_to_num().max()) * 0.6
    for row, share in enumerate(shares):
        best = max(share.values())
        for column, name in enumerate(names):
            if name in share:
                value = share[name]
                weight = "bold" if value == best else "normal"
                color = "white" if value > middle else "black"
                ax.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=8, weight=weight, color=color)
    return figure


def _places(model: nn.Module) -> dict[str, AdAct]:
    acts = places(model)
    if not acts:
        raise ValueError("the model has no AdAct: nothing to draw")
    return acts


def _learned(act: AdAct, x: torch.Tensor) -> torch.Tensor:
    """The learned function of each channel, or the one, (channels, points)."""
    frozen = Frozen(act).cpu().float()
    if frozen.channel_dim is None:
        return frozen(x)[None]
    frozen.channel_dim = 0
    return frozen(x.expand(act.channels, -1).contiguous())


def _chosen(act: AdAct) -> nn.Module:
    """The choice with its learned slope, of several channels the mean slope."""
    from . import candidates

    slope = act.prelu.weight.detach().float().mean().reshape(1).cpu() if act.choice() == "prelu" else None
    return candidates.plain(act.choice(), act.constants, slope).eval()
