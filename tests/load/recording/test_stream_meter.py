"""What is measured of a stream."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.samples.percentiles import exact_percentile
from benchlab.samples.streams import STREAM_DTYPE, gap_counts

MS = 10**6


def record(meter: StreamMeter, silent_until: int = 0) -> np.void:
    found: np.void = np.array([meter.finish(7, silent_until)], dtype=STREAM_DTYPE)[0]
    return found


def test_a_stream_without_events() -> None:
    meter = StreamMeter(MS)
    found = record(meter, 10**12)
    assert found["seq"] == 7
    assert all(not np.any(found[name]) for name in STREAM_DTYPE.names or () if name != "seq")
    assert meter.event_rows(7) == []


def test_times_sizes_and_stalls() -> None:
    meter = StreamMeter(10 * MS, keeps_events=True)
    for now, size in ((100 * MS, 5), (101 * MS, 6), (111 * MS, 0), (122 * MS, 7)):
        meter.event(now, size)
    assert meter.events == 4
    found = record(meter)
    assert (found["first_event_ns"], found["last_event_ns"]) == (100 * MS, 122 * MS)
    assert (found["events"], found["event_bytes"], found["stalls"]) == (4, 18, 1)
    assert (found["gap_p50_ns"], found["gap_p99_ns"]) == (10 * MS, 11 * MS)
    assert found["gap_max_ns"] == 11 * MS
    assert meter.event_rows(3) == [
        (3, 100 * MS, 1, 5),
        (3, 101 * MS, 2, 6),
        (3, 111 * MS, 3, 0),
        (3, 122 * MS, 4, 7),
    ]


def test_silence_at_the_end_of_a_stream_that_was_left_is_a_stall() -> None:
    meter = StreamMeter(10 * MS)
    meter.event(100 * MS, 1)
    assert record(meter, 110 * MS)["stalls"] == 0
    assert record(meter, 111 * MS)["stalls"] == 1
    assert record(meter)["stalls"] == 0


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60))
def test_gaps_are_those_between_events(steps: list[int]) -> None:
    meter, now = StreamMeter(10**9), 1
    meter.event(now, 1)
    for step in steps:
        now += step
        meter.event(now, 1)
    found, ordered = record(meter), np.sort(np.array(steps, dtype=np.int64))
    assert found["gap_p50_ns"] == exact_percentile(ordered, 0.5)
    assert found["gap_p99_ns"] == exact_percentile(ordered, 0.99)
    assert found["stalls"] == sum(step > 10**9 for step in steps)
    assert np.array_equal(found["gaps"], gap_counts(ordered))
