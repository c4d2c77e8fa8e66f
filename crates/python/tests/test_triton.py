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


@pytest.mark.skipif(INTERPRETED, reason="compiles, which the interpreter doesn't")
@pytest.mark.parametrize("tile", [(1024, 1, False), (64, 16, False), (32, 32, True)])
@pytest.mark.parametrize("kernel", ["forward", "backward", "gradients"])
def test_they_compile_without_a_gpu(kernel, tile):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from adact.torch import ACTIVATIONS, triton_kernels

    rows, channels, interleaved = tile
    known = {"CODES": triton_kernels.codes(ACTIVATIONS), "N": len(ACTIVATIONS), "SOFTMAX": True, "LEARNS": True, "NOISE": True}
    known |= {"INTERLEAVED": interleaved, "R": rows, "C": channels, "P": 32}
    numbers = dict.fromkeys(["rows", "channels", "row_stride", "channel_stride", "outer_stride"], "i32")
    pointers = {"x_ptr": "*bf16", "y_ptr": "*bf16", "seed_ptr": "*i64"}
    if kernel == "gradients":
        pointers["sums_ptr"] = "*fp64"
    function = getattr(triton_kernels, kernel)
    signature = {}
    for name in function.arg_names:
        pointer = pointers.get(name, "*fp32") if name.endswith("_ptr") else "fp32"
        signature[name] = "constexpr" if name in known else numbers.get(name, pointer)
    constants = {name: value for name, value in known.items() if name in signature}
    made = triton.compile(ASTSource(fn=function, signature=signature, constexprs=constants), target=GPUTarget("cuda", 80, 32))
    assert ".entry" in made.asm["ptx"]


on_a_device = pytest.mark.skipif(not INTERPRETED and DEVICE == "cpu", reason="no GPU")
HARD = [0.0, -0.0, 1e-30, -1e-30, 1e-3, -1e-3, 20.0, -20.0, 88.8, -88.8, 104.0, -104.0, 1e4, -1e4]
TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 8e-3, torch.float16: 1e-3}


@on_a_device
@pytest.mark.parametrize("mixing", ["softmax", "shares"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("names", ["paper", "all", "gelu", "prelu,tanh", "mish,relu,rrelu"])
def test_values_and_gradients_are_those_of_float64(names, dtype, training, mixing):
    from adact.torch import ACTIVATIONS, PAPER, gpu
    from adact.torch.candidates import Constants
    from adact.torch.spec import Inputs, Spec

    names = {"paper": PAPER, "all": ACTIVATIONS}.get(names) or names.split(",")
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 1000, generator=generator)
    x.view(-1)[: len(HARD)] = torch.tensor(HARD)
    if dtype is torch.float16:
        x = x.clamp(-200.0, 200.0)  # The square of 1e4 is no float16.
    dy = torch.randn(3, 1000, generator=generator)
    # Gradients of the hardest inputs are 0, so that the sums tell of the others.
    dy.view(-1)[: len(HARD)] *= (x.view(-1)[: len(HARD)].abs() < 200).float()
    x, dy = x.to(DEVICE, dtype), dy.to(DEVICE, dtype)
    w = (0.5 * torch.randn(len(names), generator=generator)).to(DEVICE)
    slope = torch.tensor([-0.3], device=DEVICE) if "prelu" in names else torch.empty(0, device=DEVICE)
    seed = torch.tensor(0x1234_5678_9ABC_DEF, device=DEVICE) if training else None
    spec = Spec(names, mixing, Constants())
    assert gpu.serves(x)
    compare(dy, Inputs(x, w, slope, seed), spec)


@on_a_device
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("names", ["paper", "all", "tanh,gelu"])
@pytest.mark.parametrize(
    "shape, channel_dim, channels_last",
    [
        ((2, 5, 9, 7), 1, False),
        ((2, 3, 40, 41), 1, False),
        ((2, 40, 9, 7), 1, True),
        ((700, 37), -1, False),
        ((3, 5), 1, False),
        ((4, 1, 30), 1, False),
    ],
)
def test_channels_are_those_of_float64(shape, channel_dim, channels_last, names, dtype):
    from adact.torch import ACTIVATIONS, PAPER
    from adact.torch.candidates import Constants
    from adact.torch.spec import Inputs, Spec

    names = {"paper": PAPER, "all": ACTIVATIONS}.get(names) or names.split(",")
    generator = torch.Generator().manual_seed(2)
    x, dy = (torch.randn(shape, generator=generator) for _ in range(2))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x, dy = (t.to(DEVICE, dtype).contiguous(memory_format=layout) for t in (x, dy))
    channels = shape[channel_dim]
    w = torch.randn(channels, len(names), generator=generator).to(DEVICE)
    slope = torch.randn(channels if "prelu" in names else 0, generator=generator).to(DEVICE)
    seed = torch.tensor(0x1234_5678_9ABC_DEF, device=DEVICE)
    compare(dy, Inputs(x, w, slope, seed), Spec(names, "softmax", Constants(), channel_dim % len(shape)))


def compare(dy, inputs, spec):
    """Values and gradients of the kernels against the composition in float64."""
    from adact.torch import compose, gpu

    dtype = inputs.x.dtype
    found = [gpu.forward(inputs, spec), *gpu.backward(dy, inputs, spec)]
    leaves = [t.double().requires_grad_() for t in inputs[:3]]
    y = compose.function(type(inputs)(*leaves, inputs.seed), spec)
    wanted = [y, *torch.autograd.grad(y, leaves, dy.double(), allow_unused=True)]
    assert found[0].dtype == found[1].dtype == dtype
    assert found[0].stride() == found[1].stride() == inputs.x.stride()
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
