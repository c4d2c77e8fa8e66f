"""AdAct as a module: values and gradients against float64, layouts, types, randomness, and what PyTorch does with modules."""

import copy
import io
import multiprocessing
import pickle

import pytest
import torch
from torch import nn

from adact import _native
from adact.torch import ACTIVATIONS, PAPER, SETS, AdAct, compose, native, ops
from adact.torch.candidates import Constants
from adact.torch.spec import Inputs, Spec

HARD = [0.0, -0.0, 1e-30, -1e-30, 20.0, -20.0, 88.8, -88.8, 104.0, -104.0, 1e4, -1e4]
TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 8e-3, torch.float16: 1e-3}


def inputs(shape, dtype, hard=()):
    """Normal numbers, the hard ones first, and a gradient."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator)
    x.view(-1)[: len(hard)] = torch.tensor(hard)
    return x.to(dtype), torch.randn(shape, generator=generator).to(dtype)


def trained(module, seed=1):
    """A module whose parameters are not the first ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return module


def run(module, x, dy):
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    module.zero_grad()
    y = module(x)
    y.backward(dy.to(y.dtype))
    return [y.detach(), x.grad, *(p.grad for p in module.parameters())]


def reference(module, x, dy):
    """The same in float64, with the same randomness."""
    return run(copy.deepcopy(module).double(), x.double(), dy.double())


def close(found, wanted, tolerance, name):
    scale = wanted.abs().max().clamp(min=1)
    difference = (found.double() - wanted).abs().max()
    assert difference <= tolerance * scale, f"{name}: {difference} of {scale}"


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("candidates", [PAPER, ACTIVATIONS, ("gelu",), ("prelu", "tanh"), ("rrelu", "identity")])
def test_values_and_gradients_are_those_of_float64(candidates, training, dtype):
    module = trained(AdAct(candidates)).train(training)
    x, dy = inputs((40_000,), dtype, HARD)
    if dtype is torch.float16:
        x = x.clamp(-200.0, 200.0)  # The square of 1e4 is no float16.
    torch.manual_seed(3)
    found = run(module, x, dy)
    torch.manual_seed(3)
    wanted = reference(module, x, dy)
    assert found[0].dtype == found[1].dtype == dtype
    names = ["y", "dx", "dw", "dslope"]
    for name, f, w in zip(names, found, wanted):
        tolerance = TOLERANCE[dtype] if name in ("y", "dx") else 2e-5
        if name in ("y", "dx"):
            # Element by element: the large hard values must not hide the others.
            assert ((f.double() - w).abs() <= tolerance * w.abs().clamp(min=1)).all(), name
        else:
            close(f, w, tolerance, name)


def layouts(x):
    """A tensor of four dimensions in several orders in memory, not all dense."""
    wide = torch.zeros(*x.shape[:-1], x.shape[-1] + 3, dtype=x.dtype)
    wide[..., : x.shape[-1]] = x
    return {
        "contiguous": x,
        "channels_last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.transpose(0, 3).contiguous().transpose(0, 3),
        "strided": wide[..., : x.shape[-1]],
        "expanded": x[:, :1].expand_as(x),
    }


