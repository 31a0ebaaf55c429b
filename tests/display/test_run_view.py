"""The facts that every renderer of a run shows."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from benchlab.display.banner import LEVELS
from benchlab.display.run_view import view
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.server_side import ServerSide
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.runs.verdict import Verdict
from benchlab.samples.examples import Example, make_example
from tests.golden.runs import scenario
from tests.runs.synthetic import URL, make_run


def example(seq: int) -> Example:
    return make_example("status", "a", seq, 2 * 10**9, 503, f"message {seq}")


def test_every_verdict_has_a_level() -> None:
    assert set(LEVELS) == set(get_args(Verdict))


def test_counts_and_rates_are_of_requests() -> None:
    shown = view(make_run(errors=True))
    assert shown.counted == "1,000 requests"
    assert shown.errors == "30 errors (3.00 %)"
    assert dict(shown.facts) == {
        "requests": "1,000",
        "achieved": "100.0 requests/s",
        "intended": "100.0 requests/s",
        "errors": "30 (3.00 %)",
        "received": "23.4 KiB",
    }
    assert "intended" not in dict(view(make_run(load=ClosedLoop(2), lag_ns=0)).facts)


def test_a_short_run_does_not_read_as_one_of_no_time() -> None:
    short = make_run(rate_rps=1000.0, warmup_s=0, request_count=5, count=5)
    assert view(short).duration not in ("0.00 s", "0 s")
    assert view(make_run()).duration == "10.00 s"


def test_counts_and_rates_of_a_scenario_are_of_steps() -> None:
    shown = view(scenario().run)
    assert shown.counted == "300 steps of 150 iterations"
    assert dict(shown.facts)["steps"] == "300 of 150 iterations"
    assert shown.rate == "100.0 steps/s"
    assert [headline.label for headline in shown.headlines][-1] == "Failed steps"


def test_durations_are_in_the_order_people_read_them() -> None:
    assert list(view(make_run()).durations) == ["latency", "service time", "lag"]
    assert view(make_run(count=0)).durations == {}


def test_five_examples_are_shown_and_name_their_endpoint_where_there_are_several() -> None:
    examples = tuple(example(seq) for seq in range(7))
    several = [Request("GET", URL, name="a"), Request("GET", URL, name="b")]
    alone = view(replace(make_run(), examples=examples)).examples
    assert [line.endpoint for line in alone] == [""] * 5
    among = view(replace(make_run(requests=several), examples=examples)).examples
    assert [line.endpoint for line in among] == ["a"] * 5


def test_objectives_have_windows_only_where_there_are_any() -> None:
    alone = view(make_run(slo=["p99<1s"])).objectives
    beside = view(make_run(slo=["p99<1s", "p99<1s over 1s"])).objectives
    assert (alone.head[-1], len(alone.rows[0])) == ("observed", 3)
    assert (beside.head[-1], [len(row) for row in beside.rows]) == ("windows", [4, 4])


def test_only_a_plan_of_several_requests_has_a_table_of_endpoints() -> None:
    several = [Request("GET", URL, name="a"), Request("GET", URL, name="b")]
    table = view(make_run(requests=several)).endpoints
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert all(len(row) == len(table.head) for row in table.rows)
    assert not view(make_run()).endpoints.rows


def test_of_very_many_endpoints_those_with_most_failures_are_shown() -> None:
    names = [f"r{number}" for number in range(300)]
    run = make_run(requests=[Request("GET", URL, name=name) for name in names], errors=True)
    parts = run.by_endpoint()
    table = view(run).endpoints
    assert len(table.rows) == 25
    least = min(parts[row[0]].error_count for row in table.rows)
    assert all(parts[name].error_count <= least for name in {*names} - {r[0] for r in table.rows})
    assert table.note.startswith("and 275 more, which have the fewest failures and requests; ")


def test_the_server_side_is_empty_unless_it_is_given() -> None:
    assert not view(make_run()).server.was_traced
    assert view(make_run(), ServerSide(coverage=TraceCoverage(10, 9))).server.was_traced
