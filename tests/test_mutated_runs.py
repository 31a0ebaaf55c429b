"""Metadata of runs with anything changed in them: an error that names it, or a run to be shown.

Every form in which a run is shown, exported or stored is made of each run that the decoder accepts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from benchlab.display.card import run_card
from benchlab.display.run_view import view
from benchlab.display.terminal import run_summary
from benchlab.errors import BenchlabError, DamagedError
from benchlab.exchange.own.head import decode_head, encode_head
from benchlab.load.supervisor.environment import capture_environment
from benchlab.plan import shapes
from benchlab.plan.checks import BodyMatches, Check, JsonEquals, MaxBody, StatusIn
from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.toml import plan_to_toml
from benchlab.plan.transport import Transport
from benchlab.report.sections import command, errors, generator, overview, setup
from benchlab.runs.health import WorkerHealth
from benchlab.runs.run import Run
from benchlab.samples.examples import make_example
from tests.runs.floors import make_floor
from tests.runs.synthetic import make_run

URL = "http://127.0.0.1:8000/a?token=x"
LOADS = [
    shapes.ClosedLoop(4, 0.1, "exponential"),
    shapes.ConstantRate(100),
    shapes.Stages([(5, 100), (5, 10)], start_rps=1),
    shapes.Steps([(5, 100), (5, 10)]),
    shapes.Spike(base_rps=10, peak_rps=50, at_s=2, length_s=1, duration_s=10),
    shapes.Replay([0, 0.5, 2]),
    shapes.Imported(3, "k6"),
]
EXAMPLES = (
    make_example("status", "a", 1, 2, 503, "the status is 503", [("Server", "x")], b"no"),
    make_example("reset", "b", 3, 4, 0, "reset"),
)


COUNT = len(LOADS) + 1


def runs() -> list[Run]:
    """Runs that together have every field and kind of part that a plan or its run may have."""
    environment = {
        **capture_environment(),
        "target": {"version": "1", "packages": {"a": "2"}},
        "calibration": {"floor": make_floor(warnings=("noisy",)).to_dict()},
        "imported": {"format": "k6-json", "file": "x", "not_in_the_file": ["x"], "notes": ["y"]},
    }
    checks: list[Check] = [
        StatusIn(200, 404),
        BodyMatches("^a"),
        JsonEquals("a.0", {"b": 1}),
        MaxBody(5),
    ]
    requests = [
        Request("POST", URL, {"X-Key": "s"}, b"\xff", name="a", checks=checks),
        Request("GET", f"{URL}&id={{{{id}}}}", data=Feed([{"id": 1}]), name="b", weight=2.0),
    ]
    settings: dict[str, Any] = {
        "slo": ["p99<50ms over 1s", "error_ratio[a]<1%"],
        "abort_on": "error_ratio>0.5",
        "transport": Transport(verify=False, resolve={"h": "127.0.0.1"}),
        "tags": {"team": "a"},
        "trace_ratio": 0.5,
    }
    workers = [WorkerHealth(0, 0.99, servers=("nginx",)), WorkerHealth(1, problem="x")]
    made = [
        make_run(
            load=load,
            requests=requests,
            errors=True,
            warmup_s=0 if load.is_imported else 1.0,
            duration_s=2.5 if isinstance(load, shapes.Replay) else 10.0,
            environment=environment,
            workers=workers,
            **settings,
        )
        for load in LOADS
    ]
    plan = Plan(
        scenario=Scenario(URL, "shop", b"code", "async def shop(): ...", "f.py:shop",
                          Feed([{"id": 1}]), ("login",)),
        duration_s=10, slo="p99[login]<1s",
    )  # fmt: skip
    made.append(replace(make_run(environment=environment, stopped_ns=5 * 10**9), plan=plan))
    return [replace(run, examples=EXAMPLES) for run in made]


@cache
def cases() -> list[tuple[Run, dict[str, Any]]]:
    """Each run with its metadata, as they are in an exported file."""
    return [(run, json.loads(encode_head(run, len(run.samples)))) for run in runs()]


VALUES: list[Any] = [
    ..., None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, 10**40, -(2**63), 1.5, 1e-300, 1e308,
    math.nan, math.inf, "", "x", "\0", "\ud800", "\u202e[/red]{{x}}", "1" * 5000, "http://[",
    "p99<1ms", [], [None], [[]], [1, "x"], [{}], {}, {"": None}, {"kind": "closed_loop"},
    {"a": {"b": {}}},     "2026-13-01", "closed_loop", "poisson",
]  # fmt: skip


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all parts of parsed JSON."""
    if path:
        yield path
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, item in items:
        yield from places(item, (*path, key))


def mutated(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy of ``data`` with another value at ``path``; with none, if ``value`` is ``...``."""
    copy: dict[str, Any] = json.loads(json.dumps(data))
    part: Any = copy
    for key in path[:-1]:
        if not isinstance(part, dict | list) or (isinstance(part, list) and key >= len(part)):
            return copy  # an earlier mutation has removed the place
        part = part.get(key) if isinstance(part, dict) else part[key]
    if isinstance(part, dict) and value is ...:
        part.pop(path[-1], None)
    elif isinstance(part, dict) or (isinstance(part, list) and path[-1] < len(part)):
        part[path[-1]] = None if value is ... else value
    return copy


def show(run: Run) -> None:
    """Do with a run what is done with those of a store."""
    json.dumps(run.to_dict())
    repr(run)
    run.to_pandas()
    run_card(run)
    with Console(file=None, quiet=True) as console:
        console.print(run_summary(view(run)))
    run.plan.describe()
    plan_to_toml(run.plan)
    shown = view(run)
    overview.header(shown)
    overview.verdict(shown)
    overview.headlines(shown)
    setup.setup(run)
    errors.failures(run)
    generator.generator(run)
    command.command(run.plan)
    again, _ = decode_head(encode_head(run, len(run.samples)), "again")
    assert again.to_metadata() == run.to_metadata()


def assert_survived(run: Run, data: dict[str, Any]) -> None:
    """Metadata ``data``, mutated from those of ``run``, are named damage, or a run to be shown."""
    try:
        found, _ = decode_head(json.dumps(data), "run.csv")
    except DamagedError as exc:
        message = str(exc)
        assert message.startswith("run.csv: ")
        assert len(message) < 1000
        return
    if len(found.plan.endpoint_names) == len(run.samples.endpoints):
        with suppress(BenchlabError):  # of values that are right alone, and wrong together
            show(replace(found, samples=run.samples))


@pytest.mark.parametrize("index", range(COUNT))
def test_unmutated_metadata_are_the_run(index: int) -> None:
    run, data = cases()[index]
    head, count = decode_head(json.dumps(data), "run.csv")
    assert count == len(run.samples)
    assert head.to_metadata() == run.to_metadata()
    show(run)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn=st.data())
def test_mutated_metadata_are_damage_or_a_run_that_can_be_shown(drawn: st.DataObject) -> None:
    run, data = cases()[drawn.draw(st.integers(0, COUNT - 1))]
    paths = list(places(data))
    for _ in range(drawn.draw(st.integers(1, 3))):
        path, value = drawn.draw(st.sampled_from(paths)), drawn.draw(st.sampled_from(VALUES))
        data = mutated(data, path, value)
    assert_survived(run, data)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("index", range(COUNT))
def test_every_value_at_every_place_is_damage_or_a_run_that_can_be_shown(index: int) -> None:
    run, data = cases()[index]
    for path in places(data):
        for value in VALUES:
            assert_survived(run, mutated(data, path, value))