@pytest.mark.parametrize("granularity", ["place", "channel"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "transposed", "strided", "expanded"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_any_layout(granularity, training, layout, dtype):
    channels = 5 if granularity == "channel" else None
    module = trained(AdAct(granularity=granularity, channels=channels)).train(training)
    x, dy = inputs((70, 5, 6, 7), dtype)
    x = layouts(x)[layout]
    torch.manual_seed(3)
    found = run(module, x, dy)
    torch.manual_seed(3)
    wanted = reference(module, x, dy)
    for name, f, w in zip(["y", "dx", "dw", "dslope"], found, wanted):
        tolerance = TOLERANCE[dtype] if name in ("y", "dx") else 2e-5
        close(f, w, tolerance, name)
    if layout != "strided" and layout != "expanded":
        assert found[0].stride() == x.stride() == found[1].stride()


def test_channels_of_tokens_are_last():
    module = trained(AdAct(granularity="channel", channels=8, channel_dim=-1))
    x, dy = inputs((3, 300, 8), torch.float32)
    torch.manual_seed(3)
    found = run(module, x, dy)
    torch.manual_seed(3)
    for name, f, w in zip(["y", "dx", "dw", "dslope"], found, reference(module, x, dy)):
        close(f, w, 2e-5, name)


def test_sets_are_candidates():
    assert AdAct("smooth").candidates == SETS["smooth"]
    assert AdAct("paper,gelu,relu6").candidates == (*PAPER, "gelu", "relu6")
    assert len(SETS["all"]) == len(ACTIVATIONS) - 1
    for name, candidates in SETS.items():
        assert set(candidates) <= set(ACTIVATIONS) and len(set(candidates)) == len(candidates), name
        assert list(candidates) == _native.candidates(name), "the program has another set of this name"
    assert sorted(ACTIVATIONS) == sorted(_native.candidates("all,celu"))
    with pytest.raises(ValueError, match="smoth.*the sets paper, all, smooth, cheap"):
        AdAct("smoth")


def test_nan_stays_nan():
    for name in ACTIVATIONS:
        y = AdAct((name,))(torch.tensor([float("nan"), 1.0]))
        assert y[0].isnan() and not y[1].isnan(), name


def test_empty_and_scalar_inputs():
    module = AdAct()
    for shape in [(), (0,), (3, 0, 2)]:
        y, dx, dw, dslope = run(module, torch.ones(shape), torch.ones(shape))
        assert y.shape == dx.shape == shape and dw.shape == (7,) and dslope.shape == (1,)


def test_gradients_have_gradients():
    torch.manual_seed(0)
    for module in [AdAct().eval(), AdAct().train(), AdAct(granularity="channel", channels=3)]:
        module = trained(module).double()
        x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)

        def of(x, w, slope):
            torch.manual_seed(5)
            return torch.func.functional_call(module, {"w": w, "prelu.weight": slope}, (x,))

        parameters = (x, module.w, module.prelu.weight)
        assert torch.autograd.gradcheck(of, parameters)
        assert torch.autograd.gradgradcheck(of, parameters)


@pytest.mark.parametrize("registered", [True, False])
def test_second_order_through_the_kernels(registered):
    module = trained(AdAct())
    x = torch.randn(2000, requires_grad=True)
    seed = torch.tensor(17)

    def penalty(module, x, apply):
        spec = Spec(PAPER, "softmax", Constants())
        y = apply(Inputs(x, module.w, module.prelu.weight, seed), spec)
        (dx,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return torch.autograd.grad(dx.square().sum(), [x, module.w, module.prelu.weight])

    def apply(inputs, spec):
        if registered:
            return ops._function(*inputs, spec.candidates, spec.mixing, list(spec.constants), spec.channel_dim)
        return ops._Function.apply(*inputs[:3], int(seed), spec, native)

    found = penalty(module, x, apply)
    wanted = penalty(copy.deepcopy(module).double(), x.detach().double().requires_grad_(), compose.function)
    for name, f, w in zip(["x", "w", "slope"], found, wanted):
        close(f, w, 2e-5, name)


@pytest.mark.parametrize("channel_dim", [None, 1])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_registered_operation_is_correct(channel_dim, dtype):
    shape = (7,) if channel_dim is None else (3, 7)
    slope = torch.full((1 if channel_dim is None else 3,), 0.2, requires_grad=True)
    x = torch.randn(2, 3, 4, 5).to(dtype).requires_grad_()
    for x in [x, x.detach().contiguous(memory_format=torch.channels_last).requires_grad_()]:
        arguments = (x, torch.randn(shape, requires_grad=True), slope, torch.tensor(3), ",".join(PAPER), "softmax")
        torch.library.opcheck(ops._function, (*arguments, list(Constants()), channel_dim))


def test_compile_has_no_break_and_the_same_values():
    torch._dynamo.reset()
    model = nn.Sequential(nn.Linear(8, 16), trained(AdAct()), nn.Linear(16, 4), trained(AdAct(), 2)).eval()
    compiled = torch.compile(model, fullgraph=True)
    for batch in (4, 4, 9, 11):
        x = torch.randn(batch, 8)
        for f, w in zip(run(compiled, x, torch.ones(batch, 4)), run(model, x, torch.ones(batch, 4))):
            torch.testing.assert_close(f, w)
    model.train()
    run(torch.compile(model, fullgraph=True), torch.randn(4, 8), torch.ones(4, 4))


def test_export_keeps_the_operation():
    model = nn.Sequential(nn.Linear(8, 16), AdAct()).eval()
    program = torch.export.export(model, (torch.randn(2, 8),))
    assert "adact.function" in str(program.graph)
    x = torch.randn(2, 8)
    torch.testing.assert_close(program.module()(x), model(x))


def test_transforms_of_torch_func():
    from torch.func import functional_call, grad, vmap

    module = trained(AdAct()).eval()
    parameters, x = dict(module.named_parameters()), torch.randn(5, 7)

    def loss(parameters, x):
        return functional_call(module, parameters, (x,)).square().sum()

    found = grad(loss)(parameters, x)
    loss(parameters, x).backward()
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)
    per_sample = vmap(grad(loss), (None, 0))(parameters, x)
    torch.testing.assert_close(per_sample["w"].sum(0), module.w.grad)


def test_autocast():
    model = nn.Sequential(nn.Linear(8, 16), AdAct(), nn.Linear(16, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(torch.randn(3, 8))
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert model[1].w.grad.dtype == torch.float32


def test_a_model_in_bfloat16():
    model = nn.Sequential(nn.Linear(8, 16), AdAct()).bfloat16()
    y = model(torch.randn(3, 8, dtype=torch.bfloat16))
    y.sum().backward()
    assert y.dtype == torch.bfloat16 and model[1].w.grad.dtype == torch.bfloat16


def test_manual_seed_repeats_and_evaluation_is_not_random():
    module, x = AdAct(), torch.randn(1000)
    torch.manual_seed(1)
    first, second = module(x), module(x)
    torch.manual_seed(1)
    assert torch.equal(first, module(x)) and not torch.equal(first, second)
    module.eval()
    assert torch.equal(module(x), module(x))


def test_activation_checkpointing_draws_the_same_slopes():
    from torch.utils.checkpoint import checkpoint

    module, x = trained(AdAct()), torch.randn(1000)
    for use_reentrant in (True, False):
        gradients = []
        for wrapped in (False, True):
            torch.manual_seed(2)
            leaf = x.clone().requires_grad_()
            module.zero_grad()
            y = checkpoint(module, leaf, use_reentrant=use_reentrant) if wrapped else module(leaf)
            y.sum().backward()
            gradients.append([leaf.grad, module.w.grad.clone()])
        for plain, checkpointed in zip(*gradients):
            assert torch.equal(plain, checkpointed)


def test_the_same_bits_with_any_number_of_threads():
    module, (x, dy) = trained(AdAct()), inputs((300_000,), torch.float32)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            torch.manual_seed(0)
            results.append(run(module, x, dy))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other))


def _child(queue, module, x):
    with torch.no_grad():
        queue.put(module(x).tolist())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_process_computes():
    """As in a worker of a DataLoader. PyTorch's own backward pass doesn't survive a fork."""
    module, (x, dy) = trained(AdAct()).eval(), inputs((200_000,), torch.float32)
    wanted = run(module, x, dy)[0].tolist()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue, module, x))
    child.start()
    assert queue.get(timeout=60) == wanted
    child.join(timeout=60)
    assert child.exitcode == 0


