"""AdAct in the place of every activation of a model, its choices, and what is made of them."""

import copy
import functools
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import adact.torch
from adact.torch import AdAct


def outputs(model, example):
    model.eval()
    with torch.no_grad():
        out = model(**example) if isinstance(example, dict) else model(*example)
    out = getattr(out, "logits", out)
    return out[0] if isinstance(out, tuple) else out


def check_same_function(make, example, places, missed=(), equal=True):
    """A model of ReLUs that is converted to mixtures of ReLU alone computes what it did, and so do its copies."""
    torch.manual_seed(0)
    model = make()
    before = outputs(model, example)
    result = adact.torch.convert(model, candidates=("relu",), example=example, verbose=False)
    assert (len(result), len(adact.torch.places(model)), list(result.missed)) == (places, places, list(missed)), str(result)
    after = outputs(model, example)
    assert torch.allclose(before, after, atol=1e-5) == equal
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(outputs(twin, example), after)
    plain = adact.torch.optimized(model)
    assert not adact.torch.places(plain) and torch.allclose(outputs(plain, example), after, atol=1e-5)
    frozen = adact.torch.freeze(model)
    assert not adact.torch.places(frozen) and torch.allclose(outputs(frozen, example), after, atol=1e-5)
    return model, result


class Calls(nn.Module):
    """Every way to call an activation."""

    relu = "a class attribute of a name that calls would like to have"

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.act = nn.ReLU()
        self.function = F.relu
        self.partial = functools.partial(F.relu, inplace=False)
        self.relu_1 = nn.Linear(4, 4)

    def helper(self, z):
        return torch.relu(z)

    def forward(self, x, *, scale=1.0):
        for layer in self.layers:
            x = self.act(layer(x))
        x = F.relu(input=self.relu_1(x)) - 0.1
        F.relu(x, inplace=True)
        x = x - 0.1
        x.relu_()
        several = [F.relu(v * scale) for v in (x, x)]
        return self.helper(self.partial(self.function(several[0] - several[1].relu())))


def test_every_way_to_call_an_activation():
    model, result = check_same_function(Calls, (torch.randn(3, 4),), 9)
    notes = {place.path: place.note for place in result}
    assert "called 2 times" in notes["act"] and notes["function"] == ""
    assert "relu_1" not in notes and isinstance(model.relu_1, nn.Linear)
    assert torch.equal(model(torch.ones(1, 4), scale=0.0), model(torch.ones(1, 4), scale=0.0))


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.linear(x) + 1)


class Derived(Base):
    def forward(self, x):
        return self.both(x)

    def both(self, x):
        return -F.relu(-super().forward(x)) + torch.sigmoid(x)


def test_methods_that_call_their_base_class():
    missed = [
        "Base.forward: relu, where a class overrides the method and calls it by super()",
        "test_convert.py:83: relu, which the source of the modules doesn't show",
    ]
    check_same_function(Derived, (torch.randn(3, 4),), 1, missed)


def closure(function):
    class Inner(Base):
        def forward(self, x):
            return function(F.relu(super().forward(x)))

    return Inner


def test_methods_with_free_variables():
    model = closure(torch.neg)()
    before = model(torch.ones(1, 4))
    adact.torch.convert(model, candidates=("relu",), verbose=False)
    assert torch.allclose(model(torch.ones(1, 4)), before)


class Decorated(Base):
    @torch.no_grad()
    def forward(self, x):
        return F.relu(super().forward(x))


def helper(x):
    return F.relu(x)


class Hidden(Base):
    def forward(self, x):
        return helper(super().forward(x))


def test_what_cannot_be_replaced_is_told():
    model = nn.Sequential(Decorated(), nn.ReLU())
    result = adact.torch.convert(model, example=torch.zeros(1, 4), verbose=False)
    assert len(result) == 1 and any("in a method with a decorator" in what for what in result.missed)
    model = nn.Sequential(Hidden(), nn.ReLU())
    result = adact.torch.convert(model, example=torch.zeros(1, 4), verbose=False)
    assert len(result) == 1 and "relu, which the source of the modules doesn't show" in result.missed[-1]
    assert "not replaced: test_convert.py" in str(result)
    assert "no example was run" in str(adact.torch.convert(nn.Sequential(nn.ReLU()), verbose=False))
    with pytest.raises(ValueError, match="no activation to replace; .*decorator"):
        adact.torch.convert(Decorated(), verbose=False)


def test_a_module_at_several_places_becomes_several():
    shared = nn.ReLU()
    make = lambda: nn.Sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared, nn.Sequential(shared))
    check_same_function(make, (torch.randn(2, 4),), 3)


