"""A service compared with itself, while everything drifts; the full size is in the benchmarks."""

from __future__ import annotations

import numpy as np

from tests.experiments.simulated import false_alarms, latencies_ns, order_of, pairs_of

EXPERIMENTS = 20
BLOCKS = 12


def test_interleaved_blocks_find_no_difference_where_there_is_none() -> None:
    assert false_alarms(EXPERIMENTS, BLOCKS, seed=8) <= 2


def test_one_arm_after_the_other_calls_the_drift_a_difference() -> None:
    assert false_alarms(EXPERIMENTS, BLOCKS, seed=8, sequential=True) > EXPERIMENTS / 4


def test_the_simulated_service_drifts_and_depends_on_what_came_before() -> None:
    latency_ns = latencies_ns(np.random.default_rng(2), 40)
    medians = np.median(latency_ns, axis=1)
    assert medians.max() / medians.min() > 1.3
    flat = np.argsort(np.argsort(latency_ns[0]))
    assert np.corrcoef(flat[:-1], flat[1:])[0, 1] > 0.5
    pairs = pairs_of(latency_ns, order_of(20, 1))
    assert len(pairs) == 20
    assert all(run.verdict == "valid" for pair in pairs for run in pair)
