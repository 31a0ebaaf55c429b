"""What others may use, as a golden file: a change of a name or a signature is a diff to look at."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from benchlab.load.supervisor.progress import Progress
from tests.golden.files import assert_golden

MODULES = ["benchlab", "benchlab.plots", "benchlab.notebook"]
GOLDEN = Path(__file__).parent / "golden" / "public_api.txt"
PROTOCOLS = {
    "__call__",
    "__contains__",
    "__enter__",
    "__exit__",
    "__getitem__",
    "__iter__",
    "__len__",
}
"""Special methods that people use by syntax."""


def test_the_public_api_is_the_golden_file() -> None:
    assert_golden(GOLDEN, "\n".join(_lines()) + "\n")


class _Text:
    """An annotation that shows as it was written."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _lines() -> Iterator[str]:
    pinned: set[type] = set()
    returned: dict[str, type] = {"Progress": Progress}  # given to on_progress
    for name in MODULES:
        module = importlib.import_module(name)
        assert module.__all__ == sorted(module.__all__), f"{name}.__all__ is not sorted"
        yield f"# {name}"
        for public in module.__all__:
            value = getattr(module, public)
            if inspect.isclass(value):
                pinned.add(value)
                for base in value.__mro__:
                    returned |= _classes_in(_results_of(value), sys.modules[base.__module__])
                yield from _class_lines(public, value)
            elif isinstance(value, ModuleType):
                assert value.__name__ in MODULES
                yield f"module {public}"
            elif callable(value):
                returned |= _classes_in([_result_of(value)], sys.modules[value.__module__])
                yield f"{_keyword(value)} {public}{_signature(value)}"
            else:
                yield f"{public}: {type(value).__name__}"
        yield ""
    yield "# What these return, or have as attributes"
    for name, cls in sorted(returned.items()):
        if cls not in pinned:
            yield from _class_lines(name, cls)


def _result_of(function: Callable[..., Any]) -> str:
    result = inspect.signature(function).return_annotation
    return "" if result is inspect.Signature.empty else _shown(result)


def _results_of(cls: type) -> list[str]:
    """The annotations of what people get from a class: results of methods, and attributes."""
    found = [_shown(kind) for kind in _fields(cls).values()]
    for name, value in inspect.getmembers_static(cls):
        if not _is_public(name):
            continue
        match value:
            case classmethod(__func__=function) | staticmethod(__func__=function):
                found.append(_result_of(function))
            case property(fget=function) | cached_property(func=function) if function is not None:
                found.append(_result_of(function))
            case _ if inspect.isfunction(value):
                found.append(_result_of(value))
    return found


def _classes_in(annotations: Iterable[str], module: ModuleType) -> dict[str, type]:
    """The classes of benchlab that ``annotations`` in ``module`` name."""
    if not module.__name__.startswith("benchlab"):
        return {}
    tree = ast.parse(inspect.getsource(module))
    imported = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    found = {}
    for name in {word for text in annotations for word in re.findall(r"\w+", text)}:
        home = imported.get(name, module.__name__)
        if home.partition(".")[0] == "benchlab" and not name.startswith("_"):
            value = getattr(importlib.import_module(home), name, None)
            if inspect.isclass(value):
                found[name] = value
    return found


def _class_lines(name: str, cls: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    if not issubclass(cls, Exception):
        yield f"    {name}{_signature(cls)}"
    for member, value in inspect.getmembers_static(cls):
        home = next(base for base in cls.__mro__ if member in vars(base))
        if not home.__module__.startswith("benchlab") or not _is_public(member):
            continue
        match value:
            case classmethod() | staticmethod():
                yield f"    {type(value).__name__} {member}{_signature(getattr(cls, member))}"
            case property(fget=getter) | cached_property(func=getter) if getter is not None:
                kind = inspect.signature(getter).return_annotation
                yield f"    {member}: {_shown(kind)}  # computed"
            case _ if inspect.isfunction(value):
                yield f"    {_keyword(value)} {member}{_signature(value)}"
    for field, kind in _fields(cls).items():
        yield f"    {field}: {_shown(kind)}"


def _fields(cls: type) -> dict[str, Any]:
    """The annotated attributes, those of base classes first."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("benchlab"):
            found |= inspect.get_annotations(base)
    return {name: kind for name, kind in found.items() if _is_public(name)}


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in PROTOCOLS


def _keyword(function: Callable[..., Any]) -> str:
    return "async def" if inspect.iscoroutinefunction(function) else "def"


def _signature(value: Callable[..., Any]) -> str:
    signature = inspect.signature(value)
    parameters = [
        parameter.replace(annotation=_Text(_shown(parameter.annotation)))
        if parameter.annotation is not parameter.empty
        else parameter
        for parameter in signature.parameters.values()
    ]
    result = signature.return_annotation
    returns = f" -> {_shown(result)}" if result is not signature.empty else ""
    bare = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return f"{bare}{returns}"


def _shown(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return inspect.formatannotation(annotation)
