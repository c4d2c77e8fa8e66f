"""A class of modules whose methods call activation modules, one for each call site, where they called functions.

`F.relu(x)`, `torch.relu(x)` and `x.relu()` in the methods of a module's class become `self.relu_1(x)`, and the second call of a
module that is called twice, `self.relu(x)`, becomes `self.relu_2(x)`. The new class is a subclass of the old one, made of its source.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import types
from dataclasses import dataclass
from typing import Any, Callable

from torch import nn

from . import known


@dataclass(frozen=True)
class Site:
    """A call of an activation in the source of a class."""

    name: str
    """The attribute that is called now."""
    was: str
    """What was called: the name of an attribute, or a call such as `F.relu(x)`."""
    attribute: bool
    """Whether it was a module under this attribute, called for the second time or later."""
    line: str
    """The file and the line."""


@dataclass(frozen=True)
class Rewritten:
    """A class with a module at each call site, and what stayed as it was."""

    cls: type[nn.Module]
    sites: tuple[Site, ...]
    missed: tuple[str, ...]
    """Calls that could not be replaced, each with its place and the reason."""


# The attribute of a new class that holds the old one.
_ORIGINAL = "_adact_original"


def original(cls: type[nn.Module]) -> type[nn.Module]:
    """The class that a class was made of, or itself."""
    return getattr(cls, _ORIGINAL, cls)


@functools.lru_cache(maxsize=None)
def rewrite(
    cls: type[nn.Module], attributes: frozenset[str], skipped: frozenset[str]
) -> Rewritten:
    """Rewrites a class whose `attributes` are activation modules, but for the calls of functions that would be called `skipped`.

    A class without such calls is returned as it is.
    """
    methods: dict[str, Callable] = {}
    sites: list[Site] = []
    missed: list[str] = []
    functions, hidden = _methods(cls)
    for function in hidden:
        if names := _named(function):
            what = f"{function.__qualname__}: {', '.join(names)}, where a class overrides the method and calls it by super()"
            missed.append(what)
    taken = _attributes(functions.values())
    called: dict[str, int] = {}
    for name, function in functions.items():
        transformer = _Calls(inspect.unwrap(function), attributes, skipped, taken, called)
        try:
            tree = _tree(function)
        except (OSError, TypeError, SyntaxError):
            # Source that nobody has: only the bytecode tells whether it names an activation.
            if names := _named(function):
                missed.append(f"{cls.__name__}.{name}: {', '.join(names)} in a method without source")
            continue
        transformer.visit(tree.body[0])
        if not transformer.sites:
            missed += transformer.missed
            continue
        if reason := _obstacle(function, tree.body[0]):
            missed += [f"{site.line}: {site.was}, {reason}" for site in transformer.sites if not site.attribute]
            continue
        missed += transformer.missed
        sites += transformer.sites
        methods[name] = _compiled(tree, function)
    if not methods:
        return Rewritten(cls, (), tuple(missed))
    methods["__reduce_ex__"] = functools.partialmethod(_reduce, cls, attributes, skipped)
    methods["__module__"] = cls.__module__
    methods[_ORIGINAL] = cls
    return Rewritten(type(cls.__name__, (cls,), methods), tuple(sites), tuple(missed))


def _reduce(self, cls: type[nn.Module], attributes: frozenset[str], skipped: frozenset[str], protocol: int) -> tuple:
    """Pickles a module of the new class as one of the old class, which is rewritten again when it is read."""
    return _restore, (cls, attributes, skipped), self.__dict__


def _restore(cls: type[nn.Module], attributes: frozenset[str], skipped: frozenset[str]) -> nn.Module:
    new = rewrite(cls, attributes, skipped).cls
    return new.__new__(new)


def _named(function: Callable) -> list[str]:
    """The activations that a function names in its bytecode."""
    return sorted({*function.__code__.co_names} & {f.__name__ for f in known.FUNCTIONS})


def _methods(cls: type[nn.Module]) -> tuple[dict[str, Callable], list[Callable]]:
    """The methods of a class and its bases, apart from PyTorch's own; and those of bases that others override."""
    methods: dict[str, Callable] = {}
    hidden: list[Callable] = []
    for base in cls.__mro__:
        if base.__module__.startswith("torch.nn.modules") or not issubclass(base, nn.Module):
            continue
        for name, value in vars(base).items():
            if isinstance(value, types.FunctionType) and name != "__init__":
                if name in methods:
                    hidden.append(value)
                methods.setdefault(name, value)
    return methods, hidden


def _tree(function: Callable) -> ast.Module:
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    if not isinstance(tree.body[0], ast.FunctionDef):
        raise SyntaxError("a lambda")
    return ast.increment_lineno(tree, first - 1)


def _attributes(functions) -> set[str]:
    """The names of all attributes in the source of some functions."""
    names: set[str] = set()
    for function in functions:
        try:
            names |= {node.attr for node in ast.walk(_tree(function)) if isinstance(node, ast.Attribute)}
        except (OSError, TypeError, SyntaxError):
            names |= {*function.__code__.co_names}
    return names


def _obstacle(function: Callable, node: ast.FunctionDef) -> str | None:
    """Why a function cannot be compiled anew."""
    if node.decorator_list or hasattr(function, "__wrapped__"):
        return "in a method with a decorator"
    if not node.args.args:
        return "in a method without self"
    return None


