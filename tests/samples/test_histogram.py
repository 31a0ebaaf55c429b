from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchlab.errors import InputError
from benchlab.samples.histogram import LatencyHistogram

DAY_NS = 24 * 3600 * 10**9

durations = arrays(np.int64, st.integers(1, 200), elements=st.integers(0, DAY_NS))


@given(durations, st.floats(0, 1))
def test_a_percentile_is_at_most_a_thousandth_above_the_recorded_value(
    values_ns: np.ndarray, ratio: float
) -> None:
    histogram = LatencyHistogram().record(values_ns)
    rank = max(1, int(np.ceil(ratio * len(values_ns))))
    exact = int(np.sort(values_ns)[rank - 1])
    assert exact <= histogram.percentile_ns(ratio) <= exact * 1.001


@given(durations, durations)
def test_merging_equals_recording_both(one: np.ndarray, other: np.ndarray) -> None:
    merged = LatencyHistogram().record(one).merge(LatencyHistogram().record(other))
    both = LatencyHistogram().record(np.concatenate([one, other]))
    assert np.array_equal(merged.counts, both.counts)
    assert merged.count == len(one) + len(other)


@given(durations)
def test_every_value_lies_between_the_edges_of_its_bucket(values_ns: np.ndarray) -> None:
    histogram = LatencyHistogram()
    index = histogram._index(values_ns)
    lower, upper = histogram.edges_ns(index)
    assert np.all((lower <= values_ns) & (values_ns < upper))
    assert np.all((upper - lower == 1) | ((upper - lower) * 1000 <= lower))


def test_the_buckets_follow_each_other_without_gap() -> None:
    histogram = LatencyHistogram()
    lower, upper = histogram.edges_ns(np.arange(len(histogram.counts)))
    assert lower[0] == 0
    assert np.array_equal(lower[1:], upper[:-1])


@pytest.mark.parametrize("exponent", range(1, 46))
def test_powers_of_two_and_their_neighbours_are_in_their_buckets(exponent: int) -> None:
    values_ns = np.array([2**exponent - 1, 2**exponent, 2**exponent + 1])
    histogram = LatencyHistogram()
    lower, upper = histogram.edges_ns(histogram._index(values_ns))
    assert np.all((lower <= values_ns) & (values_ns < upper))


def test_the_counts_are_those_of_hdrhistogram() -> None:
    rng = np.random.default_rng(1)
    values_ns = rng.lognormal(14, 2, 20_000).astype(np.int64)
    ours = LatencyHistogram().record(values_ns)
    theirs = HdrHistogram(1, DAY_NS, 3)
    for value in values_ns.tolist():
        theirs.record_value(value)
    filled = np.flatnonzero(ours.counts)
    lower = ours.edges_ns(filled)[0]
    for low, count in zip(lower.tolist(), ours.counts[filled].tolist(), strict=True):
        assert theirs.get_count_at_value(low) == count
    for ratio in (0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0):
        assert ours.percentile_ns(ratio) == theirs.get_value_at_percentile(100 * ratio)


@pytest.mark.parametrize("wrong", [-1, DAY_NS + 1])
def test_a_value_out_of_range_raises_and_records_nothing(wrong: int) -> None:
    histogram = LatencyHistogram()
    with pytest.raises(InputError, match=str(wrong)):
        histogram.record(np.array([5, wrong]))
    assert histogram.count == 0


def test_the_highest_value_fits() -> None:
    for highest_ns in (2, 1000, 2047, 2048, 10**9, DAY_NS):
        assert LatencyHistogram(highest_ns).record(np.array([0, highest_ns])).count == 2
    with pytest.raises(InputError, match="at least 2"):
        LatencyHistogram(1)


def test_ranges_that_differ_do_not_merge() -> None:
    with pytest.raises(InputError, match="do not merge"):
        LatencyHistogram().merge(LatencyHistogram(10**9))


def test_an_empty_histogram_has_no_percentiles() -> None:
    with pytest.raises(InputError, match="empty"):
        LatencyHistogram().record(np.empty(0, dtype=np.int64)).percentile_ns(0.5)
    with pytest.raises(InputError, match="between 0 and 1"):
        LatencyHistogram().record(np.array([1])).percentile_ns(99)


@given(durations)
def test_the_encoding_round_trips_and_is_that_of_hdrhistogram(values_ns: np.ndarray) -> None:
    ours = LatencyHistogram().record(values_ns)
    theirs = HdrHistogram(1, DAY_NS, 3)
    for value in values_ns.tolist():
        theirs.record_value(value)
    assert np.array_equal(LatencyHistogram.decode(ours.encode()).counts, ours.counts)
    assert np.array_equal(LatencyHistogram.decode(theirs.encode().decode()).counts, ours.counts)
    read = HdrHistogram.decode(ours.encode())
    assert read.get_total_count() == len(values_ns)
    for value in values_ns.tolist():
        assert read.get_count_at_value(value) == theirs.get_count_at_value(value)
    for ratio in (0.5, 0.99, 1.0):
        expected = theirs.get_value_at_percentile(100 * ratio)
        assert read.get_value_at_percentile(100 * ratio) == expected


@pytest.mark.parametrize("count", [1, 63, 64, 8191, 8192, 2**31, 2**40, 2**55, 2**56, 2**60])
def test_counts_of_any_size_are_encoded(count: int) -> None:
    ours = LatencyHistogram(10**6)
    ours.counts[[0, 5, -1]] = count
    assert np.array_equal(LatencyHistogram.decode(ours.encode()).counts, ours.counts)
    assert HdrHistogram.decode(ours.encode()).get_count_at_value(5) == count


def test_an_empty_histogram_is_encoded() -> None:
    ours = LatencyHistogram()
    assert LatencyHistogram.decode(ours.encode()).count == 0
    assert HdrHistogram.decode(ours.encode()).get_total_count() == 0
    empty = HdrHistogram(1, DAY_NS, 3).encode().decode()
    assert LatencyHistogram.decode(empty).highest_ns == DAY_NS


@given(st.data())
def test_a_damaged_encoding_is_an_input_error(data: st.DataObject) -> None:
    text = LatencyHistogram().record(np.arange(0, 10**9, 10**6)).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from("Aa/+0=!é"))
    damaged = data.draw(st.sampled_from([text[:at], text[:at] + char + text[at + 1 :]]))
    try:
        histogram = LatencyHistogram.decode(damaged)
    except InputError:
        return
    assert np.array_equal(histogram.counts, LatencyHistogram.decode(text).counts)


def test_another_precision_is_refused() -> None:
    with pytest.raises(InputError, match="2 significant digits"):
        LatencyHistogram.decode(HdrHistogram(1, DAY_NS, 2).encode().decode())
    with pytest.raises(InputError, match="from 1000 upwards"):
        LatencyHistogram.decode(HdrHistogram(1000, DAY_NS, 3).encode().decode())
    with pytest.raises(InputError, match="is the most"):
        LatencyHistogram.decode(HdrHistogram(1, 2**60, 3).encode().decode())
    with pytest.raises(InputError, match="not a histogram"):
        LatencyHistogram.decode("HISTFAAAAB94nJNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAEARAtM=")
