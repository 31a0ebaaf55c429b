"""A service of known capacity in virtual time: a G/D/k queue, and what can go wrong with one.

Requests wait in one line for one of ``slots``, each of which serves one in ``service_s``: request i
is done at max(arrival_i, done_(i-k)) + s, so that the capacity is k / s exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.capacity_search import CapacitySearch, ProbeOrder
from benchlab.analysis.probe import Probe, Requirement, attained, decide
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from benchlab.units import NS_PER_S

OVERHEAD_S = 0.4
HOPELESS_S = 0.8  # about what `benchlab.analysis.probe.Backlog` waits for at 50 ms


@dataclass
class SimulatedService:
    """``spoiled_ratio`` of the probes meet a disturbance: a pause that makes requests late.

    Above ``fails_above_rps`` every third request fails; ``stays_bad_above_rps`` is the rate from
    which on the service is slow until it is restarted; between ``hole_rps`` it is slow although
    it is not above. The generator cannot send more than ``generator_rps``.
    """

    slots: int = 2
    service_s: float = 0.02
    spoiled_ratio: float = 0.0
    random_arrivals: bool = False
    fails_above_rps: float = np.inf
    stays_bad_above_rps: float = np.inf
    hole_rps: tuple[float, float] = (np.inf, np.inf)
    generator_rps: float = np.inf
    is_always_bad: bool = False
    seed: int = 1
    clock_s: float = 0.0
    rng: np.random.Generator = field(init=False)
    is_stuck: bool = False

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    @property
    def capacity_rps(self) -> float:
        return self.slots / self.service_s

    def arrivals_s(self, rate_rps: float, length_s: float) -> NDArray[np.float64]:
        if not self.random_arrivals:
            return np.arange(round(rate_rps * length_s)) / rate_rps
        gaps = self.rng.exponential(1 / rate_rps, int(rate_rps * length_s * 1.3) + 50)
        times: NDArray[np.float64] = np.cumsum(gaps)
        return times[: int(np.searchsorted(times, length_s))]

    def done_s(self, arrived: NDArray[np.float64]) -> NDArray[np.float64]:
        """When requests are done, first come first served."""
        padded = np.append(arrived, np.full(-len(arrived) % self.slots, np.inf))
        lanes = padded.reshape(-1, self.slots)
        work = np.arange(len(lanes))[:, None] * self.service_s
        start = np.maximum.accumulate(lanes - work, axis=0) + work
        done: NDArray[np.float64] = (start + self.service_s).ravel()[: len(arrived)]
        return done

    def samples(self, order: ProbeOrder) -> Samples:
        """What is measured by the probe that ``order`` asks for."""
        rate_rps, length_s = order.rate_rps, order.warmup_s + order.length_s
        arrived = self.arrivals_s(rate_rps, length_s)
        done = self.done_s(arrived)
        self.is_stuck |= rate_rps > self.stays_bad_above_rps
        slow = self.is_always_bad or self.is_stuck
        if slow or self.hole_rps[0] < rate_rps < self.hole_rps[1]:
            done += 10.0
        if self.rng.random() < self.spoiled_ratio:
            start = self.rng.uniform(0, 0.6) * length_s
            end = start + self.rng.uniform(0.1, 0.4) * length_s
            hit = (arrived >= start) & (arrived < end)
            done[hit] += self.rng.uniform(0.05, 0.5)
        records = np.zeros(len(arrived), SAMPLE_DTYPE)
        records["intended_ns"] = records["sent_ns"] = np.rint(arrived * NS_PER_S)
        records["done_ns"] = np.rint(done * NS_PER_S)
        if rate_rps > self.fails_above_rps:
            records["error"][::3] = ErrorKind.STATUS
        self.clock_s += order.cool_down_s + length_s + OVERHEAD_S
        return Samples(records[arrived >= order.warmup_s])

    def hopeless_s(self, samples: Samples, order: ProbeOrder) -> float:
        """When a probe is ended: its requests take so long that its backlog shows it."""
        late = samples.column("intended_ns")[samples.latency_ns > HOPELESS_S * NS_PER_S]
        first_s = late[0] / NS_PER_S - order.warmup_s + HOPELESS_S if len(late) else np.inf
        return float(min(first_s, order.length_s))

    def probe(self, order: ProbeOrder, requirements: Sequence[Requirement]) -> Probe:
        """Carry out ``order``; the time that it takes passes on `clock_s`."""
        samples = self.samples(order)
        length_s = self.hopeless_s(samples, order)
        self.clock_s -= order.length_s - length_s
        start, end = (round(s * NS_PER_S) for s in (order.warmup_s, order.warmup_s + length_s))
        samples = samples.where(samples.column("intended_ns") < end)
        parts = [attained(item, samples, start, end) for item in requirements]
        least = decide(parts)
        failed = order.rate_rps > self.generator_rps
        return Probe(
            rate_rps=order.rate_rps,
            duration_s=length_s,
            attained_ratio=least.ratio,
            decision="undecided" if failed else least.decision,
            verdict="invalid" if failed else "valid",
            culprit="generator" if failed else "service" if least.probability < 0.5 else "",
            probability=0.5 if failed else least.probability,
            objective=str(least.requirement.objective),
            count=least.count,
            n_eff=least.n_eff,
            service_ns=round(self.service_s * NS_PER_S),
            latency_ns=int(np.quantile(samples.latency_ns, 0.99)) if len(samples) else None,
            kind=order.kind,
            required_ratio=least.requirement.ratio,
            planned_s=order.length_s,
            warmup_s=order.warmup_s,
            random_arrivals=self.random_arrivals,
        )

    def search(self, search: CapacitySearch, requirements: Sequence[Requirement]) -> float:
        """Drive ``search`` to its end; returns how long its longest probe took."""
        longest_s = 0.0
        while (order := search.next_order(self.clock_s)) is not None:
            before = self.clock_s
            search.add(self.probe(order, requirements), self.clock_s - before)
            longest_s = max(longest_s, self.clock_s - before)
        return longest_s
