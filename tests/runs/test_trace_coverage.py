from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchlab.runs.trace_coverage import Gap, TraceCoverage
from benchlab.units import NS_PER_S

COUNT, RATE_RPS = 20_000, 1000
SENT_NS = np.arange(COUNT) * (NS_PER_S // RATE_RPS)


def coverage(missing: Any, unresponded: Any = ()) -> TraceCoverage:
    """20 s of 1,000 requests/s without the spans at these indexes."""
    found: NDArray[np.bool_] = np.ones(COUNT, dtype=bool)
    responded = found.copy()
    found[missing] = False
    responded[list(unresponded)] = False
    return TraceCoverage.of(SENT_NS, found, responded)


def test_complete_traces() -> None:
    assert coverage([]) == TraceCoverage(COUNT, COUNT)
    assert str(coverage([])) == "Server spans for 20,000 of 20,000 sampled requests (100.00 %)."


def test_a_few_missing_spans_are_enough_and_not_rounded_to_100_percent() -> None:
    two = coverage([5, 7000])
    assert str(two) == "Server spans for 19,998 of 20,000 sampled requests (99.99 %)."
    assert two.enough
    assert two.to_dict() == {
        "sampled": 20_000,
        "found": 19_998,
        "backwards": 0,
        "cause": None,
    }
    assert TraceCoverage(2, 2, backwards=3).describe() == (
        "spans for 2 of 2 sampled requests (100.00 %); 3 that end before they begin are left out"
    )
    assert coverage(slice(0, 20)).enough
    assert not coverage(slice(0, 21)).enough


def test_without_sampled_requests_no_spans_are_missing() -> None:
    empty = TraceCoverage.of(SENT_NS[:0], np.array([], bool), np.array([], bool))
    assert empty == TraceCoverage(0, 0)
    assert (empty.enough, empty.cause()) == (True, "")


def test_no_spans_at_all() -> None:
    assert "No span was found" in coverage(slice(None)).cause()


def test_a_restarted_collector_leaves_a_gap() -> None:
    away = coverage(slice(5000, 6500))
    assert away.gaps == (Gap(5 * NS_PER_S, 6_499_000_000, 1500, "middle"),)
    assert away.cause().startswith("None of the 1,500 requests between 5.0 s and 6.5 s has a span")
    assert "restarted" in away.cause()
    twice = coverage(np.r_[5000:6500, 15_000:15_400, 18_000])
    assert [gap.request_count for gap in twice.gaps] == [1500, 400]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [(slice(0, 900), "before 0.9 s has a span"), (slice(-900, None), "after 19.1 s has a span")],
)
def test_gaps_at_the_ends_have_causes_of_their_own(missing: slice, expected: str) -> None:
    cause = coverage(missing).cause()
    assert expected in cause
    assert "restarted" not in cause


def test_a_full_queue_loses_spans_all_over_the_run() -> None:
    # 64 are exported, then 100 are dropped, and so on for 10 s.
    missing = np.flatnonzero((np.arange(COUNT) % 164 >= 64) & (SENT_NS > 10 * NS_PER_S))
    queue = coverage(missing)
    assert queue.gaps == ()
    assert "queue is full" in queue.cause()
    assert "OTEL_BSP_MAX_QUEUE_SIZE" in queue.cause()
    at_random = np.random.default_rng(1).choice(COUNT, 5000, replace=False)
    assert "queue is full" in coverage(at_random).cause()


SPREAD = np.flatnonzero(np.arange(COUNT) % 100 < 10)


@pytest.mark.parametrize(
    ("missing", "dropped", "unexported", "expected"),
    [
        (
            SPREAD,
            4321,
            None,
            "The service's exporter dropped 4,321 spans, those of servers and others, since its"
            " queue was full: make it longer (OTEL_BSP_MAX_QUEUE_SIZE) or lower the trace ratio.",
        ),
        (
            slice(5000, 6500),
            0,
            3000,
            "The service's exporter failed to export 3,000 spans: the collector refused them or"
            " could not be reached.",
        ),
        (
            SPREAD,
            20,
            0,
            "The service's exporter dropped 20 spans, those of servers and others, since its"
            " queue was full: make it longer (OTEL_BSP_MAX_QUEUE_SIZE) or lower the trace ratio."
            " The rest of the 2,000 missing ones was lost on the way to the store, or is still to"
            " be ingested.",
        ),
        (
            SPREAD,
            0,
            0,
            "The 2,000 missing ones are spread over the run, and the service's exporter dropped"
            " none: they were lost on the way to the store, or are still to be ingested.",
        ),
        (
            slice(5000, 6500),
            0,
            None,
            "None of the 1,500 requests between 5.0 s and 6.5 s has a span: the collector was"
            " probably restarted, or could not be reached.",
        ),
    ],
)
def test_losses_that_the_service_counted_are_stated(
    missing: Any, dropped: int | None, unexported: int | None, expected: str
) -> None:
    result = replace(coverage(missing), dropped=dropped, unexported=unexported)
    assert result.cause() == expected


def test_requests_without_a_response_may_never_have_arrived() -> None:
    refused = coverage(slice(5000, 6000), range(5000, 5900))
    assert refused.no_response_count == 900
    assert refused.cause().startswith("900 of the 1,000 without a span got no response either")


@given(st.lists(st.tuples(st.integers(0, 10**10), st.booleans(), st.booleans())))
def test_coverage_does_not_depend_on_the_order(requests: list[tuple[int, bool, bool]]) -> None:
    table = np.array(requests, dtype=[("sent", "i8"), ("found", "?"), ("responded", "?")])
    found = table["found"]
    result = TraceCoverage.of(table["sent"], found, table["responded"])
    assert (result.sampled, result.found) == (len(requests), int(found.sum()))
    assert sum(gap.request_count for gap in result.gaps) <= result.missing
    assert bool(result.cause()) == (not result.enough)
