"""A study of a function: variants and seeds, statistics and a report, from a notebook.

The command `adact study --program` plans, records and compares. Where it would start a training program, it starts
`adact._ask`, which asks this process to call the function.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Callable, Sequence

from adact import _native
from adact.program import Run

_ASKER = f"{shlex.quote(sys.executable)} -m adact._ask"
"""What the command starts for each training."""


def study(
    train: Callable[[Run], None],
    *,
    out: str | os.PathLike[str],
    variants: str | Sequence[str] = ("adact", "optimized", "relu"),
    seeds: int | Sequence[int] = 1,
    metric: str = "accuracy",
    lower_is_better: bool = False,
    against: str | None = None,
    dataset: str | None = None,
    candidates: str | Sequence[str] | None = None,
    granularity: str | None = None,
    resume: bool = False,
    force: bool = False,
) -> Study:
    """Calls `train` once for each variant and seed, in this process, and says what came out.

    Args:
        train: is given a :class:`~adact.program.Run`: it makes its model with `run.activate`, seeds what is random with `run.seed`,
            tells its epochs to `run.log`, and need not call `run.done`.
        out: the folder of the study; `report.html` in it is the page to read.
        variants: as `adact study --variants` spells them.
        seeds: how many, or which.
        metric: the one that decides, among those that are logged.
        lower_is_better: whether a lower number is better; known of losses and the like.
        against: the variant with which all others are compared. Default: every two are.
        dataset: what the report calls the data. Default the name of the function.
        candidates: what a mixture mixes: names, or a text of names and sets (`"smooth"`). Default the paper's seven.
        granularity: `place`, `channel` or `network`. Default `place`.
        resume: go on with what the folder holds: trainings that are finished are not repeated.
        force: replace what the folder holds.

    Raises:
        ValueError: if something of it can't be used, or the folder holds another study.
        RuntimeError: if every training failed, or the study could not go on.
        TypeError: if `train` can't be called.
    """
    if not callable(train):
        raise TypeError(f"give a function that trains, not {train!r}")
    variants = variants.split(",") if isinstance(variants, str) else variants
    function = getattr(train, "__name__", "train")
    arguments = ["--name", function, "--dataset", dataset or function, "--metric", metric]
    arguments += ["--variants", ",".join(variants), "--out", os.fspath(out), *_seeds_option(seeds)]
    arguments += ["--against", against] if against else []
    listed = candidates if isinstance(candidates, str) else ",".join(candidates or ())
    arguments += ["--candidates", listed] if listed else []
    arguments += ["--granularity", granularity] if granularity else []
    flags = {"--lower-is-better": lower_is_better, "--resume": resume, "--force": force}
    arguments += [flag for flag, given in flags.items() if given]
    code, errors = _serve(train, [*_command(), "study", "--quiet", "--program", _ASKER, *arguments])
    if code == 2 or not (Path(out) / "result.json").exists():
        raise ValueError(_in_python(errors) or f"the study ended with exit code {code}")
    result = Study(Path(out), json.loads((Path(out) / "result.json").read_text(encoding="utf-8")))
    if not result.result["runs"]:
        raise RuntimeError(f"every training failed; the first one: {result.failures[0]['why']}")
    if code != 0 and not result.failures:
        raise RuntimeError(_in_python(errors) or f"the study ended with exit code {code}")
    return result


def _in_python(errors: str) -> str:
    """What the command said, with this function's arguments for its options: `resume=True` for `--resume`."""

    def argument(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return f"{name}=True" if name in ("resume", "force", "lower_is_better") else name

    return re.sub(r"(?<![\w-])--([a-z][a-z-]*)", argument, errors.removeprefix("adact: "))


def _seeds_option(seeds: int | Sequence[int]) -> list[str]:
    if isinstance(seeds, int):
        return ["--seeds", str(seeds)]
    return ["--seed", str(seeds[0])] if len(seeds) == 1 else ["--seeds", ",".join(map(str, seeds))]


def _command() -> list[str]:
    if hasattr(_native, "command"):
        return [sys.executable, "-m", "adact"]
    if (found := shutil.which("adact")) is not None:
        return [found]
    raise RuntimeError("this build of the package has no command, and there is none on the path: install the wheel")


def _serve(train: Callable[[Run], None], command: list[str]) -> tuple[int, str]:
    """Runs the command, and `train` whenever it asks; gives the exit code and what the command said of errors."""
    key = secrets.token_bytes(32)
    with Listener(authkey=key) as listener, tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        address = listener.address
        environment = os.environ | {"ADACT_ASK": json.dumps([address, key.hex()])}
        # In a group of its own: an interrupt of the notebook is for this process, which passes it on.
        group: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=errors, **group)

        def say_that_it_ended() -> None:
            process.wait()
            with contextlib.suppress(OSError, EOFError), Client(address, authkey=key) as connection:
                connection.send(None)

        threading.Thread(target=say_that_it_ended, daemon=True).start()
        try:
            while True:
                with listener.accept() as connection:
                    asked = connection.recv()
                    if asked is None:
                        break
                    _answer(train, asked, connection)
        except BaseException:
            # Also KeyboardInterrupt: what is finished is on disk, and `resume` goes on.
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            process.wait()
            raise
        errors.seek(0)
        return process.returncode, errors.read().strip()


