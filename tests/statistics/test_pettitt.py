"""Oracle: pyhomogeneity 1.1, whose results are typed in."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab.statistics.pettitt import pettitt
from tests.statistics.test_mann_kendall import chirp, remembering


def test_a_change_of_level_agrees_with_pyhomogeneity() -> None:
    values = chirp(60)
    values[25:] += 1
    found = pettitt(values)
    assert (found.index, found.statistic) == (28, 686)
    assert found.p_value == pytest.approx(5.211373929e-06)


def test_no_change_of_level_agrees_with_pyhomogeneity() -> None:
    found = pettitt(chirp(60))
    assert (found.index, found.statistic) == (32, 198)
    assert found.p_value == pytest.approx(0.6852302537)


def test_dependence_makes_a_change_less_significant() -> None:
    values = remembering(60)
    assert pettitt(values, dependent=True).p_value > pettitt(values).p_value


def test_equal_values_have_no_change() -> None:
    assert pettitt(np.ones(8)).p_value == 1