def test_fast_paths_call_the_mixture():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
    adact.torch.convert(encoder, candidates=("identity",), verbose=False)
    x = torch.randn(2, 5, 16)
    encoder.eval()
    with torch.no_grad():
        fast = encoder(x)
    assert torch.allclose(fast, encoder(x.requires_grad_()), atol=1e-5)
    check_same_function(lambda: nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), (torch.randn(2, 5, 16),), 1)
    check_same_function(lambda: nn.TransformerDecoderLayer(16, 4, 32, batch_first=True), (x, x), 1)


@pytest.mark.parametrize("name, places, side", [("resnet18", 17, 32), ("densenet121", 121, 32), ("vgg11", 10, 32), ("inception_v3", 96, 80)])
def test_torchvision(name, places, side):
    models = pytest.importorskip("torchvision.models")
    options = {"init_weights": False} if name == "inception_v3" else {}
    make = lambda: getattr(models, name)(weights=None, **options)
    example = (torch.randn(2, 3, side, side),)
    if name == "inception_v3":
        # Its auxiliary head needs more pixels than a test has, in training alone.
        make = lambda: models.inception_v3(weights=None, init_weights=False, aux_logits=False)
        places = 94
    check_same_function(make, example, places)


def test_mobilenet_keeps_its_gates():
    models = pytest.importorskip("torchvision.models")
    model = models.mobilenet_v3_small(weights=None)
    result = adact.torch.convert(model, example=torch.zeros(2, 3, 32, 32), verbose=False)
    assert len(result) == 28 + 5 and not result.missed
    assert sum(isinstance(m, nn.Hardsigmoid) for m in model.modules()) == 9
    assert {place.was.split("(")[0] for place in result} == {"ReLU", "Hardswish"}


def test_a_timm_transformer():
    timm = pytest.importorskip("timm")
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=8)
    result = adact.torch.convert(model, example=torch.zeros(1, 3, 32, 32), verbose=False)
    assert [place.path for place in result] == [f"blocks.{i}.mlp.act" for i in range(12)] and not result.missed


def test_a_hugging_face_gpt2():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=100, n_positions=32)
    model = transformers.GPT2LMHeadModel(config)
    tokens = torch.zeros(1, 5, dtype=torch.long)
    result = adact.torch.convert(model, example={"input_ids": tokens}, verbose=False)
    assert [place.path for place in result] == [f"transformer.h.{i}.mlp.act" for i in range(2)] and not result.missed
    model(input_ids=tokens, labels=tokens).loss.backward()
    assert all(act.w.grad is not None for act in adact.torch.places(model).values())