def _answer(train: Callable[[Run], None], environment: dict[str, str], connection: Connection) -> None:
    """One training: its failure is its own, and the study goes on."""
    run = Run(environment, told=True)
    try:
        train(run)
        run.done()
        connection.send(None)
    except (Exception, SystemExit):
        with contextlib.suppress(OSError):  # who asked may be gone
            connection.send(traceback.format_exc())


@dataclass(repr=False)
class Study:
    """What came out of a study. In a notebook it shows itself as a table."""

    out: Path
    """Its folder, with `report.html`, tables, figures and each training."""
    result: dict[str, Any]
    """Its `result.json`."""

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.out / "report.html"

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The trainings that failed: `variant`, `seed`, `why`."""
        return self.result.get("failures", [])

    @property
    def choices(self) -> dict[str, str]:
        """What AdAct chose, by place: what most seeds chose."""
        return {choice["place"]: choice["choice"] for choice in self.result["choices"]}

    @property
    def undecided(self) -> dict[str, list[str]]:
        """The places whose choice is not clear, each with the activations that it may be."""
        return {choice["place"]: choice["undecided"] for choice in self.result["choices"] if choice.get("undecided")}

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.result.get("metric", {}).get("name", "accuracy")

    def runs(self) -> list[dict[str, Any]]:
        """A dict for each training, as `pandas.DataFrame` takes them: `variant`, `seed`, and what the last epoch measured."""
        return [
            {
                "variant": run["variant"],
                "seed": run["seed"],
                **{name.removeprefix("test_"): value for name, value in run["last"].items()},
                "epochs": run["epochs"],
                "parameters": run["parameters"],
                "seconds": run["seconds"],
            }
            for run in self.result["runs"]
        ]

    def table(self) -> list[dict[str, Any]]:
        """A dict for each variant: `variant`, `seeds`, mean and standard deviation of the metric, its 95% interval."""
        return [
            {"variant": row["variant"], "seeds": row["judged"]["n"], "mean": row["judged"]["mean"],
             "sd": row["judged"].get("sd"), "ci95": row["judged"].get("ci95")}
            for row in self.result["table"]
            if row.get("judged")
        ]  # fmt: skip

    def comparisons(self) -> list[dict[str, Any]]:
        """A dict for each two variants: `a`, `b`, the mean difference of their pairs, its 95% interval, the p-value (of a
        permutation test, corrected after Holm), and the verdict on `a`: better, worse, no difference shown, too few seeds."""
        return [
            {"a": c["a"], "b": c["b"], "difference": c["difference"]["mean"], "ci95": c["difference"].get("ci95"),
             "p": c["permutation_holm"], "verdict": c["verdict"].replace("_", " ")}
            for c in self.result["statistics"]["comparisons"]
        ]  # fmt: skip

    def to_frame(self) -> Any:
        """:meth:`runs` as a `pandas.DataFrame`."""
        import pandas

        return pandas.DataFrame(self.runs())

    def __str__(self) -> str:
        lines = [f"{self.metric} after the last epoch"]
        lines += [f"  {row['variant']:<12} {_number(row)}  ({_seeds(row)})" for row in self.table()]
        lines += [f"  {c['a']} against {c['b']}: {c['difference']:+.4f}, {c['verdict']}" for c in self.comparisons()]
        if self.undecided:
            lines.append(f"  undecided at {len(self.undecided)} of {len(self.choices)} places, see `undecided`")
        return "\n".join([*lines, *(f"  {_failure(f)}" for f in self.failures), f"report: {self.report}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def rows(cells: list[list[str]], tag: str = "td") -> str:
            return "".join("<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in row) + "</tr>" for row in cells)

        table = rows([["variant", f"{self.metric} after the last epoch", "seeds"]], "th")
        table += rows([[row["variant"], _number(row), str(row["seeds"])] for row in self.table()])
        compared = rows([["difference", "mean", "95% interval", "p", "verdict"]], "th")
        for c in self.comparisons():
            interval = "{:+.4f} to {:+.4f}".format(*c["ci95"]) if c["ci95"] else ""
            p = f"{c['p']:.3f}" if c["ci95"] else ""
            compared += rows([[f"{c['a']} against {c['b']}", f"{c['difference']:+.4f}", interval, p, c["verdict"]]])
        failed = "".join(f"<p>{html.escape(_failure(f))}</p>" for f in self.failures)
        where = html.escape(os.fspath(self.report))
        return f"<table>{table}</table><table>{compared}</table>{failed}<p>Report: <a href=\"{where}\">{where}</a></p>"


def _number(row: dict[str, Any]) -> str:
    return f"{row['mean']:.4f}" + (f" ± {row['sd']:.4f}" if row["sd"] is not None else "")


def _seeds(row: dict[str, Any]) -> str:
    return "1 seed" if row["seeds"] == 1 else f"{row['seeds']} seeds"


def _failure(failure: dict[str, Any]) -> str:
    return f"{failure['variant']}, seed {failure['seed']}, failed: {failure['why']}"
