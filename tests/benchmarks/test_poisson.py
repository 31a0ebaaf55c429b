"""Random arrivals are as random at the service as they should be.

The gaps between arrivals at a service of ours, held against the exponential distribution. The rate
is one at which gaps that are too short for a generator to send twice within are rare: at 20,000
requests/s a third of all gaps would be shorter than what a request costs on any one core. One core
cannot send closer than some 25 µs; at 500 requests/s that is 1.3 % of the gaps, which 20,000 of
them already show (D = 0.013, p = 0.002), at 200 requests/s it is 0.5 %.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import benchlab as bl
from benchlab.units import NS_PER_S
from tests.benchmarks.arrivals import arrival_server, read_arrivals
from tests.benchmarks.kolmogorov import Fit, fit_exponential
from tests.benchmarks.machine import GENERATOR, need_two_cores, on_cores
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

RATE_RPS = 200
POISSON_S = 50
CONSTANT_S = 10
ALPHA = 0.01


def fits(load: bl.ConstantRate | bl.PoissonRate, seconds: int, file: Path) -> tuple[Fit, Fit, int]:
    """Of the gaps as they were intended, and as they were at the service; how many arrived."""
    with arrival_server(file) as url, on_cores(GENERATOR):
        plan = bl.Plan([bl.Request("GET", url)], load, seconds, trace_ratio=1.0)
        run = bl.run(plan)
    arrivals = read_arrivals(file)
    at_ns = arrivals.at_ns[arrivals.seq >= 0]
    assert run.summary.errors == {}
    assert len(at_ns) == run.summary.count == plan.intended_count()
    intended, arrived = (
        fit_exponential(np.diff(times) / NS_PER_S, RATE_RPS)
        for times in (run.samples.column("intended_ns"), at_ns)
    )
    return intended, arrived, len(at_ns)


def test_gaps_of_poisson_arrivals(tmp_path: Path) -> None:
    need_two_cores()
    rows = []
    p_value = {}
    for name, load, seconds in (
        ("Poisson", bl.PoissonRate(RATE_RPS), POISSON_S),
        ("constant", bl.ConstantRate(RATE_RPS), CONSTANT_S),
    ):
        intended, arrived, count = fits(load, seconds, tmp_path / "arrivals")
        p_value[name] = arrived.p_value
        rows += [
            (f"{name}, {who}", f"{count:,}", f"{fit.distance:.4f}", f"{fit.p_value:.3f}")
            for who, fit in (("as intended", intended), ("at the service", arrived))
        ]
    show(
        f"Gaps between arrivals at {RATE_RPS}/s against the exponential distribution",
        ["schedule", "arrivals", "D", "p"],
        rows,
        f"Kolmogorov-Smirnov; p below {ALPHA} rejects that they are of a Poisson process. The count"
        " is exactly the schedule's.",
    )
    assert p_value["Poisson"] > ALPHA
    assert p_value["constant"] < ALPHA
