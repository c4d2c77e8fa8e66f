"""A model with frozen mixtures leaves for ONNX and computes there what it does here."""

import numpy
import pytest
import torch
from torch import nn

import adact.torch

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.mark.parametrize("granularity", ["place", "channel"])
def test_a_frozen_model_runs_in_onnxruntime(granularity, tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    )
    example = torch.randn(2, 1, 8, 8)
    candidates = adact.torch.ACTIVATIONS
    adact.torch.convert(model, candidates=candidates, granularity=granularity, example=example, verbose=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    frozen = adact.torch.freeze(model.eval())
    path = tmp_path / "model.onnx"
    shapes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(frozen, (example,), path, dynamo=True, dynamic_shapes=shapes, opset_version=18, verbose=False)
    onnx.checker.check_model(path)
    session = onnxruntime.InferenceSession(path)
    x = torch.randn(5, 1, 8, 8)
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert numpy.abs(found - model(x).detach().numpy()).max() < 1e-4
    assert {node.domain for node in onnx.load(path).graph.node} == {""}
