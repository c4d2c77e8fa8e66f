"""Training scripts and functions that are studied: `adact.run` and `adact.study`."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

import adact
from adact import _native, notebook


def environment(out, activation="adact", seed=3, **others):
    variables = {
        "ADACT_PROTOCOL": "1",
        "ADACT_VARIANT": "v",
        "ADACT_ACTIVATION": activation,
        "ADACT_SEED": str(seed),
        "ADACT_CANDIDATES": "relu,mish,prelu",
        "ADACT_GRANULARITY": "place",
        "ADACT_METRIC": "accuracy",
        "ADACT_OUT": str(out),
        "ADACT_THREADS": "2",
    }
    return variables | others


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 2))


def lines(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_mixture_tells_its_weights(tmp_path):
    run = adact.run(environment(tmp_path))
    net = run.activate(model())
    assert run.seed == 3 and run.is_studied and run.candidates == ("relu", "mish", "prelu")
    with torch.no_grad():
        net[1].w[1] = 2.0
    run.log(1, accuracy=torch.tensor(0.5), train_loss=float("nan"))
    run.done(test_examples=10)
    run.done()
    epoch, done = lines(tmp_path)
    assert epoch["accuracy"] == 0.5 and epoch["train_loss"] is None
    assert [place["place"] for place in epoch["places"]] == ["1", "3"]
    assert epoch["places"][0]["weights"] == [0.0, 2.0, 0.0] and epoch["places"][0]["prelu_slope"] == 0.25
    assert done == {"done": True, "parameters": 130 + 8, "test_examples": 10}


def test_each_place_gets_its_activation_and_keeps_its_weights(tmp_path):
    net = adact.run(environment(tmp_path, "mish+silu")).activate(model())
    assert isinstance(net[1], nn.Mish) and isinstance(net[3], nn.SiLU)
    assert torch.equal(net[0].weight, model()[0].weight)
    assert isinstance(adact.run(environment(tmp_path, "relu")).activate(model())[3], nn.ReLU)
    with pytest.raises(ValueError, match="3 activations .* and there are 2 places: 1, 3"):
        adact.run(environment(tmp_path, "mish+silu+relu")).activate(model())
    with pytest.raises(RuntimeError, match="version 2 of the protocol"):
        adact.run(environment(tmp_path, ADACT_PROTOCOL="2"))


def test_channels_tell_their_mean_shares(tmp_path):
    run = adact.run(environment(tmp_path, ADACT_GRANULARITY="channel"))
    run.activate(model(), example=torch.zeros(1, 4))
    run.log(1, accuracy=0.5)
    weights = torch.tensor(lines(tmp_path)[0]["places"][0]["weights"])
    assert torch.allclose(torch.softmax(weights, 0), torch.full((3,), 1 / 3))


def test_a_script_without_a_study_trains_as_it_is(capsys):
    run = adact.run({})
    net = model()
    assert run.activate(net) is net and isinstance(net[1], nn.ReLU) and run.out is None
    run.log(1, accuracy=0.5)
    run.done()
    printed = capsys.readouterr()
    assert "epoch 1   accuracy 0.5000" in printed.out and "trains as it is" in printed.err


def test_other_models_than_pytorchs_name_their_places(tmp_path):
    run = adact.run(environment(tmp_path, "adact"))
    assert run.activations(["a", "b"]) == {"a": "adact", "b": "adact"}
    with pytest.raises(ValueError, match="give the weights of the mixtures"):
        run.log(1, accuracy=0.5)
    run.log(1, accuracy=0.5, places={"a": [0.0, 1.0, 0.0], "b": {"weights": (1, 0, 0), "prelu_slope": 0.5}})
    with pytest.raises(ValueError, match="at least one metric"):
        run.log(2)
    with pytest.raises(ValueError, match="epoch 2 has no accuracy, which decides: it has loss"):
        run.log(2, loss=0.5)
    with pytest.raises(TypeError, match="accuracy is '0.9', not a number"):
        run.log(2, accuracy="0.9")
    single = adact.run(environment(tmp_path, "relu+mish"))
    assert single.activations(["a", "b"]) == {"a": "relu", "b": "mish"}
    single.log(1, accuracy=0.5)
    first, second = lines(tmp_path)
    assert first["places"][1] == {"place": "b", "weights": [1.0, 0.0, 0.0], "prelu_slope": 0.5}
    assert second["places"][1] == {"place": "b", "activation": "mish"}


try:
    COMMAND = notebook._command()
except RuntimeError:
    COMMAND = None

needs_command = pytest.mark.skipif(COMMAND is None, reason="there is no command: install the wheel")

SCRIPT = """
    import torch, adact
    from torch import nn

    run = adact.run()
    torch.manual_seed(run.seed)
    x = torch.randn(200, 4)
    y = (x[:, 0] * x[:, 1] > 0).long()
    model = run.activate(nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for epoch in range(1, 4):
        for _ in range(10):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        run.log(epoch, accuracy=(model(x).argmax(1) == y).float().mean(), train_loss=loss)
    run.done()
"""


@needs_command
def test_a_script_is_studied(tmp_path):
    (tmp_path / "train.py").write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    program = [*COMMAND, "study", "--program", f"{sys.executable} train.py", "--seeds", "2", "--out", "out"]
    # What comes from the sources comes from there in the script as well.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert "train.py: test accuracy" in ended.stdout and "1: " in ended.stdout
    result = json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))
    assert [len(result["runs"]), result["network"], result["runs"][0]["parameters"]] == [6, "train.py", 122]


@needs_command
def test_a_function_is_studied_goes_on_and_shows_itself(tmp_path):
    called = []

    def train(run):
        called.append((run.variant, run.seed))
        places = {"hidden": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]} if run.activation == "adact" else None
        run.activations(["hidden"])
        better = {"adact": 0.02, "mish": 0.05}.get(run.activation, 0.0)
        for epoch in (1, 2):
            run.log(epoch, accuracy=0.5 + 0.1 * epoch + better + 0.001 * run.seed, places=places)

    result = adact.study(train, out=tmp_path / "out", seeds=2)
    assert len(called) == 6 and result.choices == {"hidden": "mish"} and result.report.exists()
    assert [row["variant"] for row in result.table()] == ["adact", "optimized", "relu"]
    assert result.runs()[2] == {
        "variant": "optimized", "seed": 0, "accuracy": 0.75, "epochs": 2, "parameters": 0,
        "seconds": result.runs()[2]["seconds"],
    }  # fmt: skip
    assert result.comparisons()[0]["verdict"] == "too few seeds"
    assert "optimized" in str(result) and "<td>optimized</td>" in result._repr_html_()
    adact.study(train, out=tmp_path / "out", seeds=3, resume=True)
    assert called[6:] == [("adact", 2), ("optimized", 2), ("relu", 2)]
    with pytest.raises(ValueError, match="continue it with resume=True, replace it with force=True, or choose another out"):
        adact.study(train, out=tmp_path / "out", seeds=2)


@needs_command
def test_functions_that_fail_are_told(tmp_path):
    def train(run):
        if run.seed == 1:
            raise ZeroDivisionError("no such seed")
        if run.seed == 2:
            sys.exit(3)
        run.log(1, loss=0.5, accuracy=0.5)

    result = adact.study(train, out=tmp_path / "out", seeds=3, variants="relu", metric="loss")
    assert result.result["metric"] == {"name": "loss", "higher_is_better": False}
    assert len(result.failures) == 2 and "ZeroDivisionError: no such seed" in result.failures[0]["why"]
    assert "relu, seed 1, failed" in str(result)
    with pytest.raises(RuntimeError, match="every training failed"):
        adact.study(lambda run: 1 / 0, out=tmp_path / "none", variants=["relu"])
    single = adact.study(train, out=tmp_path / "one", seeds=[7], variants=["relu"], metric="loss")
    assert [run["seed"] for run in single.runs()] == [7] and "(1 seed)" in str(single)
    with pytest.raises(TypeError, match="give a function"):
        adact.study("train", out=tmp_path / "x")
    with pytest.raises(ValueError, match="is no variant"):
        adact.study(train, out=tmp_path / "x", variants=["rleu"])
    with pytest.raises(KeyboardInterrupt):
        adact.study(lambda run: _interrupt(), out=tmp_path / "y", variants=["relu"])
    assert hasattr(_native, "__version__") and not (tmp_path / "y/result.json").exists()


def _interrupt():
    raise KeyboardInterrupt
