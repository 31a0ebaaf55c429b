"""The gaps of a stream in buckets, and percentiles of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.samples.streams import (
    GAP_BUCKETS,
    STREAM_DTYPE,
    Events,
    Streams,
    gap_counts,
    gap_percentile_ns,
)

HOUR_NS = 3600 * 10**9


@given(st.lists(st.integers(0, HOUR_NS), min_size=1, max_size=50), st.floats(0, 1))
def test_a_percentile_of_gaps_is_an_eighth_too_high_at_most(gaps: list[int], ratio: float) -> None:
    counts = gap_counts(np.array(gaps, dtype=np.int64))
    found = gap_percentile_ns(counts, ratio)
    rank = max(1, int(np.ceil(ratio * len(gaps))))
    exact = sorted(gaps)[rank - 1]
    assert found is not None
    assert exact <= found <= exact * 1.125 + 1024


@given(st.lists(st.integers(0, 1 << 62), max_size=50), st.lists(st.integers(0, 1 << 62)))
def test_histograms_of_gaps_merge_by_adding(one: list[int], other: list[int]) -> None:
    parts = [gap_counts(np.array(gaps, dtype=np.int64)) for gaps in (one, other, one + other)]
    assert np.array_equal(parts[0] + parts[1], parts[2])
    assert len(parts[2]) == GAP_BUCKETS
    assert parts[2].sum() == len(one) + len(other)


def test_no_gap_has_no_percentile() -> None:
    assert gap_percentile_ns(gap_counts(np.empty(0, dtype=np.int64)), 0.5) is None


def test_streams_are_equal_if_their_records_are() -> None:
    records = np.zeros(2, dtype=STREAM_DTYPE)
    assert Streams(records) == Streams(records.copy())
    assert Streams(records) != Streams(records[:1])
    assert Streams(records) != Events()
    assert len({Streams(records), Streams(records.copy())}) == 1
    assert repr(Streams(records)) == "<Streams: 2 with 0 events>"
    assert repr(Events()) == "<Events: 0>"


def test_records_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="need another"):
        Streams(np.zeros(1, dtype="<i8"))


def test_frames_have_a_row_for_each_record() -> None:
    records = np.zeros(2, dtype=STREAM_DTYPE)
    frame = Streams(records).to_pandas()
    assert len(frame) == 2
    assert "gaps" not in frame
    assert list(Events().to_pandas()) == ["seq", "at_ns", "number", "bytes"]
