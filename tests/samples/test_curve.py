from __future__ import annotations

import numpy as np
import pytest

from benchlab.samples.curve import values_at
from tests.runs.synthetic import make_run
from tests.samples.long import as_if_long


@pytest.mark.parametrize("name", ["latency_ns", "service_ns", "lag_ns"])
def test_values_by_rank_are_exact_or_within_a_thousandth(name: str) -> None:
    samples = make_run(stall=True).samples
    ordered = np.sort(getattr(samples, name))
    ranks = np.array([0, 1, 10, 550, 1089, 1098, 1099])
    assert np.array_equal(values_at(samples.in_blocks(name), 1100, ranks), ordered[ranks])
    with as_if_long():
        found = values_at(samples.in_blocks(name), 1100, ranks)
    assert found[[0, -1]].tolist() == ordered[[0, -1]].tolist()
    assert (found >= ordered[ranks]).all()
    assert found == pytest.approx(ordered[ranks], rel=1e-3)


def test_durations_below_zero_count_as_zero() -> None:
    values = [np.array([-5, 3, 7])]
    assert values_at(values, 3, np.arange(3)).tolist() == [0, 3, 7]
    with as_if_long(2):
        assert values_at(values, 3, np.arange(3)).tolist() == [0, 3, 7]
