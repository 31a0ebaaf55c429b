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


def coverage(missing: Any, unanswered: Any = ()) -> TraceCoverage:
    """20 s of 1,000 requests/s without the spans at these indexes."""
    found: NDArray[np.bool_] = np.ones(COUNT, dtype=bool)
    answered = found.copy()
    found[missing] = False
    answered[list(unanswered)] = False
    return TraceCoverage.of(SENT_NS, found, answered)


def test_a_whole_run() -> None:
    assert coverage([]) == TraceCoverage(COUNT, COUNT)
    assert str(coverage([])) == "Server spans for 20,000 of 20,000 sampled requests (100.00 %)."


def test_some_missing_are_no_cause_for_alarm_and_never_rounded_away() -> None:
    two = coverage([5, 7000])
    assert str(two) == "Server spans for 19,998 of 20,000 sampled requests (99.99 %)."
    assert two.enough
    assert two.to_dict() == {"sampled": 20_000, "found": 19_998, "cause": None}
    assert coverage(slice(0, 20)).enough
    assert not coverage(slice(0, 21)).enough


def test_nothing_sampled_is_nothing_missing() -> None:
    empty = TraceCoverage.of(SENT_NS[:0], np.array([], bool), np.array([], bool))
    assert empty == TraceCoverage(0, 0)
    assert (empty.enough, empty.cause()) == (True, "")


def test_none_at_all() -> None:
    assert "Not one was found" in coverage(slice(None)).cause()


def test_a_collector_that_was_away_leaves_a_gap() -> None:
    away = coverage(slice(5000, 6500))
    assert away.gaps == (Gap(5 * NS_PER_S, 6_499_000_000, 1500, "middle"),)
    assert away.cause().startswith("None of the 1,500 requests between 5.0 s and 6.5 s has one")
    assert "restarted" in away.cause()
    twice = coverage(np.r_[5000:6500, 15_000:15_400, 18_000])
    assert [gap.request_count for gap in twice.gaps] == [1500, 400]


@pytest.mark.parametrize(
    ("missing", "words"),
    [(slice(0, 900), "before 0.9 s has one"), (slice(-900, None), "after 19.1 s has one")],
)
def test_gaps_at_the_ends_have_causes_of_their_own(missing: slice, words: str) -> None:
    cause = coverage(missing).cause()
    assert words in cause
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
    ("missing", "dropped", "unexported", "words"),
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
            "None of the 1,500 requests between 5.0 s and 6.5 s has one: the collector was"
            " probably restarted, or could not be reached.",
        ),
    ],
)
def test_what_the_service_has_counted_is_no_guess(
    missing: Any, dropped: int | None, unexported: int | None, words: str
) -> None:
    judged = replace(coverage(missing), dropped=dropped, unexported=unexported)
    assert judged.cause() == words


def test_what_was_never_answered_may_never_have_arrived() -> None:
    refused = coverage(slice(5000, 6000), range(5000, 5900))
    assert refused.unanswered == 900
    assert refused.cause().startswith("900 of the 1,000 without one were not answered either")


@given(st.lists(st.tuples(st.integers(0, 10**10), st.booleans(), st.booleans())))
def test_any_run_can_be_judged_in_any_order(requests: list[tuple[int, bool, bool]]) -> None:
    table = np.array(requests, dtype=[("sent", "i8"), ("found", "?"), ("answered", "?")])
    found = table["found"]
    judged = TraceCoverage.of(table["sent"], found, table["answered"])
    assert (judged.sampled, judged.found) == (len(requests), int(found.sum()))
    assert sum(gap.request_count for gap in judged.gaps) <= judged.missing
    assert bool(judged.cause()) == (not judged.enough)
