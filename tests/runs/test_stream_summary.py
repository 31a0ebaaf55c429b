"""What is said of the streams of a run."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.runs.stream_summary import StreamSummary
from benchlab.units import NS_PER_S
from tests.runs.streaming import EVENTS, STALLED, streaming_run
from tests.runs.synthetic import make_run


@pytest.fixture(scope="module")
def summary() -> StreamSummary:
    found = streaming_run().stream_summary
    assert found is not None
    return found


def gaps() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """All gaps of the measured window, from the events themselves."""
    run = streaming_run()
    events = run.events.records[np.isin(run.events.records["seq"], run.measured.column("seq"))]
    return np.sort(np.diff(events["at_ns"].reshape(-1, EVENTS)).ravel())


def test_counts_and_rates(summary: StreamSummary) -> None:
    run = streaming_run()
    count = len(run.measured)
    assert summary.count == count == 200
    assert summary.events == count * EVENTS
    assert summary.event_bytes == 4 * summary.events
    last = int(run.streams.records["last_event_ns"].max())
    assert summary.events_per_s == pytest.approx(
        summary.events * NS_PER_S / (last - run.window_ns[0])
    )
    assert summary.bytes_per_s == pytest.approx(4 * summary.events_per_s)
    stalled = int(np.count_nonzero(run.measured.column("seq") % STALLED == 0))
    assert (summary.stalls, summary.stalled_streams) == (stalled, stalled)
    assert summary.stream_events_per_s == pytest.approx(100, rel=0.05)


def test_the_first_event_counts_from_the_intended_time(summary: StreamSummary) -> None:
    run = streaming_run()
    chosen = run.streams.of(run.measured.column("seq")).records
    exact = np.sort(chosen["first_event_ns"] - run.measured.column("intended_ns"))
    assert summary.first_event_ns is not None
    assert summary.first_byte_ns is not None
    assert summary.first_event_ns.min == exact[0]
    assert summary.first_event_ns.p50 == exact[len(exact) // 2]
    assert summary.first_event_ns.max == exact[-1]
    assert summary.first_event_ns.mean - summary.first_byte_ns.mean == 5_000_000


def test_gaps_of_all_streams_together(summary: StreamSummary) -> None:
    exact, found = gaps(), summary.gap_ns
    assert found is not None
    assert found.max == exact[-1]
    assert found.mean == round(int(exact.sum()) / len(exact))
    assert exact[0] / 1.125 - 1024 <= found.min <= exact[0]
    for key, ratio in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)):
        value = exact[int(np.ceil(ratio * len(exact))) - 1]
        assert value <= getattr(found, key) <= value * 1.125 + 1024


def test_as_text_and_json(summary: StreamSummary) -> None:
    run = streaming_run()
    assert summary.describe().startswith("200 with 4,000 events, ")
    assert summary.describe().endswith("29 stalls (above 1 s) in 29 streams")
    assert run.to_dict()["streams"] == summary.to_dict()
    assert summary.to_dict()["stall_s"] == [1.0]
    frame = run.to_pandas()
    assert frame["streams_events"].tolist() == [4000]
    assert frame["streams_gaps_p99_ms"].tolist() == [summary.durations["gaps"].p99 / 1e6]


def test_an_endpoint() -> None:
    run = streaming_run()
    assert run.stream_summary_of("chat") == run.stream_summary


def test_a_run_without_streams() -> None:
    run = make_run(count=10)
    assert run.stream_summary is None
    assert run.to_dict()["streams"] is None
