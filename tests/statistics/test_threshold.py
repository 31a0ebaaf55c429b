"""The threshold: found in spite of probes that mislead."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchlab.statistics.threshold import Evidence, Threshold


def test_without_evidence_every_rate_is_as_likely() -> None:
    threshold = Threshold(10, 1000)
    assert threshold.quantile(0.5) == pytest.approx(100, rel=0.01)
    assert threshold.below(100) == pytest.approx(0.5, abs=0.01)
    assert threshold.below(1) == 0.0


def test_good_and_bad_probes_bracket_it() -> None:
    threshold = Threshold(
        10, 1000, [*[Evidence(90, 1.0)] * 3, *[Evidence(110, 0.0)] * 6, Evidence(50, 1.0)]
    )
    assert 85 < threshold.quantile(0.025) < threshold.quantile(0.975) < 115


def test_a_probe_that_says_nothing_changes_nothing() -> None:
    assert Threshold(10, 1000, [Evidence(100, 0.5)]).quantile(0.3) == Threshold(10, 1000).quantile(
        0.3
    )


def test_one_bad_probe_excludes_nothing_for_ever() -> None:
    spoiled = [Evidence(50, 0.0)]
    assert Threshold(10, 1000, spoiled).below(50) > 0.5
    good = [Evidence(rate, 1.0) for rate in (45, 55, 60)]
    assert Threshold(10, 1000, spoiled + good).below(50) < 0.05


def test_the_interval_covers_the_threshold_when_one_probe_in_five_is_spoiled() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(25):
        true = math.exp(rng.uniform(math.log(30), math.log(600)))
        made: list[Evidence] = []
        for _ in range(25):
            rates = Threshold(10, 2000, made).informative_rates()
            rate = float(rng.choice(rates))
            good = rate < true and rng.random() > 0.2
            made.append(Evidence(rate, float(good)))
        final = Threshold(10, 2000, made)
        covered += final.quantile(0.025) <= true <= final.quantile(0.975)
    assert covered >= 22


def test_a_probe_is_most_informative_where_the_threshold_may_be() -> None:
    made = [Evidence(90, 1.0)] * 3 + [Evidence(110, 0.0)] * 4
    assert all(80 < rate < 125 for rate in Threshold(10, 1000, made).informative_rates())
