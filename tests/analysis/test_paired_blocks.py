"""Comparisons of interleaved blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchlab.analysis.paired_blocks import compare_pairs
from benchlab.errors import InputError, InvalidRunError
from benchlab.statistics.signed_rank import SignedRank
from tests.analysis.compared import latencies_ms, pairs_of, timed_run


def test_the_ratio_of_blocks_is_that_of_hodges_and_lehmann() -> None:
    pairs = pairs_of(1, ratio=1.1)
    found = compare_pairs(pairs)
    medians = [
        (base.summary.latency_ns.p50, new.summary.latency_ns.p50)
        for base, new in pairs
        if base.summary.latency_ns and new.summary.latency_ns
    ]
    effect = SignedRank([math.log(new / base) for base, new in medians])
    low, high = effect.interval(0.95) or (0.0, 0.0)
    p50 = found.metrics["p50"]
    assert (p50.ratio, p50.ratio_low, p50.ratio_high) == pytest.approx(
        (math.exp(effect.estimate), math.exp(low), math.exp(high))
    )
    assert p50.base == pytest.approx(
        math.exp(SignedRank([math.log(base) for base, _ in medians]).estimate)
    )
    assert found.design == "paired_blocks"
    assert found.base == tuple(base.id for base, _ in pairs)
    assert found.new == tuple(new.id for _, new in pairs)


def test_blocks_that_are_fast_or_slow_have_sides_that_fit_the_ratio() -> None:
    # Half of the blocks take 10 ms and half 20: the medians of the sides differ by a factor of 2.
    levels = np.repeat([10.0, 20.0], [11, 9]), 1.1 * np.repeat([10.0, 20.0], [9, 11])
    pairs = [
        (timed_run(2 * i + 1, [base] * 20), timed_run(2 * i + 2, [new] * 20))
        for i, (base, new) in enumerate(zip(*levels, strict=True))
    ]
    p50 = compare_pairs(pairs).metrics["p50"]
    assert p50.ratio
    assert p50.base
    assert p50.new
    assert p50.ratio == pytest.approx(1.1)
    assert p50.new / p50.base == pytest.approx(1.1, rel=0.15)


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.2, "slower"), (1 / 1.2, "faster"), (1.0, "same")]
)
def test_a_drift_that_affects_both_sides_does_not_hide_a_change(ratio: float, verdict: str) -> None:
    spread = 0.05 if verdict == "same" else 0.3
    assert compare_pairs(pairs_of(2, ratio=ratio, spread=spread)).verdict == verdict


def test_a_small_change_in_noise_is_inconclusive_and_says_how_much_is_missing() -> None:
    p50 = compare_pairs(pairs_of(3, count=8, ratio=1.03)).metrics["p50"]
    assert p50.verdict == "inconclusive"
    assert p50.needed is None or p50.needed > 0
    assert p50.detectable_ratio
    assert p50.detectable_ratio > 1.02


def test_a_tail_that_blocks_are_too_small_for_is_pooled() -> None:
    found = compare_pairs(pairs_of(4, ratio=1.5))  # 200 requests per block: 2 above the p99
    pooled = [
        np.sort(np.concatenate([pair[side].measured.latency_ns for pair in pairs_of(4, ratio=1.5)]))
        for side in (0, 1)
    ]
    p99 = found.metrics["p99"]
    assert (p99.base, p99.new) == tuple(ordered[int(0.99 * 4000)] for ordered in pooled)
    assert p99.verdict == "slower"
    assert p99.ratio_low
    assert 1.02 < p99.ratio_low < 1.5


def test_a_tail_beyond_the_data_has_no_interval_but_says_how_many_blocks_it_takes() -> None:
    rng = np.random.default_rng(5)
    pairs = [
        (timed_run(2 * i, latencies_ms(rng, 20)), timed_run(2 * i + 1, latencies_ms(rng, 20)))
        for i in range(1, 11)
    ]
    p99 = compare_pairs(pairs).metrics["p99"]  # 200 requests of 1,000
    assert (p99.ratio_low, p99.verdict, p99.needed) == (None, "inconclusive", 40)
    p99 = compare_pairs(pairs[:4]).metrics["p99"]
    assert (p99.ratio, p99.base) == (None, None)


def test_too_few_blocks_have_no_interval_and_the_smallest_p_value_is_named() -> None:
    found = compare_pairs(pairs_of(6, count=4, ratio=3.0))
    p50 = found.metrics["p50"]
    assert (p50.ratio_low, p50.verdict, p50.needed, p50.p_value) == (None, "inconclusive", 2, 0.125)
    assert "the smallest possible p-value is 0.125" in found.warnings[0]


def test_a_side_that_fails_fast_is_slower() -> None:
    pairs = pairs_of(7, ratio=0.1, failed=np.arange(200) % 10 == 0)
    found = compare_pairs(pairs)
    assert (found.verdict, found.reason) == ("slower", "errors")
    assert found.metrics["p50"].verdict == "faster"
    assert found.errors.difference == pytest.approx(0.1)
    assert any("fail fast" in warning for warning in found.warnings)


def test_errors_in_one_block_of_many_are_not_a_difference() -> None:
    rng = np.random.default_rng(8)
    pairs = pairs_of(8)
    failing = timed_run(99, latencies_ms(rng), failed=np.arange(200) < 5)
    found = compare_pairs([*pairs[:-1], (pairs[-1][0], failing)])
    assert found.errors.verdict != "slower"
    assert found.reason is None


def test_blocks_that_all_failed_are_slower_and_undefined_ratios_are_none() -> None:
    pairs = [(timed_run(1, [10.0] * 20), timed_run(2, [0.0] * 20, failed=True))] * 6
    found = compare_pairs(pairs)
    assert (found.verdict, found.errors.new) == ("slower", 1.0)
    p50 = found.metrics["p50"]
    assert (p50.ratio, p50.base, p50.new, p50.verdict) == (None, 1e7, 0, "inconclusive")
    assert found.to_dict()["metrics"]["p50"]["needed"] is None


def test_the_other_metrics_have_to_pass_holms_correction() -> None:
    for seed in range(30):
        found = compare_pairs(pairs_of(seed, count=6, ratio=1.09, spread=0.2), primary="mean")
        below = [
            item for item in found.metrics.values() if (item.ratio_low or 0) > 1.02
        ]  # 6 blocks: the smallest p-value is 0.031, and four metrics want 0.0125
        if any(item.metric not in ("mean", "rate_rps") for item in below):
            break
    assert found.metrics["p50"].verdict == "inconclusive"
    assert (found.metrics["p50"].needed or 0) >= 2  # 8 blocks: 0.0078
    assert any("Holm" in warning for warning in found.warnings)


def test_invalid_blocks_are_refused_unless_forced() -> None:
    pairs = [(timed_run(1, [10.0] * 20), timed_run(2, [10.0] * 20, lag_ns=15_000_000))] * 6
    with pytest.raises(InvalidRunError, match="fell behind its schedule"):
        compare_pairs(pairs)
    found = compare_pairs(pairs, force=True)
    assert any("fell behind its schedule" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("options", "field"),
    [({"primary": "p75"}, "metric"), ({"threshold": 0.0}, "threshold"), ({"level": 1.0}, "level")],
)
def test_settings_are_checked(options: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        compare_pairs(pairs_of(1, count=1), **options)  # type: ignore[arg-type]
    assert caught.value.field == field
    with pytest.raises(InputError, match="at least one pair"):
        compare_pairs([])
