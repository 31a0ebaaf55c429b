"""What the counts of a run say about its latency."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from benchlab.analysis.attribution import attribution_of
from benchlab.errors import InvalidRunError
from benchlab.runs.latency_parts import AttributeCount, LatencyClass, LatencyParts, PartSum
from tests.plots.test_attribution import attribution


def counted(*attributes: AttributeCount, effective_ratio: float = 1.0) -> LatencyParts:
    """A run whose requests above p99 waited 9 ms more before the handler."""
    classes = []
    for number, count in enumerate((4_000, 1_000, 1_000, 3_000, 900, 90, 10)):
        wait_ns = 9_500_000 if number > 4 else 500_000
        sums = {
            "before_server": PartSum(count * wait_ns, count),
            "server": PartSum(count * 10**6, count),
        }
        latency_ns = count * (wait_ns + 10**6)
        classes.append(LatencyClass(count, latency_ns, count, latency_ns, count, sums=sums))
    return LatencyParts(
        run_id="0" * 16,
        name="orders",
        trace_ratio=1.0,
        classes=tuple(classes),
        thresholds_ns=(1, 2, 3, 4, 5, 6),
        attributes=attributes,
        tail_count=100,
        middle_count=2_000,
        traced_tail_count=100,
        traced_middle_count=2_000,
        effective_ratio=effective_ratio,
    )


def test_effects_add_up_to_the_difference_of_the_latencies() -> None:
    found = attribution()
    tail, middle = found.tail, found.middle
    assert tail is not None
    assert middle is not None
    assert (tail.count, middle.count) == (100, 2_000)
    effects = found.effects()
    assert math.isclose(sum(effects.values()), tail.split_mean_ns - middle.split_mean_ns)
    assert list(effects.values()) == sorted(effects.values(), reverse=True)
    for band in found.bands:
        assert math.isclose(sum(each.mean_ns for each in band.parts), band.split_mean_ns)
        gap = band.split_mean_ns - middle.split_mean_ns
        assert math.isclose(sum(found.effects(band).values()), gap, abs_tol=1e-6)


def test_one_sentence_says_where_slow_requests_wait_and_what_they_share() -> None:
    found = attribution_of(
        counted(
            AttributeCount("connection", "new", False, 91, 40),
            AttributeCount("connection", "reused", False, 9, 1_960),
        )
    )
    text = " ".join(str(found).split())
    assert (
        "Requests above p99 spend 90 % of their time waiting before the handler starts; 91 % of"
        " them opened a connection, 2.0 % at p40–60." in text
    )
    json.dumps(found.to_dict())
    assert set(found.to_pandas()["part"]) == {
        "network and queue before the handler",
        "the server itself",
    }


def test_an_attribute_counts_only_if_it_is_certain_and_matters() -> None:
    large = AttributeCount("zone", "a", True, 60, 200)
    chance = AttributeCount("pod", "b", True, 22, 320)
    small = AttributeCount("route", "/c", True, 4, 2)  # certain, and 4 points
    everyone = AttributeCount("service", "d", True, 100, 2_000)
    found = attribution_of(counted(large, chance, small, everyone))
    assert [each.attribute for each in found.attributes] == ["zone"]
    assert found.tested_count == 3
    # In a burst, a hundred requests are worth a few independent ones.
    assert attribution_of(counted(large, effective_ratio=0.01)).attributes == ()
    assert attribution_of(counted(large, effective_ratio=0.0)).attributes == ()


def test_attributes_that_say_nothing_are_rarely_named() -> None:
    """Holm's correction: of 200 runs with 30 values each, at most 16 name one by chance."""
    rng = np.random.default_rng(31)
    named = 0
    for _ in range(200):
        shares = rng.uniform(0.05, 0.95, 30)
        attributes = [
            AttributeCount(
                f"{at}", "x", True, int(rng.binomial(100, p)), int(rng.binomial(2_000, p))
            )
            for at, p in enumerate(shares)
        ]
        named += bool(attribution_of(counted(*attributes)).attributes)
    assert named <= 16


def test_a_run_that_is_not_valid_is_refused_unless_forced() -> None:
    invalid = replace(counted(), verdict="invalid", invalid_reason="it fell behind")
    with pytest.raises(InvalidRunError, match="it fell behind"):
        attribution_of(invalid)
    assert attribution_of(invalid, force=True).count == 10_000
    assert attribution_of(replace(invalid, verdict="imported")).count == 10_000


def test_bands_that_no_request_is_in_are_left_out() -> None:
    few = LatencyClass(5, 50, 5, 50, sums={"lag": PartSum(50, 5)})
    none = LatencyClass()
    found = attribution_of(
        LatencyParts(
            run_id="0" * 16,
            name="few",
            classes=(few, few, few, few, few, none, none),
            thresholds_ns=(1, 2, 3, 4, 5, 5),
            tail_ratio=0.9,
        )
    )
    assert [band.label for band in found.bands] == ["p0–50", "p50–90", "p90–99"]
    assert found.to_dict()["middle"]["count"] == 10
