"""A/B experiments: how often they call a difference where there is none, and where there is one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import benchlab as bl
from benchlab.bundled import start_target
from benchlab.calibration.latency_server import hold_path
from benchlab.calibration.latency_server_process import start_latency_server
from benchlab.units import NS_PER_MS
from tests.benchmarks.table import show
from tests.experiments.simulated import false_alarms

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

SIMULATED = 200
MOST_FALSE = 16  # of 200 at 5 %: more has a probability of 3 %
REAL, MOST_FALSE_REAL = 30, 4


@pytest.mark.parametrize("phi", [0.0, 0.9, 0.98])
def test_simulated_services_do_not_differ_from_themselves(phi: float) -> None:
    seed = 7_000 + round(100 * phi)
    called = false_alarms(SIMULATED, 20, seed, phi=phi)
    without_threshold = false_alarms(SIMULATED, 20, seed, phi=phi, threshold=1e-9)
    sequential = false_alarms(SIMULATED, 20, seed, phi=phi, sequential=True)
    show(
        f"False alarms of {SIMULATED} simulated A/A experiments of 20 blocks, φ = {phi:g}",
        ["interleaved", "interleaved, any size of difference", "one arm after the other"],
        [(str(called), str(without_threshold), str(sequential))],
    )
    assert called <= MOST_FALSE
    assert without_threshold <= MOST_FALSE
    assert sequential > MOST_FALSE


def test_the_bundled_service_does_not_differ_from_itself() -> None:
    with start_target() as target:
        plan = bl.Plan(bl.Request("GET", f"{target.url}/health"), bl.PoissonRate(200))
        begun = time.perf_counter()
        results = [
            bl.ab(plan, plan, blocks=12, block_s=0.4, washout_s=0.1, seed=seed, save=False)
            for seed in range(500, 500 + REAL)
        ]
        taken_s = (time.perf_counter() - begun) / (REAL * 12)
    called = sum(result.verdict in ("faster", "slower") for result in results)
    intervals = [
        (result.metrics["p50"].ratio_low or 0.0, result.metrics["p50"].ratio_high or 0.0)
        for result in results
    ]
    outside = sum(low > 1 or high < 1 for low, high in intervals)
    show(
        f"{REAL} A/A experiments with the bundled service, 12 blocks of 2 × 0.4 s",
        ["difference called", "interval without 1", "s per block beyond its load"],
        [(str(called), str(outside), f"{taken_s - 1.0:.2f}")],
    )
    assert called <= MOST_FALSE_REAL


def test_a_median_that_is_10_percent_slower_is_called(tmp_path: Path) -> None:
    with start_latency_server(tmp_path / "holds") as server:
        plans = [
            bl.Plan(bl.Request("GET", server.url + hold_path(hold_ns)), bl.PoissonRate(100))
            for hold_ns in (20 * NS_PER_MS, 22 * NS_PER_MS)
        ]
        result = bl.ab(plans[0], plans[1], block_s=0.5, washout_s=0.1, seed=77, save=False)
    p50 = result.metrics["p50"]
    show(
        "A median of 20 ms against one of 22 ms, 20 blocks of 2 × 0.5 s",
        ["verdict", "ratio", "from", "to", "detectable"],
        [
            (
                result.verdict,
                *(
                    f"{value:.4f}" if value is not None else "–"
                    for value in (p50.ratio, p50.ratio_low, p50.ratio_high, p50.detectable_ratio)
                ),
            )
        ],
    )
    assert result.verdict == "slower"
