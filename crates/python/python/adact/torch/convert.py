"""An AdAct in the place of every activation of a model."""

from __future__ import annotations

import copy
import difflib
import fnmatch
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Sequence

import torch
from torch import nn

from . import known
from .candidates import PAPER
from .choose import Frozen
from .module import AdAct, Mixing, put
from .rewrite import original, rewrite
from .watch import Kept, calls_of, uncovered

Where = str | Sequence[str] | Callable[[str, str], bool]


@dataclass
class Place:
    """A place of a model where an activation was."""

    path: str
    """The path of the module that is there now."""
    was: str
    """What was there."""
    now: str
    """What is there: `AdAct`, or `as it was`."""
    note: str = ""
    """What else there is to know, such as that it is called several times."""


@dataclass
class Conversion:
    """What :func:`convert` found and did. As text it is a table."""

    places: list[Place] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    """Activations that could not be replaced, and why."""
    checked: bool = False
    """Whether an example has shown that nothing is missed."""

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __str__(self) -> str:
        rows = [("place", "was", "is", ""), *((p.path or "(the model)", p.was, p.now, p.note) for p in self.places)]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0))).rstrip() for row in rows]
        lines += [f"not replaced: {what}" for what in self.missed]
        if not self.checked:
            lines.append("no example was run: give `example` to learn of calls that the source doesn't show")
        return "\n".join(lines)


def convert(
    model: nn.Module,
    where: Where | None = None,
    *,
    candidates: str | Sequence[str] = PAPER,
    granularity: str = "place",
    mixing: Mixing = "softmax",
    also: Sequence[type[nn.Module]] = (),
    example: Any = None,
    verbose: bool = True,
) -> Conversion:
    """Puts an :class:`AdAct` into the place of every activation of a model, in place.

    Found are activation modules (a module that stands at several places becomes one AdAct at each), activation functions
    that are attributes, and calls of functions and of tensors' methods in the source of the modules' methods: `F.relu(x)`,
    `torch.relu(x)`, `x.relu()`. Such calls, and the further calls of a module that a method calls more than once, get modules of
    their own: the class of the owner is replaced by a subclass whose methods call them. Gates (sigmoid, tanh) stay.

    Args:
        model: the model. Make its optimizer afterwards, see :func:`parameter_groups`.
        where: which places: a pattern of paths such as `"layer1.*"`, several, or a function of path and what is there.
        candidates: as of :class:`AdAct`.
        granularity: `"place"`; `"network"`, one set of weights for all places; or `"channel"`, one for each channel (dimension 1 of
            tensors with four dimensions or more, the last of others), which needs an example.
        mixing: see :class:`AdAct`.
        also: further classes of modules to replace, such as `torch.nn.Tanh`.
        example: an input of the model, or a tuple or dict of them. The model is run on it once, without gradients, to find
            activations that the source doesn't show.
        verbose: whether the table of places is printed.

    Returns:
        The places, and what could not be replaced.

    Raises:
        TypeError: for what is no module, or a compiled or scripted one.
        ValueError: if there is nothing to replace, or a pattern matches no place.

    >>> import torch, adact.torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    >>> _ = adact.torch.convert(model, example=torch.zeros(1, 2))
    place  was     is
    1      ReLU()  AdAct
    """
    _check(model, granularity, example)
    change = _Change(model, AdAct(candidates, mixing=mixing), _Where(where), shared=granularity == "network")
    result = Conversion()
    try:
        _replace_attributes(change, tuple(also), result)
        _replace_calls(change, result)
        order = {path: i for i, (path, _) in enumerate(model.named_modules(remove_duplicate=False))}
        result.places.sort(key=lambda place: order.get(place.path, len(order)))
        change.where.check(result.places)
        if not result.places:
            raise ValueError("; ".join(["the model has no activation to replace", *result.missed]))
        if not any(place.now == "AdAct" for place in result.places):
            raise ValueError("`where` selects no place")
        if example is not None:
            result.checked = True
            kept = {place.note for place in result.places if place.now != "AdAct"}
            result.missed += [what for line, what in uncovered(model, example) if line not in kept]
            _note_calls(model, example, result)
            if granularity == "channel":
                _by_channel(model, example, result)
    except BaseException:
        change.undo()
        raise
    if verbose:
        print(result)
    return result


