"""The falling curve, and its interval over probes."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.statistics.falling_curve import falling_curve


def test_violators_are_pooled_by_weight() -> None:
    rates, ones = np.array([1.0, 2.0, 3.0]), np.ones(3)
    rows = falling_curve(rates, np.array([1.0, 0.4, 0.6]), ones)
    assert [row[1] for row in rows] == pytest.approx([1.0, 0.5, 0.5])
    rows = falling_curve(rates, np.array([1.0, 0.4, 0.6]), np.array([1.0, 3.0, 1.0]))
    assert [row[1] for row in rows] == pytest.approx([1.0, 0.45, 0.45])


def test_probes_at_one_rate_are_one_point() -> None:
    rows = falling_curve(np.array([5.0, 5.0]), np.array([1.0, 0.5]), np.ones(2))
    assert len(rows) == 1
    rate, share, low, high = rows[0]
    assert (rate, share) == (5.0, 0.75)
    assert low == pytest.approx(0.5)
    assert high == pytest.approx(1.0)


def test_the_interval_of_a_share_that_all_probes_agree_on_is_narrow() -> None:
    rates = np.repeat([10.0, 20.0, 40.0], 8)
    shares = np.repeat([1.0, 0.99, 0.2], 8)
    for (_, fitted, low, high), expected in zip(
        falling_curve(rates, shares, np.ones(24)), (1.0, 0.99, 0.2), strict=True
    ):
        assert low == pytest.approx(fitted) == pytest.approx(high) == pytest.approx(expected)


def test_no_probes_have_no_curve() -> None:
    assert falling_curve(np.array([]), np.array([]), np.array([])) == []
