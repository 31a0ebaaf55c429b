"""Holm's correction, with a published example."""

from __future__ import annotations

import pytest

from benchlab.statistics.holm import holm


def test_the_example_of_r() -> None:
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") of R's stats package
    expected = [0.05, 0.08, 0.09, 0.09, 0.09]
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx(expected)


def test_order_is_kept_and_none_exceeds_one() -> None:
    assert holm([1.0, 0.001, 0.6]) == pytest.approx([1.0, 0.003, 1.0])
    assert holm([]) == []
