"""How long a probe has to be, against a queue that grows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchlab.statistics.probe_length import (
    overload_resolution,
    overload_shows_after_s,
    relaxation_time_s,
)


@pytest.mark.parametrize(("overload", "ratio"), [(0.02, 0.99), (0.1, 0.9), (0.5, 0.5)])
def test_an_overload_breaks_the_limit_after_exactly_this_time(
    overload: float, ratio: float
) -> None:
    limit_s, service_s, capacity_rps = 0.1, 0.01, 100.0
    shows_s = overload_shows_after_s(limit_s, service_s, overload, ratio)
    rate_rps = capacity_rps * (1 + overload)
    for factor, breaks in ((0.9, False), (1.1, True)):
        arrived = np.arange(int(rate_rps * shows_s * factor)) / rate_rps
        done = np.maximum.accumulate(arrived - np.arange(len(arrived)) / capacity_rps)
        latency = done + np.arange(1, len(arrived) + 1) / capacity_rps - arrived
        assert (np.quantile(latency, ratio) > limit_s) == breaks


def test_the_resolution_is_the_overload_that_shows_in_time() -> None:
    shows_s = overload_shows_after_s(0.05, 0.02, 0.01, 0.99)
    assert overload_resolution(0.05, 0.02, 0.0, shows_s, 0.99) == pytest.approx(0.01)
    assert overload_resolution(0.05, 0.02, 1.0, shows_s, 0.99) < 0.01
    assert overload_resolution(0.02, 0.05, 1.0, shows_s, 0.99) == 0.0


def test_a_full_queue_never_relaxes() -> None:
    assert relaxation_time_s(100, 1.0) == math.inf
    assert relaxation_time_s(100, 0.5) < relaxation_time_s(100, 0.9)
