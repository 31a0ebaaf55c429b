from __future__ import annotations

import pytest
from scipy import stats

from benchlab.statistics.student import student_quantile


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 15, 16, 31, 60, 999])
def test_quantiles_are_those_of_scipy(degrees: int) -> None:
    for probability in (0.001, 0.05, 0.4, 0.5, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9999):
        expected = float(stats.t.ppf(probability, degrees))
        assert student_quantile(probability, degrees) == pytest.approx(expected, 1e-8, 1e-8)


def test_quantiles_are_those_of_a_printed_table() -> None:
    """Abramowitz and Stegun, table 26.10."""
    assert round(student_quantile(0.975, 15), 3) == 2.131
    assert round(student_quantile(0.975, 1), 3) == 12.706
    assert round(student_quantile(0.95, 30), 3) == 1.697
