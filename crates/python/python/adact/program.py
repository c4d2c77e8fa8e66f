"""A training script that `adact study --program` runs for each variant and seed, and that trains as always without it.

```python
import adact

run = adact.run()
torch.manual_seed(run.seed)
model = run.activate(Net())                  # what this variant has in the place of each activation
for epoch in range(1, 11):
    ...                                      # train as always
    run.log(epoch, accuracy=accuracy, train_loss=loss)
run.done()
```

```console
adact study --program 'python train.py' --metric accuracy --seeds 7
```

The protocol behind it is `docs/program.md`; nothing here is needed to follow it.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from torch import nn

PROTOCOL = 1
"""The version of the protocol."""

PAPER: tuple[str, ...] = ("relu", "elu", "leaky_relu", "prelu", "rrelu", "silu", "mish")
"""The candidates of the paper, in its order."""

Places = Mapping[str, "str | Sequence[float] | Mapping[str, Any]"]


def run(environment: Mapping[str, str] | None = None) -> Run:
    """What this process is to train: what `adact study` asks for, or the script as it is where nothing asks.

    Args:
        environment: where `ADACT_ACTIVATION` and its kin are. Default the process's.

    Raises:
        RuntimeError: if another version of the protocol is spoken.

    >>> import adact
    >>> run = adact.run({})
    >>> run.seed, run.activation, run.is_studied
    (0, None, False)
    """
    return Run(os.environ if environment is None else environment)


class Run:
    """One training: what is asked for, and what came out."""

    variant: str
    """What tables call it: `adact`, `optimized`, `relu`, `random-1`."""
    activation: str | None
    """`adact`, an activation for all places, or one for each place joined by `+`; None where nothing is asked for."""
    seed: int
    """The seed of everything random. 0 where nothing is asked for."""
    candidates: tuple[str, ...]
    """What a mixture mixes, in the order of its weights."""
    granularity: str
    """What has weights of its own: `place`, `channel` or `network`."""
    metric: str
    """The metric that decides."""
    threads: int | None
    """How many threads this training may use; None where nothing is said."""
    out: Path | None
    """The folder for what the training keeps, such as checkpoints; the same when it is run again. None without a study."""

    def __init__(self, environment: Mapping[str, str], told: bool = False) -> None:
        version = environment.get("ADACT_PROTOCOL")
        if version not in (None, str(PROTOCOL)):
            raise RuntimeError(f"adact study speaks version {version} of the protocol, this package {PROTOCOL}: update it")
        self.is_studied = version is not None
        """Whether `adact study` asks."""
        self.activation = environment.get("ADACT_ACTIVATION") if self.is_studied else None
        self.variant = environment.get("ADACT_VARIANT", "as it is")
        self.seed = int(environment.get("ADACT_SEED", "0"))
        listed = environment.get("ADACT_CANDIDATES")
        self.candidates = tuple(listed.split(",")) if listed else PAPER
        self.granularity = environment.get("ADACT_GRANULARITY", "place")
        self.metric = environment.get("ADACT_METRIC", "accuracy")
        threads = environment.get("ADACT_THREADS")
        self.threads = int(threads) if threads else None
        self.out = Path(environment["ADACT_OUT"]) if self.is_studied else None
        self._told = told
        self._since = time.monotonic()
        self._done = False
        self._model: nn.Module | None = None
        self._names: dict[str, str] = {}
        if not self.is_studied:
            print("adact: no study asks for anything, so this trains as it is; see adact study --program", file=sys.stderr)

    def activations(self, places: Sequence[str]) -> dict[str, str]:
        """The activation of each of these places, `adact` for a mixture: for models that are not PyTorch's.

        Without a study it is `relu` at each.

        Raises:
            ValueError: if another number of places was asked for.
        """
        names = (self.activation or "relu").split("+")
        if len(names) not in (1, len(places)):
            raise ValueError(
                f"the study has {len(names)} activations ({self.activation}), and there are {len(places)} places: "
                f"{', '.join(places)}"
            )
        self._names = dict(zip(places, names * len(places) if len(names) == 1 else names))
        return dict(self._names)

    def activate(self, model: nn.Module, **options: Any) -> nn.Module:
        """The model with what this variant has in the place of each activation, found as :func:`adact.torch.convert` does.

        Initial weights stay as they are. Without a study the model is returned as it is. Make the optimizer afterwards.

        Args:
            model: the model; it is changed.
            options: of :func:`adact.torch.convert`, such as `where` and `example`.

        Raises:
            ValueError: if the model has another number of places than was asked for, or none.
        """
        if self.activation is None:
            return model
        import adact.torch

        options = {"candidates": self.candidates, "granularity": self.granularity, "verbose": False, **options}
        found = adact.torch.convert(model, **options)
        for missed in found.missed:
            print(f"adact: not replaced: {missed}", file=sys.stderr)
        names = self.activations(list(adact.torch.places(model)))
        if self.activation != "adact":
            if "adact" in names.values():
                raise ValueError(f"{self.activation}: mixtures at some places alone are not supported here")
            model = adact.torch.optimized(model, names)
        self._model = model
        return model

    def log(self, epoch: int, /, *, places: Places | None = None, **metrics: Any) -> None:
        """Tells what an epoch measured.

        Args:
            epoch: from 1. An epoch that is told again is one that was trained again, and forgets those behind it.
            places: by name: the raw weights of a mixture in the order of :attr:`candidates` (or a dict with `weights` and
                `prelu_slope`), or the name of an activation. Default those of the model that :meth:`activate` returned.
            metrics: numbers by name. Those of the training data begin with `train_`, those of validation data with
                `validation_`; all others judge, and the one that decides is among them. `seconds` is how long the epoch
                took; default the time since the last one.

        Raises:
            ValueError: if there is no metric, or the one that decides is missing.
            TypeError: if a metric is no number.
        """
        if not metrics:
            raise ValueError("give at least one metric, as in run.log(1, accuracy=0.9)")
        numbers = {name: _number(name, value) for name, value in metrics.items()}
        if self._told or not self.is_studied:
            who = f"{self.variant}, seed {self.seed}   " if self._told else ""
            print(f"{who}epoch {epoch}   " + "   ".join(f"{name} {value:.4f}" for name, value in numbers.items()))
        if not self.is_studied:
            return
        if self.metric not in numbers and f"test_{self.metric}" not in numbers:
            raise ValueError(f"epoch {epoch} has no {self.metric}, which decides: it has {', '.join(numbers)}")
        numbers.setdefault("seconds", time.monotonic() - self._since)
        self._since = time.monotonic()
        # JSON has no NaN.
        line: dict[str, Any] = {"epoch": int(epoch)}
        line |= {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        if told := self._places(places):
            line["places"] = told
        self._write(line)

    def done(self, *, parameters: int | None = None, test_examples: int | None = None) -> None:
        """Tells that the training is done, after its last epoch.

        Args:
            parameters: how many parameters learn. Default those of the model that :meth:`activate` returned.
            test_examples: how many examples judge; the report then says what so many can show.
        """
        if self._done or not self.is_studied:
            return
        self._done = True
        if parameters is None and self._model is not None:
            parameters = sum(p.numel() for p in self._model.parameters() if p.requires_grad)
        line: dict[str, Any] = {"done": True}
        line |= {} if parameters is None else {"parameters": int(parameters)}
        line |= {} if test_examples is None else {"test_examples": int(test_examples)}
        self._write(line)

    def _places(self, given: Places | None) -> list[dict[str, Any]]:
        if given is not None:
            return [{"place": place, **_told(value)} for place, value in given.items()]
        if self._model is not None:
            import adact.torch

            if mixtures := adact.torch.places(self._model):
                return [{"place": path, **_weights(act)} for path, act in mixtures.items()]
        elif "adact" in self._names.values():
            raise ValueError("give the weights of the mixtures: run.log(epoch, places={...}, accuracy=...)")
        return [{"place": place, "activation": name} for place, name in self._names.items()]

    def _write(self, line: dict[str, Any]) -> None:
        assert self.out is not None
        self.out.mkdir(parents=True, exist_ok=True)
        # One write of a whole line: whoever reads it meanwhile sees all of it or nothing.
        with open(self.out / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps(line, allow_nan=False) + "\n")


def _number(name: str, value: Any) -> float:
    if isinstance(value, (str, bytes, bool)):
        raise TypeError(f"{name} is {value!r}, not a number")
    # A loss of PyTorch that still has its graph.
    return float(value.detach() if hasattr(value, "detach") else value)


def _told(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"activation": value}
    if isinstance(value, Mapping):
        slope = value.get("prelu_slope")
        return {"weights": _floats(value["weights"]), "prelu_slope": None if slope is None else float(slope)}
    return {"weights": _floats(value)}


def _floats(values: Any) -> list[float]:
    return [float(value) for value in values]


def _weights(act: Any) -> dict[str, Any]:
    """The raw weights of an AdAct; those of many channels as the logarithms of their mean shares."""
    import torch

    slope = act.prelu.weight.detach().float().mean().item() if "prelu" in act.candidates else None
    if act.channels is None and act.mixing == "softmax":
        weights = act.w.detach().float()
    else:
        shares = act.mix().detach().float().reshape(-1, len(act.candidates)).mean(0)
        weights = torch.log(shares.clamp_min(1e-12))
    return {"weights": _floats(weights.flatten().tolist()), "prelu_slope": slope}
