from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchlab.samples import percentiles
from benchlab.samples.percentiles import (
    Extent,
    exact_percentile,
    exact_percentiles,
    percentile_by_group,
    percentile_of,
)
from tests.samples.long import as_if_long

INT64 = np.iinfo(np.int64)
values = arrays(
    np.int64,
    st.integers(1, 200),
    elements=st.one_of(
        st.integers(0, 5), st.integers(-(10**12), 10**12), st.integers(INT64.min, INT64.max)
    ),
)
ratios = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(values, ratios, st.integers(1, 50))
def test_percentiles_of_many_values_are_those_of_the_sorted_values(
    values_ns: np.ndarray, wanted: list[float], length: int
) -> None:
    blocks = [values_ns[start : start + length] for start in range(0, len(values_ns), length)]
    extent = Extent.of(blocks)
    assert extent is not None
    assert extent == Extent(
        len(values_ns), values_ns.min(), values_ns.max(), sum(values_ns.tolist())
    )
    expected = [exact_percentile(np.sort(values_ns), ratio) for ratio in wanted]
    assert exact_percentiles(blocks, extent, wanted) == expected
    with as_if_long(0):
        assert exact_percentiles(blocks, extent, wanted) == expected


@pytest.mark.parametrize("tail_ns", [0, 10**9, 60 * 10**9])
def test_a_million_durations_with_and_without_a_tail(
    tail_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(percentiles, "_MOST_SORTED", 1000)
    rng = np.random.default_rng(1)
    latency_ns = rng.lognormal(14, 0.5, 1_000_000).astype(np.int64)
    latency_ns[:3] += tail_ns
    wanted = [0.0, 0.5, 0.9, 0.99, 0.999, 0.999999, 1.0]
    blocks = np.array_split(latency_ns, 10)
    extent = Extent.of(blocks)
    assert extent is not None
    ordered = np.sort(latency_ns)
    assert exact_percentiles(blocks, extent, wanted) == [
        exact_percentile(ordered, ratio) for ratio in wanted
    ]
    assert extent.total == sum(latency_ns.tolist())


def test_no_values_have_no_percentile() -> None:
    assert Extent.of([np.empty(0, dtype=np.int64)]) is None
    assert percentile_of([], 0.5) is None


@given(values, st.floats(0, 1), st.integers(1, 5), st.integers(1, 50))
def test_percentiles_by_group_are_those_of_each_group(
    values_ns: np.ndarray, ratio: float, group_count: int, length: int
) -> None:
    group = np.arange(len(values_ns)) ** 2 % group_count  # not all of them have values
    starts = range(0, len(values_ns), length)
    found = percentile_by_group(
        [group[start : start + length] for start in starts],
        [values_ns[start : start + length] for start in starts],
        group_count,
        ratio,
    )
    assert found == [
        percentile_of([values_ns[group == each]], ratio) for each in range(group_count)
    ]
