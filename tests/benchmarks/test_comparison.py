"""Comparisons of simulated runs: false alarms, coverage, and what is found of what is there."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchlab.analysis.comparison import Comparison
from benchlab.analysis.independent_runs import compare_runs
from benchlab.analysis.paired_blocks import compare_pairs
from benchlab.statistics.change import decide, detectable_difference
from benchlab.statistics.estimates import Student, pooled_difference, welch
from benchlab.statistics.signed_rank import SignedRank
from tests.analysis.compared import statistics_of, timed_run
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

MARGIN = math.log(1.02)
SIMULATED = 200
MOST_FALSE = 16  # of 200 at 5 %: more has a probability of 3 %
FRESH = 1_000
SPREAD = 0.05  # between runs

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def _correlated(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    found = np.empty(count)
    level = rng.standard_normal()
    for index in range(count):
        level = 0.5 * level + math.sqrt(0.75) * rng.standard_normal()
        found[index] = level
    return found


DRAWS: dict[str, Draw] = {
    "normal": lambda rng, count: rng.standard_normal(count),
    "t of 3 degrees": lambda rng, count: rng.standard_t(3, count) / math.sqrt(3),
    "exponential": lambda rng, count: rng.exponential(size=count) - 1,
    "correlated, φ = 0.5": _correlated,
}
"""How runs differ from run to run, with a standard deviation of 1."""

SYMMETRIC: dict[str, Draw] = {
    "normal": DRAWS["normal"],
    "t of 5 degrees": lambda rng, count: rng.standard_t(5, count) / math.sqrt(5 / 3),
    "Laplace": lambda rng, count: rng.laplace(size=count) / math.sqrt(2),
}
"""How the differences of blocks differ: symmetric, since either side may be first."""


def _compared(values: NDArray[np.float64], base: int, new: int) -> Comparison:
    """Runs in the order in which they were made: a history, the base, the new side."""
    runs = [statistics_of(index, 1e7 * math.exp(value)) for index, value in enumerate(values)]
    split = len(runs) - new
    history, olds, news = runs[: split - base], runs[split - base : split], runs[split:]
    return compare_runs(olds, news, history=history, threshold=1e-6)


@pytest.mark.parametrize(
    ("history", "base", "new"),
    [(0, 3, 3), (0, 5, 5), (0, 10, 10), (0, 10, 1), (10, 1, 1), (30, 1, 1)],
)
def test_runs_of_one_service_do_not_differ(history: int, base: int, new: int) -> None:
    rows = []
    for seed, (name, draw) in enumerate(DRAWS.items()):
        rng = np.random.default_rng(31_000 + seed)
        found = [
            _compared(SPREAD * draw(rng, history + base + new), base, new) for _ in range(SIMULATED)
        ]
        called = sum(result.verdict in ("faster", "slower") for result in found)
        beyond = sum(_differs_by(result, MARGIN) for result in found)
        rows.append((name, str(called), str(beyond)))
    show(
        f"False alarms of {SIMULATED} comparisons of {base} and {new} runs, history {history}",
        ["runs differ by", "any difference", "threshold of 2 %"],
        rows,
        note="consecutive runs that are correlated are not independent: two lists made one after"
        " the other differ by their drift",
    )
    independent = rows[:-1]
    assert max(int(beyond) for _, _, beyond in independent) <= MOST_FALSE


def _differs_by(result: Comparison, margin: float) -> bool:
    p50 = result.metrics["p50"]
    return (p50.ratio_low or 0.0) > math.exp(margin) or (p50.ratio_high or 2.0) < math.exp(-margin)


def test_two_single_runs_are_never_called_without_a_history() -> None:
    rng = np.random.default_rng(32_000)
    found = [_compared(rng.standard_normal(2), 1, 1).verdict for _ in range(SIMULATED)]
    assert set(found) == {"inconclusive"}


def test_an_effect_of_the_detectable_size_is_found_in_four_of_five_experiments() -> None:
    rows = []
    for seed, (name, draw) in enumerate(SYMMETRIC.items()):
        rng = np.random.default_rng(33_000 + seed)
        found = 0
        for _ in range(FRESH):
            pilot = SignedRank(0.08 * draw(rng, 20))
            size = detectable_difference(MARGIN, pilot.deviation / math.sqrt(20), 19, 0.95)
            fresh = SignedRank(size + 0.08 * draw(rng, 20))
            found += decide(fresh, MARGIN, 0.95).verdict == "slower"
        rows.append((name, f"{found / FRESH:.1%}"))
        assert 0.73 <= found / FRESH <= 0.87
    show(
        f"Found of {FRESH} effects of the detectable size, 20 blocks",
        ["blocks differ by", "found"],
        rows,
    )


def test_ten_percent_are_found_in_twenty_blocks_that_deviate_by_eight_percent() -> None:
    rows = []
    for seed, (name, draw) in enumerate(SYMMETRIC.items()):
        rng = np.random.default_rng(34_000 + seed)
        effects = [SignedRank(math.log(1.1) + 0.08 * draw(rng, 20)) for _ in range(FRESH)]
        found = sum(decide(effect, MARGIN, 0.95).verdict == "slower" for effect in effects)
        rows.append((name, f"{found / FRESH:.1%}"))
        assert found >= 0.95 * FRESH
    show(
        f"Found of {FRESH} effects of 10 %, 20 blocks, s = 8 %", ["blocks differ by", "found"], rows
    )


def test_what_independent_runs_find_of_the_detectable_size() -> None:
    rows = []
    designs: list[tuple[str, Callable[..., Student], int]] = [
        *(("lists of", welch, count) for count in (3, 5, 10)),
        *(("two, and a history of", _single, count) for count in (10, 30)),
    ]
    for name, effect, count in designs:
        rng = np.random.default_rng(35_000 + count)
        found = covered = 0
        for _ in range(FRESH):
            pilot = effect(*SPREAD * rng.standard_normal((2, count + (effect is _single))))
            size = detectable_difference(MARGIN, pilot.error, pilot.freedom, 0.95)
            base, new = SPREAD * rng.standard_normal((2, count + (effect is _single)))
            fresh = effect(base, new + size)
            low, high = fresh.interval(0.95)
            found += low > MARGIN
            covered += low <= size <= high
        rows.append((f"{name} {count}", f"{found / FRESH:.1%}", f"{covered / FRESH:.1%}"))
        assert covered >= 0.935 * FRESH
        assert found >= 0.6 * FRESH
    show(
        f"Found of {FRESH} effects of the detectable size, independent runs",
        ["runs", "found", "interval covers"],
        rows,
    )


def _single(base: NDArray[np.float64], new: NDArray[np.float64]) -> Student:
    """Two single runs, and the others as their history."""
    return pooled_difference(base[:1], new[:1], base[1:])


@pytest.mark.parametrize("requests", [50, 100, 200])
def test_tails_of_blocks_that_are_too_small_for_them_do_not_differ(requests: int) -> None:
    rng = np.random.default_rng(36_000 + requests)
    called = beyond = 0
    for _ in range(SIMULATED):
        levels = np.exp(0.2 * rng.standard_normal((20, 1, 1)))
        values = 10 * levels * np.exp(0.5 * rng.standard_t(4, (20, 2, requests)))
        pairs = [
            (timed_run(2 * i + 1, base), timed_run(2 * i + 2, new))
            for i, (base, new) in enumerate(values)
        ]
        found = compare_pairs(pairs, primary="p99")
        called += found.verdict in ("faster", "slower")
        p99 = found.metrics["p99"]
        beyond += (p99.ratio_low or 0.0) > 1 or (p99.ratio_high or 2.0) < 1
    show(
        f"False alarms on p99 of {SIMULATED} experiments of 20 blocks of {requests} requests",
        ["any difference", "threshold of 2 %"],
        [(str(beyond), str(called))],
    )
    assert max(called, beyond) <= MOST_FALSE
