from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import DamagedError, InputError
from benchlab.load.supervisor.preflight import check_credentials
from benchlab.plan.fault_kinds import COMMON_OPTIONS, FAULT_KINDS
from benchlab.plan.faults import Fault, FaultSchedule
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Origin, Request
from benchlab.plan.toml import plan_to_toml

REQUEST = Request("GET", "http://127.0.0.1:8000/")


def same(fault: Fault) -> None:
    """Whether a fault survives each of its forms."""
    assert Fault.parse(str(fault)) == fault
    assert Fault.from_dict(fault.to_dict()) == fault
    assert eval(repr(fault)) == fault
    assert hash(Fault.parse(str(fault))) == hash(fault)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_the_example_of_every_kind_survives_its_forms(kind: str) -> None:
    fault = Fault.parse(f"{FAULT_KINDS[kind].example} at 10s")
    assert fault.kind == kind
    assert fault.where == FAULT_KINDS[kind].where
    same(fault)


@pytest.mark.parametrize(
    ("text", "value", "spread", "distribution", "tidy"),
    [
        ("latency 200ms at 10s for 5s", 0.2, 0, "constant", "latency 200ms at 10s for 5s"),
        ("latency 200ms ± 50ms", 0.2, 0.05, "uniform", "latency 200ms±50ms"),
        ("latency 200ms+-50ms", 0.2, 0.05, "uniform", "latency 200ms±50ms"),
        (
            "latency at 1s 20ms  exponential",
            0.02,
            0,
            "exponential",
            "latency 20ms exponential at 1s",
        ),
        ("latency 20ms pareto", 0.02, 0, "pareto", "latency 20ms pareto"),
        ("error 503 ratio=0.1", 503, 0, "constant", "error 503 ratio=10%"),
        ("leak 1MB", 10**6, 0, "constant", "leak 1MB"),
        ("bandwidth 64KiB/s", 65536, 0, "constant", "bandwidth 64KiB/s"),
        ("payload 50ns", 5e-8, 0, "constant", "payload 50ns"),
        ("delayed_ack", 0.04, 0, "constant", "delayed_ack 40ms"),
        ("blackhole for 1m30s", 0, 0, "constant", "blackhole at 0s for 90s"),
        ("block 100ms", 0.1, 0, "constant", "block 100ms every=1s"),
    ],
)
def test_amounts(text: str, value: float, spread: float, distribution: str, tidy: str) -> None:
    fault = Fault.parse(text)
    assert (fault.amount_value, fault.spread) == pytest.approx((value, spread))
    assert fault.distribution == distribution
    assert str(fault) == tidy
    same(fault)