def _compiled(tree: ast.Module, function: types.FunctionType) -> types.FunctionType:
    """The function of a changed tree, with the globals, defaults and closure of the old one."""
    # Inside of a function with its free variables, so that they are free variables of the new one, too.
    free = function.__code__.co_freevars
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=name) for name in free], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    outer = ast.FunctionDef(name="outer", args=arguments, body=tree.body, decorator_list=[], type_params=[])
    module = ast.fix_missing_locations(ast.Module(body=[outer], type_ignores=[]))
    code = compile(module, inspect.getsourcefile(function) or "<adact>", "exec")

    def inner(code: types.CodeType) -> types.CodeType:
        return next(c for c in code.co_consts if isinstance(c, types.CodeType))

    new = next(c for c in inner(code).co_consts if isinstance(c, types.CodeType) and c.co_name == function.__name__)
    cells = dict(zip(free, function.__closure__ or ()))
    closure = tuple(cells[name] for name in new.co_freevars)
    made = types.FunctionType(new, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__doc__, made.__qualname__ = function.__doc__, function.__qualname__
    return made


class _Calls(ast.NodeTransformer):
    """Replaces the calls in one function."""

    def __init__(
        self,
        function: Callable,
        attributes: frozenset[str],
        skipped: frozenset[str],
        taken: set[str],
        called: dict[str, int],
    ) -> None:
        self.function, self.attributes, self.skipped = function, attributes, skipped
        self.taken, self.called = taken, called
        code = function.__code__
        self.self_name = code.co_varnames[0] if code.co_argcount else None
        outer = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
        # A local variable hides what has its name outside.
        self.names = {name: value for name, value in outer.items() if name not in (*code.co_varnames, *code.co_cellvars)}
        self.sites: list[Site] = []
        self.missed: list[str] = []

    def _line(self, node: ast.AST) -> str:
        file = (inspect.getsourcefile(self.function) or "?").replace("\\", "/").rsplit("/", 1)[-1]
        return f"{file}:{node.lineno}"

    def _resolve(self, node: ast.AST) -> Any:
        """The value of a dotted name in the function's module; None for what is only known when it runs."""
        if isinstance(node, ast.Name):
            return None if node.id == self.self_name else self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._resolve(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, (types.ModuleType, type)) else None
        return None

    def _new(self, base: str) -> str:
        """A name for an attribute that nobody has."""
        count = self.called.get(base, 0) + 1
        while f"{base}_{count}" in self.taken:
            count += 1
        self.called[base] = count
        return f"{base}_{count}"

    def _site(self, call: ast.Call, argument: ast.expr, name: str, was: str, attribute: bool) -> ast.Call | None:
        if name in self.skipped:
            return None
        self.sites.append(Site(name, was, attribute, self._line(call)))
        owner = ast.Name(id=self.self_name, ctx=ast.Load())
        function = ast.Attribute(value=owner, attr=name, ctx=ast.Load())
        return ast.copy_location(ast.Call(func=function, args=[argument], keywords=[]), call)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        before = ast.unparse(node)
        self.generic_visit(node)
        replaced = self._replaced(node, before if len(before) <= 40 else ast.unparse(node.func))
        return node if replaced is None else replaced

    def _replaced(self, node: ast.Call, was: str) -> ast.Call | None:
        function = node.func
        if known.is_function(self._resolve(function)):
            given = {k.arg: k.value for k in node.keywords}
            argument = node.args[0] if node.args else given.get("input")
            if argument is None or isinstance(argument, ast.Starred):
                self.missed.append(f"{self._line(node)}: {was}, which names no input")
                return None
            base = function.attr if isinstance(function, ast.Attribute) else function.id
            return self._site(node, argument, self._new(base.rstrip("_")), was, False)
        if not isinstance(function, ast.Attribute):
            return None
        owner = function.value
        if isinstance(owner, ast.Name) and owner.id == self.self_name:
            if function.attr not in self.attributes or len(node.args) != 1 or node.keywords:
                return None
            first = function.attr not in self.called
            self.called.setdefault(function.attr, 1)
            if first:
                return None
            return self._site(node, node.args[0], self._new(function.attr), function.attr, True)
        if function.attr in known.METHODS and self._resolve(owner) is None and not self._is_own(owner):
            return self._site(node, owner, self._new(function.attr.rstrip("_")), was, False)
        return None

    def _is_own(self, node: ast.AST) -> bool:
        """Whether it is `self.something`: a module with a method of that name is nobody's tensor."""
        return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == self.self_name

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """A call whose result nobody takes changed its argument in place: now the argument gets the result."""
        call, count = node.value, len(self.sites)
        self.generic_visit(node)
        is_site = isinstance(call, ast.Call) and len(self.sites) > count and node.value is not call
        is_module = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in self.attributes
        new = node.value
        if (is_site or is_module) and isinstance(new, ast.Call) and new.args and isinstance(new.args[0], ast.Name):
            target = ast.Name(id=new.args[0].id, ctx=ast.Store())
            if is_module and not is_site:
                self.sites.append(Site(call.func.attr, call.func.attr, True, self._line(node)))
            return ast.copy_location(ast.Assign(targets=[target], value=new), node)
        return node
