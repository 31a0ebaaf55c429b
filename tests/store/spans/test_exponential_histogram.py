from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.store.spans.exponential_histogram import ExponentialHistogram, add


def index(value: float, scale: int) -> int:
    """The bucket that holds ``value``, as the specification has it."""
    return int(np.ceil(np.log2(value) * 2.0**scale)) - 1


def of_values(values: list[float], scale: int) -> ExponentialHistogram:
    places = [index(value, scale) for value in values]
    counts = np.bincount(np.array(places) - min(places)).tolist()
    return ExponentialHistogram.of(scale, min(places), counts, 0)


# Not near the bounds of a bucket, where the logarithm may round either way.
VALUES = st.lists(st.floats(1e-4, 100).map(lambda value: round(value, 6) + 3e-7), min_size=1)


@given(VALUES, st.integers(-3, 8), st.integers(0, 6))
def test_lowering_the_scale_matches_bucketing_at_that_scale(
    values: list[float], scale: int, lower: int
) -> None:
    merged = of_values(values, scale).at(scale - lower)
    direct = of_values(values, scale - lower)
    assert (merged.scale, merged.offset) == (direct.scale, direct.offset)
    np.testing.assert_array_equal(merged.counts, direct.counts)


@given(VALUES, VALUES, st.integers(-3, 8), st.integers(-3, 8))
def test_a_sum_has_every_value_in_its_bucket(
    some: list[float], others: list[float], scale: int, other_scale: int
) -> None:
    one, other = of_values(some, scale), of_values(others, other_scale)
    total = add([(1, one), (1, other)])
    assert total is not None
    assert total.count == len(some) + len(others)
    counts, _ = np.histogram([*some, *others], total.edges)
    np.testing.assert_array_equal(counts, total.counts)
    rest = add([(1, total), (-1, other)])
    assert rest is not None
    assert rest.count == len(some)


def test_negative_counts_become_zero() -> None:
    one = ExponentialHistogram.of(0, 3, [1, 2], 1)
    rest = add([(1, one), (-1, ExponentialHistogram.of(0, 4, [5], 4))])
    assert rest is not None
    assert (rest.offset, rest.counts.tolist(), rest.zero_count) == (3, [1, 0], 0)


def test_the_sum_of_no_histograms() -> None:
    assert add([]) is None
    empty = add([(1, ExponentialHistogram.of(20, 0, [], 2))])
    assert empty is not None
    assert (empty.count, len(empty.counts)) == (2, 0)


def test_buckets_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="scale 1 has no buckets of scale 2"):
        ExponentialHistogram.of(1, 0, [1], 0).at(2)
