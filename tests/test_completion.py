"""IPython completes every public value, with the Jedi that it uses, as in a notebook."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core import oinspect
from IPython.core.completer import provisionalcompleter

import benchlab as bl
from benchlab.notebook import Service
from benchlab.runs.server_side import ServerSide
from tests.ipython import ipython_shell
from tests.runs.synthetic import join_server, make_run, make_trace

PUBLIC_API = Path(__file__).parent / "golden" / "public_api.txt"
RUN = make_run(errors=True, stall=True, slo=["p99<50ms"])
VALUES = {
    "bl": bl,
    "plots": bl.plots,
    "notebook": bl.notebook,
    "run": RUN,
    "plan": RUN.plan,
    "load": RUN.plan.load,
    "request": RUN.plan.requests[0],
    "samples": RUN.samples,
    "summary": RUN.summary,
    "distribution": RUN.summary.latency_ns,
    "histogram": RUN.histogram(),
    "objective": RUN.plan.slo[0],
    "result": RUN.objectives[0],
    "verdict": RUN.verdict_reason,
    "health": RUN.health,
    "transport": bl.Transport(),
    "feed": bl.Feed([{"a": "1"}]),
    "stages": bl.Stages([(1, 10)]),
    "store": bl.Store(),
    "trace": make_trace(RUN),
    "server": ServerSide(join_server(RUN)),
    "service": Service("http://127.0.0.1:1/", None, None),
}
"""Real values, as far as they need no store and no process."""


def public_classes() -> Iterator[type]:
    """The public classes, and the classes of what these return."""
    names = set(re.findall(r"^class (\w+)", PUBLIC_API.read_text(encoding="utf-8"), re.MULTILINE))
    modules = [module for name, module in sys.modules.items() if name.startswith("benchlab.")]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__name__ in names
        and value.__module__.startswith("benchlab.")
        and not inspect.isabstract(value)
    }
    yield from sorted(found, key=lambda cls: (cls.__module__, cls.__name__))


def blank(cls: type) -> Any:
    """A value of a class as far as completion goes: it has everything but the contents."""
    if issubclass(cls, tuple):
        return tuple.__new__(cls, [None] * len(cls._fields))  # type: ignore[attr-defined]
    return cls.__new__(cls)


def public_names(value: object) -> set[str]:
    return {name for name in dir(value) if not name.startswith("_")}


@pytest.fixture(scope="module")
def offered(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[object], set[str]]]:
    """What IPython offers after a value and a dot."""
    with ipython_shell(tmp_path_factory.mktemp("ipython")) as shell:
        assert shell.Completer.use_jedi

        def complete(value: object) -> set[str]:
            shell.user_ns["value"] = value
            with provisionalcompleter():
                return {found.text for found in shell.Completer.completions("value.", 6)}

        yield complete


@pytest.mark.parametrize("name", VALUES)
def test_everything_public_of_a_value_is_offered(
    name: str, offered: Callable[[object], set[str]]
) -> None:
    assert public_names(VALUES[name]) <= offered(VALUES[name])


def test_everything_public_of_every_public_class_is_offered(
    offered: Callable[[object], set[str]],
) -> None:
    classes = list(public_classes())
    assert {bl.Run, bl.Plan, bl.Store, Service, ServerSide} <= set(classes)
    for cls in classes:
        assert public_names(cls) <= offered(cls), cls
        value = blank(cls)
        assert public_names(value) <= offered(value), cls


def test_every_public_name_has_its_help_and_signature() -> None:
    """What ``bl.run?`` shows."""
    for name in bl.__all__:
        value = getattr(bl, name)
        found = oinspect.Inspector(theme_name="nocolor").info(value, oname=name)
        text = found["docstring"] or found["class_docstring"]
        assert text, name
        assert text != "<no docstring>", name
        if inspect.isfunction(value):
            definition = found["definition"] or ""
            assert definition.startswith(f"{name}("), name
            assert "->" in definition, name


@pytest.mark.parametrize("module", [bl, bl.plots, bl.notebook], ids=lambda module: module.__name__)
def test_of_a_module_the_public_names_alone_are_offered(
    module: ModuleType, offered: Callable[[object], set[str]]
) -> None:
    assert {name for name in offered(module) if not name.startswith("_")} == set(module.__all__)