def test_copies_pickles_and_state_dicts():
    module, x = trained(AdAct(granularity="channel", channels=4)).eval(), torch.randn(3, 4, 5)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    other = AdAct(granularity="channel", channels=4).eval()
    other.load_state_dict(module.state_dict())
    assert list(module.state_dict()) == ["w", "prelu.weight"]
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.load(file, weights_only=False), other):
        assert torch.equal(twin(x), module(x))


def test_distributed_data_parallel(tmp_path):
    from torch import distributed

    distributed.init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        module, (x, dy) = trained(AdAct()).eval(), inputs((1000,), torch.float32)
        wanted = run(module, x, dy)
        found = run(nn.parallel.DistributedDataParallel(module), x, dy)
        assert all(torch.equal(f, w) for f, w in zip(found, wanted))
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize("mixing", ["sigmoid", "linear", torch.sigmoid])
def test_other_mixings(mixing):
    if isinstance(mixing, str):
        for candidates in (PAPER, ("relu", "mish"), ("silu",)):
            fresh = AdAct(candidates, mixing=mixing).mix()
            torch.testing.assert_close(fresh, torch.full_like(fresh, 1 / len(candidates)))
    module = trained(AdAct(mixing=mixing))
    x, dy = inputs((500,), torch.float32)
    torch.manual_seed(3)
    found = run(module, x, dy)
    torch.manual_seed(3)
    for name, f, w in zip(["y", "dx", "dw", "dslope"], found, reference(module, x, dy)):
        close(f, w, 2e-5, name)
    share = module.w[0] if mixing == "linear" else torch.sigmoid(module.w[0])
    assert module.shares()["relu"] == pytest.approx(share.item())
    assert "mixing=" in repr(module) and repr(copy.deepcopy(module)) == repr(pickle.loads(pickle.dumps(module)))


