"""The Triton kernels against float64: on a GPU where there is one, by Triton's interpreter elsewhere."""

import os
import subprocess
import sys

import pytest
import torch

pytest.importorskip("triton")

# The interpreter is chosen when Triton is imported, so these tests run in a process of their own.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.skipif(INTERPRETED or DEVICE == "cuda", reason="runs the others by the interpreter")
def test_by_the_interpreter():
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    command = [sys.executable, "-m", "pytest", "--quiet", "--no-header", "-p", "no:cacheprovider", __file__]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passed" in ran.stdout


on_a_device = pytest.mark.skipif(not INTERPRETED and DEVICE == "cpu", reason="no GPU")
HARD = [0.0, -0.0, 1e-30, -1e-30, 1e-3, -1e-3, 20.0, -20.0, 88.8, -88.8, 104.0, -104.0, 1e4, -1e4]
TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 8e-3, torch.float16: 1e-3}


@on_a_device
@pytest.mark.parametrize("mixing", ["softmax", "shares"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("names", ["paper", "all", "gelu", "prelu,tanh", "mish,relu,rrelu"])
def test_values_and_gradients_are_those_of_float64(names, dtype, training, mixing):
    from adact.torch import ACTIVATIONS, PAPER, compose, gpu
    from adact.torch.candidates import Constants
    from adact.torch.spec import Inputs, Spec

    names = {"paper": PAPER, "all": ACTIVATIONS}.get(names) or names.split(",")
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 1000, generator=generator)
    x.view(-1)[: len(HARD)] = torch.tensor(HARD)
    dy = torch.randn(3, 1000, generator=generator)
    # Gradients of the hardest inputs are 0, so that the sums tell of the others.
    dy.view(-1)[: len(HARD)] *= (x.view(-1)[: len(HARD)].abs() < 200).float()
    x, dy = x.to(DEVICE, dtype), dy.to(DEVICE, dtype)
    w = (0.5 * torch.randn(len(names), generator=generator)).to(DEVICE)
    slope = torch.tensor([-0.3], device=DEVICE) if "prelu" in names else torch.empty(0, device=DEVICE)
    seed = torch.tensor(0x1234_5678_9ABC_DEF, device=DEVICE) if training else None
    spec = Spec(names, mixing, Constants())
    assert gpu.serves(x, spec)
    found = [gpu.forward(Inputs(x, w, slope, seed), spec), *gpu.backward(dy, Inputs(x, w, slope, seed), spec)]
    leaves = [t.double().requires_grad_() for t in (x, w, slope)]
    y = compose.function(Inputs(*leaves, seed), spec)
    wanted = [y, *torch.autograd.grad(y, leaves, dy.double(), allow_unused=True)]
    assert found[0].dtype == found[1].dtype == dtype
    for name, f, want in zip(["y", "dx", "dw", "dslope"], found, wanted):
        if want is None or not want.numel():
            continue
        error = (f.double() - want).abs()
        if name in ("y", "dx"):
            assert (error <= TOLERANCE[dtype] * want.abs().clamp(min=1)).all(), f"{name}: {error.max()}"
        else:
            assert error.max() <= 2e-5 * want.abs().max().clamp(min=1), f"{name}: {error.max()}"


@on_a_device
def test_the_same_bits_again_and_any_layout():
    from adact.torch import PAPER, gpu
    from adact.torch.candidates import Constants
    from adact.torch.spec import Inputs, Spec

    spec, w, slope = Spec(PAPER, "softmax", Constants()), torch.zeros(7, device=DEVICE), torch.ones(1, device=DEVICE)
    x = torch.randn(2, 3, 40, 50, device=DEVICE).contiguous(memory_format=torch.channels_last)
    dy = torch.randn(2, 3, 40, 50, device=DEVICE)
    first, again = (gpu.backward(dy, Inputs(x, w, slope, None), spec) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert gpu.forward(Inputs(x, w, slope, None), spec).stride() == x.stride() == first[0].stride()
    empty = torch.empty(0, 3, device=DEVICE)
    assert gpu.forward(Inputs(empty, w, slope, None), spec).shape == (0, 3)
    assert gpu.backward(empty, Inputs(empty, w, slope, None), spec)[1].shape == (7,)
