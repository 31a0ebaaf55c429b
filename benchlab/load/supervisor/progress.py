"""The progress of a run, read from its spool while the workers write to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchlab import spool
from benchlab.decoding import decode_lines
from benchlab.load.supervisor.measurements import Measurements, NewMeasurements
from benchlab.load.supervisor.series import ProgressSeries
from benchlab.load.supervisor.sums import TallySums
from benchlab.load.supervisor.tally import Tally
from benchlab.plan.plan import Plan
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.host_record import HostRecord
from benchlab.units import NS_PER_S

__all__ = ["ObjectiveProgress", "OnProgress", "Progress", "ProgressReader"]

_ENDED = ("done", "failed")


@dataclass(frozen=True, slots=True)
class ObjectiveProgress:
    """An objective of the plan as it stands.

    ``observed`` has its unit, and is a dash while there are too few requests for a value; ``met``
    is None then. One with a window is observed over the last seconds of that length. Whether the
    run met it is decided from all samples at the end.
    """

    text: str
    observed: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a run in progress. Counts and percentiles are of the measured window so far.

    ``rate_rps`` is that of the warm-up while it lasts, and then of the measured window alone.

    ``phase`` is warm-up, measuring, draining, stopping, done or failed. ``total_count`` is the
    number of requests (or a scenario's iterations) in the plan, 0 if the plan has a duration
    instead; ``done_count`` is how many of them are recorded; the nouns are the plan's. ``p50_ns``,
    ``p99_ns`` and ``lag_p99_ns`` have the histogram's precision and are None before the first
    response. ``in_flight`` is the last mean number of requests in flight that is known, and
    ``series`` the run over time, its warm-up included. ``faults`` are those that have begun.
    ``hosts`` are those of a cluster that make the load, with the number of requests of each, its
    warm-up included. For display only: results are computed from the samples.
    """

    phase: str
    elapsed_s: float
    total_s: float
    count: int = 0
    error_count: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    rate_rps: float = 0.0
    p99_ns: int | None = None
    total_count: int = 0
    done_count: int = 0
    scheduled_noun: str = "request"
    sample_noun: str = "request"
    run_id: str = ""
    title: str = ""
    warmup_s: float = 0.0
    p50_ns: int | None = None
    lag_p99_ns: int | None = None
    in_flight: int | None = None
    objectives: tuple[ObjectiveProgress, ...] = ()
    series: ProgressSeries | None = None
    faults: tuple[FaultRecord, ...] = ()
    hosts: tuple[tuple[HostRecord, int], ...] = ()

    @property
    def done_ratio(self) -> float:
        """The completed share of the run, 0 to 1: by requests if the plan counts them, else by
        time."""
        if self.total_count:
            return min(1.0, self.done_count / self.total_count)
        return min(1.0, self.elapsed_s / self.total_s) if self.total_s else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Its numbers, JSON-ready: without the series, the objectives, the faults and the hosts."""
        data = asdict(replace(self, series=None, objectives=(), faults=(), hosts=()))
        del data["series"], data["objectives"], data["faults"], data["hosts"]
        return data


OnProgress = Callable[[Progress], None]


class ProgressReader:
    """Reads the sample files as they grow."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._directory = directory
        self._plan = plan
        self._title = plan.describe()
        self._new = NewMeasurements(directory, plan)
        self._tally = Tally(plan, merged=self._new.merged, late_ns=self._new.late_ns)

    def poll(self, run_ns: int, phase: str = "") -> Progress:
        """Read the new samples; returns the state at run time ``run_ns``.

        By default the phase follows from that time.
        """
        for part in self._new:
            self.take(part)
            self._tally.objectives.forget(min(run_ns, self._plan.end_ns))
        return self.state(run_ns, phase)

    def final(self, stopped_ns: int | None, phase: str = "done") -> Progress:
        """The state of a run that has ended, and was stopped early at ``stopped_ns``.

        In the ``phase`` failed its process was ended, nobody knows when.
        """
        counted = self._plan.request_count is not None
        if stopped_ns is None and not counted and phase != "failed":
            stopped_ns = self._plan.end_ns
        for part in self._new:
            self.take(part)
            end_ns = self._tally.last_ns if stopped_ns is None else stopped_ns
            self._tally.objectives.forget(min(end_ns, self._plan.end_ns))
        return self.state(self._tally.last_ns if stopped_ns is None else stopped_ns, phase)

    def state(self, run_ns: int, phase: str = "") -> Progress:
        """The state at run time ``run_ns``, by what was taken."""
        tally = self._tally
        series = tally.bins.series(run_ns, complete=phase in _ENDED)
        in_flight = [value for value in series.in_flight if not math.isnan(value)]
        return Progress(
            phase=phase or self._phase(run_ns),
            elapsed_s=min(max(run_ns, 0), self._plan.end_ns) / NS_PER_S,
            total_s=self._plan.end_ns / NS_PER_S,
            count=tally.count,
            error_count=tally.errors.total(),
            errors=dict(tally.errors),
            rate_rps=self._rate_rps(run_ns),
            p99_ns=tally.latencies.percentile_ns(0.99) if tally.count else None,
            total_count=self._plan.request_count or 0,
            done_count=tally.begun_count if self._plan.scenario is not None else tally.count,
            scheduled_noun=self._plan.scheduled_noun,
            sample_noun=self._plan.sample_noun,
            run_id=self._directory.name,
            title=self._title,
            warmup_s=self._plan.warmup_s,
            p50_ns=tally.latencies.percentile_ns(0.5) if tally.count else None,
            lag_p99_ns=tally.lags.percentile_ns(0.99) if tally.lags.count else None,
            in_flight=round(in_flight[-1]) if in_flight else None,
            objectives=tuple(self._standings(run_ns, complete=phase in _ENDED)),
            series=series,
            faults=spool.read_faults(self._directory, self._plan) if self._plan.faults else (),
            hosts=self._hosts(),
        )

    def take(self, part: Measurements) -> None:
        """Add what is new."""
        if isinstance(part, TallySums):
            self._tally.merge(part)
        else:
            self._tally.take(part, self._endpoints())

    def _standings(self, run_ns: int, *, complete: bool) -> Iterator[ObjectiveProgress]:
        late_ns = self._new.late_ns
        at_ns = min(run_ns + late_ns if complete else run_ns, self._plan.end_ns + late_ns)
        for objective, value in self._tally.objectives.values(at_ns):
            if value is None:
                yield ObjectiveProgress(str(objective), "–", None)
            else:
                seen = objective.show(value)
                yield ObjectiveProgress(str(objective), seen, objective.holds(value))

    def _hosts(self) -> tuple[tuple[HostRecord, int], ...]:
        """The hosts as they are known now, and how many requests of each are known."""
        by_worker = self._tally.by_worker
        return tuple(
            (host, int(by_worker[list(host.workers)].sum()))
            for host in spool.read_hosts(self._directory)
        )

    def _endpoints(self) -> Sequence[str]:
        """Names by a sample's ``endpoint``; those of a scenario's steps as they occur."""
        path = spool.steps_path(self._directory)
        if self._plan.scenario is None or not self._plan.slo or not path.exists():
            return self._plan.endpoint_names
        return [self._plan.scenario.name, *decode_lines(path, str)]

    def _rate_rps(self, run_ns: int) -> float:
        if run_ns < self._plan.warmup_ns:
            count, length_ns = self._tally.warmup_count, run_ns
        else:
            count = self._tally.count
            length_ns = min(run_ns, self._plan.end_ns) - self._plan.warmup_ns
        return count / (length_ns / NS_PER_S) if length_ns > 0 else 0.0

    def _phase(self, run_ns: int) -> str:
        if run_ns < self._plan.warmup_ns:
            return "warm-up"
        return "measuring" if run_ns < self._plan.end_ns else "draining"