def test_shared_parameters_get_the_sum_of_the_gradients():
    first = AdAct()
    second = AdAct(share=first)
    assert second.w is first.w and second.prelu.weight is first.prelu.weight
    x = torch.randn(100)
    (first(x).sum() + second(x).sum()).backward()
    assert len(list(nn.ModuleList([first, second]).parameters())) == 2


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda: AdAct(("relu", "swish")), "unknown activation 'swish'"),
        (lambda: AdAct(()), "at least one candidate"),
        (lambda: AdAct(("relu", "relu")), "twice"),
        (lambda: AdAct(granularity="layer"), "granularity is"),
        (lambda: AdAct(granularity="channel"), "channels are given"),
        (lambda: AdAct(channels=3), "channels are given"),
        (lambda: AdAct(mixing="entmax"), "mixing is"),
        (lambda: AdAct(lower=0.5, upper=0.1), "from lower to upper"),
        (lambda: AdAct(alpha=float("nan")), "finite"),
        (lambda: AdAct(("relu",), share=AdAct()), "the same candidates"),
        (lambda: AdAct(granularity="channel", channels=3)(torch.randn(2, 4)), "3 channels, and the input 4"),
        (lambda: AdAct(granularity="channel", channels=3)(torch.randn(3)), "dimension 1"),
    ],
)
def test_what_does_not_fit_is_refused(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match="floating-point tensor"):
        AdAct()(torch.ones(3).to(dtype))


def test_other_defaults_of_type_do_not_reach_the_kernels():
    module, x = trained(AdAct()).eval(), torch.randn(1000, requires_grad=True)
    wanted = torch.autograd.grad(module(x).square().sum(), [x, module.w, module.prelu.weight])
    torch.set_default_dtype(torch.float64)
    try:
        found = torch.autograd.grad(module(x).square().sum(), [x, module.w, module.prelu.weight])
    finally:
        torch.set_default_dtype(torch.float32)
    for f, w in zip(found, wanted):
        assert f.dtype is torch.float32 and torch.equal(f, w)