class Classifier(nn.Module):
    """A small network of images."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3)
        self.head = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 3))

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), negative_slope=0.3)
        x = F.gelu(self.conv2(x), approximate="tanh")
        return self.head(x.mean((2, 3)))


def test_where_selects_places():
    x = torch.randn(2, 1, 8, 8)
    for where in ("head.*", ["head.1"], lambda path, was: "GELU" in was):
        torch.manual_seed(0)
        model = Classifier()
        before = model(x)
        result = adact.torch.convert(model, where, candidates=("gelu",), example=x, verbose=False)
        assert list(adact.torch.places(model)) == ["head.1"] and len(result) == 3 and not result.missed
        # The others are called with their own arguments.
        assert torch.allclose(model(x), before, atol=1e-6)
    model = Classifier()
    adact.torch.convert(model, "leaky*", verbose=False)
    assert list(adact.torch.places(model)) == ["leaky_relu_1"]


def test_a_model_can_be_converted_in_several_steps():
    x = torch.randn(2, 1, 8, 8)
    torch.manual_seed(0)
    model = Classifier()
    adact.torch.convert(model, "gelu*", verbose=False)
    first = model.gelu_1
    result = adact.torch.convert(model, example=x, verbose=False)
    assert sorted(place.path for place in result) == ["head.1", "leaky_relu_1"] and not result.missed
    assert model.gelu_1 is first and len(adact.torch.places(model)) == 3
    with pytest.raises(ValueError, match="no activation to replace"):
        adact.torch.convert(model, verbose=False)
    model(x).sum().backward()


def test_further_calls_that_are_not_selected_stay():
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    model = models.resnet18(weights=None)
    x = torch.randn(2, 3, 32, 32)
    before = outputs(model, (x,))
    result = adact.torch.convert(model, "*.relu", candidates=("relu",), example=x, verbose=False)
    assert len(adact.torch.places(model)) == 8 and len(result) == 17 and not result.missed
    assert torch.allclose(outputs(model, (x,)), before, atol=1e-5)


def test_granularity():
    x = torch.randn(2, 1, 8, 8)
    model = Classifier()
    adact.torch.convert(model, granularity="network", verbose=False)
    assert len({id(act.w) for act in adact.torch.places(model).values()}) == 1
    model(x).sum().backward()
    names = [name for name, _ in model.named_parameters()]
    assert sum(name.endswith(".w") for name in names) == 1
    model = Classifier()
    adact.torch.convert(model, granularity="channel", example=x, verbose=False)
    shapes = {path: tuple(act.w.shape) for path, act in adact.torch.places(model).items()}
    assert shapes == {"leaky_relu_1": (4, 7), "gelu_1": (8, 7), "head.1": (16, 7)}
    model(x).sum().backward()


def test_a_failed_conversion_changes_nothing():
    x = torch.randn(2, 1, 8, 8)
    model = Classifier()
    before, names, cls = model(x), [n for n, _ in model.named_modules()], type(model)
    for arguments, error in [
        ({"where": ["head.1", "no.such.place"]}, ValueError),
        ({"where": lambda path, was: False}, ValueError),
        ({"example": torch.zeros(2, 3, 8, 8)}, RuntimeError),
        ({"candidates": ("relu", "swish")}, ValueError),
        ({"granularity": "channel"}, ValueError),
        ({"granularity": "layer"}, ValueError),
    ]:
        with pytest.raises(error):
            adact.torch.convert(model, verbose=False, **arguments)
        assert type(model) is cls and [n for n, _ in model.named_modules()] == names
        assert torch.equal(model(x), before)


@pytest.mark.parametrize(
    "make, error, expected",
    [
        (lambda: nn.Linear(2, 2), ValueError, "no activation to replace"),
        (lambda: nn.ReLU(), ValueError, "an activation itself"),
        (lambda: "model", TypeError, "torch.nn.Module, not str"),
        (lambda: torch.compile(nn.Sequential(nn.ReLU())), TypeError, "before torch.compile"),
    ],
)
def test_what_is_no_model_is_refused(make, error, expected):
    with pytest.raises(error, match=expected):
        adact.torch.convert(make(), verbose=False)


def test_the_nearest_place_is_suggested():
    with pytest.raises(ValueError, match="perhaps head.1"):
        adact.torch.convert(Classifier(), "head.2", verbose=False)


def test_the_table_is_printed(capsys):
    adact.torch.convert(Classifier(), example=torch.zeros(2, 1, 8, 8))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["place", "was", "is"] and len(lines) == 4
    assert "F.leaky_relu" in lines[2] and "test_convert.py" in lines[2]


def test_choices_and_optimized():
    model = Classifier()
    adact.torch.convert(model, verbose=False)
    acts = adact.torch.places(model)
    with torch.no_grad():
        acts["head.1"].w[6] = 2.0
        acts["gelu_1"].w[3] = 2.0
        acts["gelu_1"].prelu.weight.fill_(-0.4)
    chosen = adact.torch.choices(model)
    assert chosen == {"head.1": "mish", "leaky_relu_1": "relu", "gelu_1": "prelu"}
    plain = adact.torch.optimized(model)
    assert isinstance(plain.head[1], nn.Mish) and isinstance(plain.leaky_relu_1, nn.ReLU)
    assert plain.gelu_1.weight.item() == 0.25 and len(adact.torch.places(model)) == 3
    learned = adact.torch.optimized(model, learned_slopes=True)
    assert learned.gelu_1.weight.item() == pytest.approx(-0.4)

    def fresh():
        made = Classifier()
        adact.torch.convert(made, verbose=False)
        return made

    again = adact.torch.optimized(fresh, chosen)
    assert isinstance(again.head[1], nn.Mish)
    for arguments, expected in [
        ((fresh,), "give the choices"),
        ((model, {"head.1": "relu"}), "no choice for the place"),
        ((model, {**chosen, "head.7": "relu"}), "no AdAct at head.7"),
        ((model, {**chosen, "head.1": "swish"}), "unknown activation"),
    ]:
        with pytest.raises(ValueError, match=expected):
            adact.torch.optimized(*arguments)


def test_frozen_mixtures_are_constants():
    model = Classifier()
    adact.torch.convert(model, verbose=False)
    with torch.no_grad():
        for act in adact.torch.places(model).values():
            act.w.normal_()
    x = torch.randn(2, 1, 8, 8)
    frozen = adact.torch.freeze(model.eval())
    assert torch.allclose(frozen(x), model(x), atol=1e-6)
    program = torch.export.export(frozen, (x,))
    assert "adact" not in str(program.graph)
    traced = torch.jit.trace(frozen, x)
    assert torch.allclose(traced(x), model(x), atol=1e-6)


def test_weights_of_mixtures_have_no_weight_decay():
    model = Classifier()
    adact.torch.convert(model, verbose=False)
    others, own = adact.torch.parameter_groups(model, 0.1, lr=3e-4)
    assert (others["weight_decay"], own["weight_decay"], own["lr"]) == (0.1, 0.0, 3e-4)
    assert len(own["params"]) == 6 and len(own["params"]) + len(others["params"]) == len(list(model.parameters()))
    with pytest.raises(ValueError):
        adact.torch.parameter_groups(model, -1.0)