@given(
    at_s=st.floats(0, 1e6),
    for_s=st.none() | st.floats(1e-6, 1e6),
    ratio=st.floats(1e-9, 1),
    route=st.text(st.characters(codec="utf-8"), max_size=9).map(lambda text: f"/{text}"),
    seed=st.none() | st.integers(0, 2**63 - 1),
)
def test_any_fault_survives_its_forms(
    at_s: float, for_s: float | None, ratio: float, route: str, seed: int | None
) -> None:
    same(Fault("latency", "5ms", at_s=at_s, for_s=for_s, ratio=ratio, route=route, seed=seed))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("latenci 20ms", ["latenci", "did you mean latency", "freeze"]),
        ("latency", ["amount", "latency 200ms"]),
        ("latency 200", ["'200' has no unit"]),
        ("latency 3x", ["'x'"]),
        ("latency 0ms", ["'0ms'"]),
        ("latency 2h", ["'2h'"]),
        ("latency 20ms±50ms", ["'20ms±50ms'", "below 0"]),
        ("latency 20ms±5ms pareto", ["cannot be read"]),
        ("block 20ms±5ms", ["cannot vary"]),
        ("drop 5", ["drop has no amount", "'5'"]),
        ("error 200", ["'200'", "400 to 599"]),
        ("latency 20ms at", ["at: the duration is empty"]),
        ("latency 20ms at 1s at 2s", ["at=2.0", "twice"]),
        ("latency 20ms for 0s", ["for_s=0"]),
        ("latency 20ms ratio=0", ["ratio=0"]),
        ("latency 20ms ratio=110%", ["110%"]),
        ("latency 20ms route=x", ["route='x'", "/x"]),
        ("latency 20ms seed=-1", ["seed='-1'"]),
        ("latency 20ms amount=3ms", ["'amount'"]),
        ("latency 20ms at=3s", ["'at'", "at and for"]),
        ("latenci 20ms kind=drop", ["latenci"]),
        ("latency 20ms foo=1", ["'foo'", "ratio, route, seed, service"]),
        ("latency 20ms service=localhost", ["'localhost'", "http://127.0.0.1:8000"]),
        ("latency 20ms service=http://a:pw@b/", ["service"]),
        ("freeze", ["freeze needs it", "pid=1234"]),
        ("freeze pid=0", ["pid=0"]),
        ("freeze pid=1 ratio=5%", ["'ratio'"]),
        ("delay 5ms route=/", ["'route'"]),
        ("kill pid=3 for 3s", ["restart"]),
        ("kill pid=3 restart=''", ["empty command"]),
        ("""kill pid=3 restart='"'""", ["no command"]),
        ("latency 2ms 'x", ["quotation"]),
    ],
)
def test_what_cannot_be_read_is_named(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        Fault.parse(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.field == "fault"


@pytest.mark.parametrize("url", ["http://a:hunter2@b/", "http://b/?token=hunter2"])
def test_a_secret_in_the_url_of_a_service_is_not_shown(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Fault("latency", "1ms", service=url)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(InputError) as caught:
        Fault.parse(f"latency 1ms service={url}")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.value)


@pytest.mark.parametrize("value", [True, None, b"1", float("nan")])
def test_what_is_no_value_is_refused(value: Any) -> None:
    for change in ({"amount": value}, {"at_s": value}, {"ratio": value}, {"route": value}):
        with pytest.raises(InputError):
            Fault(**{"kind": "latency", "amount": "1ms", **change})


def test_a_schedule_is_in_order_and_takes_any_form() -> None:
    late = Fault("error", 503, at_s=20, for_s=1)
    schedule = FaultSchedule([late, "latency 200ms at 10s", {"kind": "drop", "ratio": 0.5}])
    assert [fault.kind for fault in schedule] == ["drop", "latency", "error"]
    assert len(schedule) == 3
    assert schedule[-1] is late
    assert schedule[:1] == (Fault("drop", ratio=0.5),)
    assert FaultSchedule(schedule.to_list()) == schedule
    assert not FaultSchedule()
    assert schedule.describe() == "3 faults"


@pytest.mark.parametrize("given", [5, [5], [["latency"]], [{"amount": "1ms"}], ["drop", "drop"]])
def test_what_is_no_schedule_is_refused(given: Any) -> None:
    with pytest.raises(InputError):
        FaultSchedule(given)


def test_a_plan_carries_its_faults() -> None:
    plan = Plan(REQUEST, faults=["latency 200ms at 3s for 5s", "delay 4ms"])
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.replace(seed=2).faults is plan.faults
    assert plan != plan.replace(faults=())
    assert plan.describe().endswith("· 10 s · 2 faults")
    assert Plan(REQUEST, faults="drop").describe().endswith(" · fault drop")
    assert plan.faults == Plan.from_options(REQUEST.url, faults=plan.faults).faults
    other = Fault("latency", "1ms", service="http://127.0.0.2")
    assert plan.service_of(plan.faults[0]) == Origin("http", "127.0.0.1", 8000)
    assert plan.service_of(other) == Origin("http", "127.0.0.2", 80)


def test_times_are_on_the_clock_of_the_run() -> None:
    fault = Fault("drop", at_s=2, for_s=1.5)
    assert fault.begin_ns(10**9) == 3 * 10**9
    assert fault.end_ns(10**9, 9 * 10**9) == 4_500_000_000
    assert fault.end_ns(10**9, 4 * 10**9) == 4 * 10**9
    assert Fault("drop").end_ns(10**9, 9 * 10**9) == 9 * 10**9


@pytest.mark.parametrize(
    ("fault", "changes", "word"),
    [
        ("latency 200ms at 30s", {}, "10 s"),
        ("delay 4ms service=http://127.0.0.1:9", {}, "http://127.0.0.1:8000"),
    ],
)
def test_a_fault_that_no_run_could_have_is_refused(
    fault: str, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(InputError, match=word) as caught:
        Plan(REQUEST, faults=fault, **changes)
    assert caught.value.field == "faults"
    assert caught.value.value == fault


def test_damaged_faults_are_named() -> None:
    data = Plan(REQUEST).to_dict()
    with pytest.raises(DamagedError, match="faults") as caught:
        Plan.from_dict({**data, "faults": [{"kind": "x"}]})
    assert caught.value.field == "faults.kind"


def test_the_table_of_kinds_is_whole() -> None:
    for name, kind in FAULT_KINDS.items():
        assert kind.example.split()[0] == name
        assert not kind.help.endswith(".")
        assert not set(kind.options) & {*COMMON_OPTIONS[kind.where], "kind", "amount", "at", "for"}


def test_secrets_of_a_command_are_not_shown_and_not_stored() -> None:
    fault = Fault("kill", pid=5, restart="serve --auth-token hunter2 --port=80", for_s=1)
    assert "hunter2" not in str(fault) + repr(fault)
    assert "--port=80" in str(fault)
    plan = Plan(REQUEST, faults=fault)
    assert Plan.from_json(plan.to_json()).faults[0].options == fault.options
    assert "hunter2" not in f"{redacted_plan(plan.to_dict())}" + plan_to_toml(plan)
    assert "stands for a secret" in plan_to_toml(plan)
    stored = Plan.from_dict(redacted_plan(plan.to_dict()))
    with pytest.raises(InputError, match="hidden when its run was stored"):
        check_credentials(stored)
