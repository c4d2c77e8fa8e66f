"""AdAct on a GPU, as PyTorch uses modules. The kernels' values are tested in `test_triton.py`."""

import copy

import pytest
import torch
from torch import library, nn

from adact.torch import ACTIVATIONS, AdAct, convert, gpu, ops, optimized
from adact.torch.candidates import Constants

pytestmark = pytest.mark.skipif(not (torch.cuda.is_available() and gpu._HAS_TRITON), reason="no GPU with Triton")
TYPES = [torch.float32, torch.bfloat16, torch.float16]


def trained(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def run(module, x):
    x = x.detach().clone().requires_grad_()
    module.zero_grad()
    y = module(x)
    y.float().square().sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in module.parameters())]


@pytest.mark.parametrize("channel_dim", [None, 1])
@pytest.mark.parametrize("dtype", TYPES)
def test_the_registered_operation_is_correct(channel_dim, dtype):
    x = torch.randn(4, 3, 5, 5, device="cuda", dtype=dtype, requires_grad=True)
    shape = () if channel_dim is None else (3,)
    w = torch.randn(*shape, len(ACTIVATIONS), device="cuda", requires_grad=True)
    slope = torch.randn(shape or (1,), device="cuda", requires_grad=True)
    arguments = (x, w, slope, torch.tensor(7, device="cuda"), ",".join(ACTIVATIONS), "softmax", list(Constants()), channel_dim)
    library.opcheck(ops._function, arguments)


@pytest.mark.parametrize("granularity", ["place", "channel"])
@pytest.mark.parametrize("dtype", TYPES)
def test_the_module_has_the_values_of_the_cpu(granularity, dtype):
    channels = {"granularity": "channel", "channels": 6} if granularity == "channel" else {}
    module = trained(AdAct(**channels)).eval()
    x = torch.randn(4, 6, 9, 9, dtype=dtype)
    wanted, found = run(copy.deepcopy(module).double(), x.double()), run(module.cuda(), x.cuda())
    tolerance = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3}[dtype]
    for f, want in zip(found, wanted):
        assert (f.double().cpu() - want).abs().max() <= tolerance * want.abs().max().clamp(min=1)


def test_compile_has_no_break_and_the_same_values():
    torch._dynamo.reset()
    model = nn.Sequential(nn.Linear(8, 16), trained(AdAct()), nn.Linear(16, 4), trained(AdAct())).cuda().eval()
    compiled = torch.compile(model, fullgraph=True)
    for batch in (4, 9, 11):
        x = torch.randn(batch, 8, device="cuda")
        for f, want in zip(run(compiled, x), run(model, x)):
            torch.testing.assert_close(f, want, rtol=1e-4, atol=1e-4)
    model.train()
    assert all(g.isfinite().all() for g in run(torch.compile(model, fullgraph=True), torch.randn(4, 8, device="cuda")))


def test_manual_seed_repeats_and_so_do_the_bits():
    module, x = trained(AdAct()).cuda(), torch.randn(100_000, device="cuda")
    torch.manual_seed(3)
    first = run(module, x)
    torch.manual_seed(3)
    assert all(torch.equal(a, b) for a, b in zip(first, run(module, x)))
    assert not torch.equal(first[0], module(x))


def test_activation_checkpointing_draws_the_same_slopes():
    from torch.utils.checkpoint import checkpoint

    module, x = trained(AdAct()).cuda(), torch.randn(1000, device="cuda")
    torch.manual_seed(5)
    plain = run(module, x)
    torch.manual_seed(5)
    kept = x.clone().requires_grad_()
    checkpoint(module, kept, use_reentrant=False).square().sum().backward()
    torch.testing.assert_close(kept.grad, plain[1])


def test_autocast_and_a_graph_of_launches():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), AdAct()).cuda().eval()
    x = torch.randn(2, 3, 8, 8, device="cuda")
    with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        assert model(x).dtype is torch.bfloat16
    with torch.no_grad():
        wanted, graph = model(x), torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = model(x)
        graph.replay()
    torch.testing.assert_close(found, wanted)


def test_a_parameter_elsewhere_is_refused():
    with pytest.raises(RuntimeError, match="the parameter w on cpu"):
        AdAct()(torch.zeros(3, device="cuda"))


def test_a_model_is_converted_trained_and_decided():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5)).cuda()
    convert(model, granularity="channel", example=torch.zeros(1, 3, 8, 8, device="cuda"), verbose=False)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    x, target = torch.randn(16, 3, 8, 8, device="cuda"), torch.randint(5, (16,), device="cuda")
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] and model[1].w.device.type == "cuda"
    assert not any(isinstance(m, AdAct) for m in optimized(model).modules())
