"""Coverage of percentile intervals over 1,000 seeds, beside intervals that assume independence."""

from __future__ import annotations

import statistics

import pytest

from tests.benchmarks.table import show
from tests.statistics.coverage import Coverage, coverage
from tests.statistics.dependent import AutoRegression, Queue

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

SEEDS = [(20_261_128, number) for number in range(1_000)]

ABOVE: list[tuple[Queue | AutoRegression, int]] = [
    (Queue(0.5), 50_000),
    (Queue(0.8), 400_000),
    (Queue(0.9), 1_000_000),
    *(
        (AutoRegression(coefficient, tail), 20_000)
        for coefficient in (0.5, 0.7, 0.9)
        for tail in ("exponential", "pareto")
    ),
]
"""With so many requests, n_eff is well above the floor of p99."""

BELOW: list[tuple[Queue | AutoRegression, int, float]] = [
    (Queue(0.5), 2_500, 0.99),
    (Queue(0.5), 5_000, 0.99),
    (Queue(0.5), 50_000, 0.999),
    (Queue(0.8), 25_000, 0.99),
    (Queue(0.8), 50_000, 0.99),
    (Queue(0.9), 120_000, 0.99),
    (Queue(0.9), 120_000, 0.999),
    (AutoRegression(0.9, "exponential"), 3_200, 0.99),
    (AutoRegression(0.9, "pareto"), 3_200, 0.999),
]
"""With so many, some or all runs have n_eff below the floor, and only a lower bound."""


def test_two_sided_intervals_hold() -> None:
    rows, ratios = [], []
    for process, count in ABOVE:
        batch = count / 32 / process.relaxation_requests
        assert batch >= 10
        for ratio, cell in coverage(process, count, [0.5, 0.9, 0.99], SEEDS).items():
            assert cell.two_sided == len(SEEDS)
            ratios.append(cell.two_sided_ratio)
            rows.append(
                [
                    *_row(process, count, f"{batch:.0f}", ratio, cell),
                    f"{cell.two_sided_ratio:.1%}",
                    f"{cell.as_if_independent_ratio:.1%}",
                ]
            )
    show(
        f"Coverage of 95 % intervals over {len(SEEDS):,} seeds;"
        f" {statistics.mean(ratios):.1%} on average",
        ["process", "requests", "batch", "percentile", "n_eff", "covered", "as if independent"],
        rows,
        "batch: its length in relaxation times; n_eff: the median",
    )
    assert min(ratios) >= 0.93
    assert 0.94 <= statistics.mean(ratios) <= 0.97


def test_lower_bounds_hold_below_the_floor() -> None:
    rows, ratios = [], []
    for process, count, ratio in BELOW:
        batch = count / 32 / process.relaxation_requests
        assert batch >= 10
        cell = coverage(process, count, [ratio], SEEDS)[ratio]
        ratios.append(cell.one_sided_ratio)
        rows.append(
            [
                *_row(process, count, f"{batch:.0f}", ratio, cell),
                f"{cell.one_sided:,}",
                f"{cell.one_sided_ratio:.1%}",
                f"{cell.two_sided_ratio:.1%}" if cell.two_sided else "–",
            ]
        )
    show(
        f"Coverage of lower bounds where n_eff is below the floor, of {len(SEEDS):,} seeds",
        ["process", "requests", "batch", "percentile", "n_eff", "runs below", "hold", "above hold"],
        rows,
        "above hold: two-sided intervals of the other runs, whose n_eff came out above the floor",
    )
    assert min(ratios) >= 0.93


def _row(
    process: Queue | AutoRegression, count: int, batch: str, ratio: float, cell: Coverage
) -> list[str]:
    return [
        str(process),
        f"{count:,}",
        batch,
        f"p{ratio * 100:g}",
        f"{statistics.median(cell.n_effs):,.0f}",
    ]