class _Change:
    """What is done to a model, and how to undo it."""

    def __init__(self, model: nn.Module, template: AdAct, where: _Where, shared: bool) -> None:
        self.model, self.template, self.where, self.shared = model, template, where, shared
        anchor = next(model.parameters(), None)
        if anchor is not None:
            template.to(anchor.device)
        self.originals: dict[str, Any] = {}
        self._undo: list[Callable[[], None]] = []

    def act(self, training: bool) -> AdAct:
        """The mixture of another place."""
        template = self.template
        if not self.shared:
            return copy.deepcopy(template).train(training)
        return AdAct(template.candidates, mixing=template.mixing, share=template).train(training)

    def put(self, owner: nn.Module, name: str, module: nn.Module) -> None:
        """Makes a module an attribute, in the place of whatever there was."""
        modules, values = dict(owner._modules), dict(vars(owner))

        def undo() -> None:
            owner._modules.clear()
            owner._modules.update(modules)
            if name in values:
                vars(owner)[name] = values[name]

        self._undo.append(undo)
        vars(owner).pop(name, None)
        setattr(owner, name, module)

    def set(self, owner: nn.Module, name: str, value: Any) -> None:
        """Sets an attribute that is no module."""
        old = getattr(owner, name)
        self._undo.append(lambda: setattr(owner, name, old))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Makes the model what it was."""
        while self._undo:
            self._undo.pop()()


def _check(model: Any, granularity: str, example: Any) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"convert takes a torch.nn.Module, not {type(model).__name__}")
    if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
        raise TypeError("convert takes a model before torch.compile or torch.jit.script")
    if granularity not in ("place", "channel", "network"):
        raise ValueError(f"granularity is 'place', 'channel' or 'network', not {granularity!r}")
    if granularity == "channel" and example is None:
        raise ValueError("granularity='channel' needs an example, to count the channels of each place")


class _Where:
    """Which places are replaced."""

    def __init__(self, where: Where | None) -> None:
        self.patterns = [where] if isinstance(where, str) else None if where is None or callable(where) else list(where)
        self.function = where if callable(where) else None
        self.matched: set[str] = set()

    def __call__(self, path: str, was: str) -> bool:
        if self.function is not None:
            return bool(self.function(path, was))
        if self.patterns is None:
            return True
        matching = [pattern for pattern in self.patterns if fnmatch.fnmatchcase(path, pattern)]
        self.matched.update(matching)
        return bool(matching)

    def check(self, places: list[Place]) -> None:
        """Refuses a pattern that no place matches."""
        for pattern in self.patterns or ():
            if pattern not in self.matched:
                paths = [place.path for place in places]
                near = difflib.get_close_matches(pattern, paths, 1, 0.4)
                hint = f", perhaps {near[0]}" if near else ""
                raise ValueError(f"no place matches {pattern!r}{hint}: the places are {', '.join(paths) or 'none'}")


def _owners(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules with their paths, apart from mixtures and what is inside of them."""
    inside = {id(m) for act in model.modules() if isinstance(act, (AdAct, Frozen, Kept)) for m in act.modules()}
    return [(path, module) for path, module in model.named_modules() if id(module) not in inside]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _replace_attributes(change: _Change, also, result: Conversion) -> None:
    """Activation modules, and functions that are attributes."""
    if known.is_module(change.model):
        raise ValueError("the model is an activation itself: use adact.torch.AdAct")
    for path, owner in _owners(change.model):
        for name, child in list(owner._modules.items()):
            if child is None or isinstance(child, (AdAct, Frozen, Kept)):
                continue
            if known.is_module(child) or isinstance(child, also):
                _replace(change, owner, path, name, child, result)
        for name, value in list(vars(owner).items()):
            if not name.startswith("_") and known.is_function(value):
                _replace(change, owner, path, name, value, result)
        if hasattr(owner, "activation_relu_or_gelu") and isinstance(getattr(owner, "activation", None), AdAct):
            # Else evaluation takes a fast path that does not call the module.
            change.set(owner, "activation_relu_or_gelu", 0)


def _replace(change: _Change, owner: nn.Module, path: str, name: str, was: Any, result: Conversion) -> None:
    place = Place(_join(path, name), known.words(was), "as it was")
    if change.where(place.path, place.was):
        change.put(owner, name, change.act(owner.training))
        change.originals[place.path] = was
        place.now = "AdAct"
    elif not isinstance(was, nn.Module):
        change.put(owner, name, Kept(was))
    result.places.append(place)


def _replace_calls(change: _Change, result: Conversion) -> None:
    """Calls in the methods of the modules' classes."""
    missed: dict[str, None] = {}
    was = {place.path: place.was for place in result.places}
    for path, owner in _owners(change.model):
        acts = frozenset(name for name, child in owner._modules.items() if isinstance(child, AdAct))
        cls = original(type(owner))
        rewritten = rewrite(cls, acts, frozenset())
        missed.update(dict.fromkeys(rewritten.missed))
        # Some have modules where the model was converted before.
        sites = [site for site in rewritten.sites if site.name != site.was and site.name not in owner._modules]
        places = [Place(_join(path, site.name), site.was, "as it was", site.line) for site in sites]
        for site, place in zip(sites, places):
            if site.attribute:
                place.was, place.note = was[_join(path, site.was)], f"a further call of {site.was}, {site.line}"
            if change.where(place.path, place.was):
                place.now = "AdAct"
        skipped = frozenset(s.name for s, p in zip(sites, places) if p.now != "AdAct" and not s.attribute)
        rewritten = rewrite(cls, acts, skipped)
        if rewritten.sites:
            change.set(owner, "__class__", rewritten.cls)
        for site, place in zip(sites, places):
            if place.now == "AdAct":
                change.put(owner, site.name, change.act(owner.training))
            elif site.attribute:
                change.put(owner, site.name, change.originals[_join(path, site.was)])
        result.places += places
    result.missed += missed


def _note_calls(model: nn.Module, example: Any, result: Conversion) -> None:
    """Says of each place that is called several times, or not at all."""
    calls = calls_of(model, example)
    for place in result.places:
        if place.now == "AdAct" and (count := len(calls.get(place.path, ()))) != 1:
            times = f"called {count} times" if count else "not called with this example"
            place.note = f"{place.note}; {times}" if place.note else times


def _by_channel(model: nn.Module, example: Any, result: Conversion) -> None:
    """Gives each channel of each place a set of weights of its own."""
    for path, shapes in calls_of(model, example).items():
        act = model.get_submodule(path)
        dims = {1 if len(shape) >= 4 else -1 for shape in shapes}
        counts = {shape[dim] for shape in shapes for dim in dims if shape}
        if len(counts) != 1:
            result.missed.append(f"{path}: one set of weights, since its calls have {sorted(counts)} channels")
            continue
        new = AdAct(
            act.candidates, granularity="channel", channels=counts.pop(), channel_dim=dims.pop(), mixing=act.mixing
        )
        put(model, path, new.to(act.w.device).train(act.training))
