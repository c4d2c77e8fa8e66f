"""Pictures of a model's curves and weights."""

import pytest
import torch
from torch import nn

from adact.torch import AdAct

pytest.importorskip("matplotlib")

from adact.torch import plot


def test_pictures_have_every_place(tmp_path):
    channel = AdAct(("mish", "prelu"), granularity="channel", channels=3)
    model = nn.Sequential(AdAct(), nn.Linear(2, 2), AdAct(), channel)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    figure = plot.curves(model)
    assert [ax.get_title().split(":")[0] for ax in figure.axes] == ["0", "2", "3"]
    # Three channels, and the lines of the first and the chosen curve, the axes, and the legend's.
    assert len(figure.axes[2].lines) == 3 + 5
    figure.savefig(tmp_path / "curves.png")
    figure = plot.weights(model)
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "2", "3"]
    assert len(ax.texts) == 7 + 7 + 2
    figure.savefig(tmp_path / "weights.png")


def test_a_model_without_mixtures_is_refused():
    for draw in (plot.curves, plot.weights):
        with pytest.raises(ValueError, match="no AdAct"):
            draw(nn.Linear(2, 2))
