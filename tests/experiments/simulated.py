"""Simulated experiments: a service whose latency depends on time, and not on the arm.

Latencies are a first-order autoregressive process, mapped to a lognormal body with a Pareto tail.
On top come what a machine does while an experiment runs: a drift, and shifts of level that last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr

from benchlab.analysis.paired_blocks import compare_pairs
from benchlab.experiments.ab_design import ABDesign, Arm
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.run import Run
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["PLAN", "false_alarms", "latencies_ns", "order_of", "pairs_of", "run_of"]

RATE_RPS = 200.0
PLAN = Plan(Request("GET", "http://127.0.0.1:8000/"), ConstantRate(RATE_RPS), duration_s=1.0)
PER_RUN = 200

_TAIL_FROM = 0.95
_TAIL_INDEX = 2.5
_SIGMA = 0.3
_SHIFTS = 3
_HEALTH = Health((WorkerHealth(0, 0.2, 3, 11_200_000, 17, connections_opened=1),))


def latencies_ns(rng: np.random.Generator, runs: int, phi: float = 0.9) -> NDArray[np.int64]:
    """Latencies of ``runs`` runs, one after the other: ``runs`` × `PER_RUN`, in ns.

    The median drifts by up to 40 % from the first run to the last, and is shifted by up to 30 %, up
    or down, at three moments.
    """
    count = runs * PER_RUN
    noise = rng.standard_normal(count) * np.sqrt(1 - phi**2)
    noise[0] = rng.standard_normal()
    normal = lfilter([1.0], [1.0, -phi], noise)
    rank = ndtr(normal)
    beyond = np.maximum(rank, _TAIL_FROM)
    tail = ((1 - beyond) / (1 - _TAIL_FROM)) ** (-1 / _TAIL_INDEX)
    when = np.arange(count) / count
    level = rng.uniform(-0.4, 0.4) * when
    for moment in rng.uniform(0, 1, _SHIFTS):
        level += np.where(when >= moment, rng.uniform(-0.3, 0.3), 0.0)
    found = 2 * NS_PER_MS * np.exp(_SIGMA * normal + level) * tail
    return found.astype(np.int64).reshape(runs, PER_RUN)


def order_of(blocks: int, seed: int) -> list[Arm]:
    """The arms of an A/B of so many blocks, in the order in which they are measured."""
    design = ABDesign(plan_a=PLAN, plan_b=PLAN, blocks=blocks, seed=seed)
    return [arm for block in design.in_order() for arm in block.order]


def pairs_of(latencies_ns: NDArray[np.int64], order: Sequence[Arm]) -> list[tuple[Run, Run]]:
    """The runs of these latencies, paired: the n-th of arm A with the n-th of arm B."""
    arms: dict[Arm, list[Run]] = {"a": [], "b": []}
    for number, arm in enumerate(order):
        arms[arm].append(run_of(number, latency_ns=latencies_ns[number]))
    return list(zip(arms["a"], arms["b"], strict=True))


def run_of(number: int, plan: Plan = PLAN, latency_ns: NDArray[np.int64] | None = None) -> Run:
    """The run of ``plan``, at a constant rate, whose responses took so long; by default 1 ms."""
    if latency_ns is None:
        latency_ns = np.full(PER_RUN, NS_PER_MS)
    records = np.zeros(len(latency_ns), dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(len(records))
    records["intended_ns"] = records["seq"] * round(NS_PER_S / RATE_RPS)
    records["sent_ns"] = records["intended_ns"]
    records["done_ns"] = records["first_byte_ns"] = records["intended_ns"] + latency_ns
    records["status"] = 200
    return Run(
        id=f"{number:016x}",
        plan=plan,
        started_at_ns=(1_700_000_000 + number) * NS_PER_S,
        samples=Samples(records, plan.endpoint_names),
        health=_HEALTH,
    )


def false_alarms(
    experiments: int,
    blocks: int,
    seed: int,
    *,
    sequential: bool = False,
    threshold: float = 0.02,
    phi: float = 0.9,
) -> int:
    """In how many A/A experiments a difference is called, by real designs and real comparisons.

    With ``sequential``, all runs of A come first, as in two benchmarks one after the other.
    """
    rng = np.random.default_rng(seed)
    found = 0
    for number in range(experiments):
        order = order_of(blocks, seed + number)
        if sequential:
            order.sort()
        pairs = pairs_of(latencies_ns(rng, 2 * blocks, phi), order)
        found += compare_pairs(pairs, threshold=threshold).verdict in ("faster", "slower")
    return found
