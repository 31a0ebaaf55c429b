"""The rule of verdicts, and what it can detect."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from benchlab.statistics.change import decide, detectable_difference, further_needed
from benchlab.statistics.estimates import Student, welch
from benchlab.statistics.signed_rank import SignedRank

MARGIN = math.log(1.02)


def effect(low: float, high: float) -> Student:
    """An effect whose 95 % interval is this, in ratios."""
    middle, half = math.log(low * high) / 2, math.log(high / low) / 2
    return Student(middle, half / float(t.ppf(0.975, 19)), 19)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.0201, 1.3, "slower"),
        (1.0199, 1.3, "inconclusive"),
        (0.7, 1 / 1.0201, "faster"),
        (0.7, 0.99, "inconclusive"),
        (0.99, 1.01, "same"),
        (1.001, 1.019, "same"),
        (0.9, 1.1, "inconclusive"),
    ],
)
def test_the_whole_interval_decides(low: float, high: float, verdict: str) -> None:
    claim = decide(effect(low, high), MARGIN, 0.95)
    assert claim.verdict == verdict
    assert (claim.p_value <= 0.05) == (verdict != "inconclusive")


def test_up_is_faster_for_a_rate() -> None:
    assert decide(effect(1.1, 1.2), MARGIN, 0.95, up_is="faster").verdict == "faster"
    assert decide(effect(0.8, 0.9), MARGIN, 0.95, up_is="faster").verdict == "slower"


def test_without_an_interval_nothing_is_concluded() -> None:
    assert decide(SignedRank([3.0] * 5), MARGIN, 0.95) == ("inconclusive", 1.0)


def test_the_detectable_difference_has_to_clear_the_margin() -> None:
    expected = MARGIN + (2.0930240544 + 0.8609506) * 0.08 / math.sqrt(20)  # t of 19 degrees
    assert detectable_difference(MARGIN, 0.08 / math.sqrt(20), 19, 0.95) == pytest.approx(expected)


def test_so_many_more_as_are_needed_make_the_estimate_detectable() -> None:
    def error_after(further: int) -> tuple[float, float]:
        return 0.08 / math.sqrt(20 + further), 19 + further

    needed = further_needed(0.05, MARGIN, error_after, 0.95)
    assert needed is not None
    assert detectable_difference(MARGIN, *error_after(needed), 0.95) <= 0.05
    assert detectable_difference(MARGIN, *error_after(needed - 1), 0.95) > 0.05
    assert further_needed(MARGIN, MARGIN, error_after, 0.95) is None
    assert further_needed(1.0, MARGIN, error_after, 0.95) == 1
    to_be_the_same = further_needed(0.0, MARGIN, error_after, 0.95)
    assert to_be_the_same is not None
    assert to_be_the_same > 20


def test_a_difference_of_the_detectable_size_is_found_in_four_of_five_experiments() -> None:
    rng, found, experiments = np.random.default_rng(77), 0, 400
    for _ in range(experiments):
        pilot = SignedRank(0.08 * rng.standard_t(5, 20))
        size = detectable_difference(MARGIN, pilot.deviation / math.sqrt(20), 19, 0.95)
        fresh = SignedRank(size + 0.08 * rng.standard_t(5, 20))
        found += decide(fresh, MARGIN, 0.95).verdict == "slower"
    assert 0.73 <= found / experiments <= 0.87


def test_ten_percent_are_found_in_twenty_blocks_that_deviate_by_eight() -> None:
    rng = np.random.default_rng(78)
    blocks = math.log(1.1) + 0.08 * rng.standard_normal((400, 20))
    verdicts = [decide(SignedRank(row), MARGIN, 0.95).verdict for row in blocks]
    assert verdicts.count("slower") >= 0.95 * len(verdicts)


@pytest.mark.parametrize(("base", "new"), [(3, 3), (5, 5), (3, 10)])
def test_independent_runs_that_are_the_same_are_rarely_called_different(
    base: int, new: int
) -> None:
    rng, wrong, experiments = np.random.default_rng(79), 0, 400
    for _ in range(experiments):
        sides = (0.05 * rng.standard_t(3, count) for count in (base, new))
        wrong += decide(welch(*sides), 0.0001, 0.95).verdict in ("faster", "slower")
    assert wrong <= 0.08 * experiments
