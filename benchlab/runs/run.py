"""A run: its metadata, its samples, and what follows from both."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchlab.displayed import Displayed
from benchlab.errors import InputError, InvalidRunError
from benchlab.plan.plan import Plan
from benchlab.redact import public_url
from benchlab.runs.floor import Floor, floor_note_of, floor_of
from benchlab.runs.head import RunHead
from benchlab.runs.littles_law import LittlesLaw, littles_law_of
from benchlab.runs.objective_results import ObjectiveResult, evaluate
from benchlab.runs.verdict import (
    Verdict,
    VerdictReason,
    decide_verdict,
    measured_window_ns,
    reached_request_count,
    scheduled_samples,
)
from benchlab.runs.warnings import warnings_of
from benchlab.samples.connections import Connections
from benchlab.samples.histogram import LatencyHistogram
from benchlab.samples.percentile_interval import PercentileInterval, percentile_intervals
from benchlab.samples.samples import Endpoints, ErrorKind, Flag, Samples
from benchlab.samples.statistics import DURATIONS
from benchlab.samples.streams import Events, Streams
from benchlab.samples.summary import Summary, flat_ms, summarize
from benchlab.samples.tries import Tries, TryCounts, count_tries
from benchlab.text import plural
from benchlab.units import format_ms, format_rate

# What few commands need is imported where it is used: a run of one request should start soon.
if TYPE_CHECKING:
    import pandas as pd

    from benchlab.plan.objectives import Objective
    from benchlab.runs.apdex import Apdex
    from benchlab.runs.attainment import Attainment
    from benchlab.runs.fidelity import Fidelity
    from benchlab.runs.modes import Modes
    from benchlab.runs.steady_state import SteadyState
    from benchlab.runs.stream_summary import StreamSummary

__all__ = ["Run", "check_run"]


@dataclass(frozen=True, kw_only=True)
class Run(RunHead, Displayed):
    """The result of carrying out a plan: its `RunHead`, and what was measured.

    ``spool`` is the directory that still holds the samples on disk; a store removes it once it has
    them.
    """

    samples: Samples
    connections: Connections = field(default_factory=Connections)
    tries: Tries = field(default_factory=Tries)
    streams: Streams = field(default_factory=Streams)
    events: Events = field(default_factory=Events)
    spool: Path | None = None

    @classmethod
    def from_head(
        cls,
        head: RunHead,
        samples: Samples,
        connections: Connections | None = None,
        tries: Tries | None = None,
        streams: Streams | None = None,
        events: Events | None = None,
        spool: Path | None = None,
    ) -> Run:
        """The run of ``head`` that measured ``samples``."""
        known = {item.name: getattr(head, item.name) for item in fields(RunHead)}
        return cls(
            **known,
            samples=samples,
            connections=connections or Connections(),
            tries=tries or Tries(),
            streams=streams or Streams(),
            events=events or Events(),
            spool=spool,
        )

    @cached_property
    def verdict_reason(self) -> VerdictReason:
        """Verdict, reason and hint, derived from samples and health."""
        early = self.stopped_ns is not None and not reached_request_count(self.plan, self.samples)
        return decide_verdict(
            self.plan,
            self.samples,
            self.health,
            interrupted=early,
            stop_reason=self.stop_reason,
            hosts=self.hosts,
        )

    @cached_property  # not a property: Jedi fails on those that return a Literal by another name
    def verdict(self) -> Verdict:
        """``valid``, ``invalid``, ``degraded``, ``interrupted`` or ``imported``."""
        return self.verdict_reason.verdict

    @property
    def invalid_reason(self) -> str | None:
        """Why the verdict is not ``valid``; None if it is."""
        return self.verdict_reason.reason

    @property
    def hint(self) -> str | None:
        """What to do for a ``valid`` verdict; None if there is nothing to do, or nothing known."""
        return self.verdict_reason.hint

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Circumstances to know when reading the numbers, whatever the verdict."""
        found = [f"the fault {item.fault} {item.error}" for item in self.faults if item.error]
        found += warnings_of(self.plan, self.samples, self.health, self.environment, self.hosts)
        if self.littles_law is not None and self.littles_law.violation:
            found.append(self.littles_law.violation)
        return tuple(found)

    @cached_property
    def floor(self) -> Floor | None:
        """The noise floor of the host, as calibrated when the run was made; None if it was not."""
        return floor_of(self.environment)

    @property
    def floor_note(self) -> str:
        """Why there is no `floor`; empty if there is one."""
        return floor_note_of(self.environment)

    @property
    def is_imported(self) -> bool:
        """Whether these are the results of another tool, which is ``plan.load.source``."""
        return self.plan.load.is_imported

    @property
    def url(self) -> str:
        """The URL of the plan's first request, credentials hidden."""
        return public_url(self.plan.requests[0].url)

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    @property
    def measured(self) -> Samples:
        """The requests of the measured window: warm-up excluded, errors included.

        A request that was tried several times is its last try (`tries`).
        """
        return self.samples.measured

    def measured_of(self, endpoint: Endpoints | None = None) -> Samples:
        """The `measured` samples of one endpoint, or of several together; all for None.

        Everything that takes ``endpoint=`` selects its requests here.

        Raises:
            InputError: no endpoint has this name; the message lists those there are.
        """
        return self.measured.endpoint(endpoint)

    @property
    def window_ns(self) -> tuple[int, int]:
        """Start and end of the measured window, in ns from the start of the run."""
        return measured_window_ns(self.plan, self.samples, self.stopped_ns)

    @cached_property
    def summary(self) -> Summary:
        """Counts, rates and distributions of the measured window."""
        start, end = self.window_ns
        # In a scenario the schedule is per iteration, samples are per step.
        intended = None if self.plan.scenario else self.plan.intended_count(end)
        return summarize(self.measured, start, end, intended)

    @property
    def iteration_count(self) -> int | None:
        """Iterations that started in the measured window; None without a scenario."""
        return self.scheduled_count if self.plan.scenario is not None else None

    @property
    def scheduled_count(self) -> int:
        """Requests of the measured window, or iterations that started in it."""
        return len(scheduled_samples(self.plan, self.measured))

    @cached_property
    def try_counts(self) -> TryCounts | None:
        """How often the requests of the measured window were tried; None without policies."""
        transport = self.plan.transport
        if not transport.has_policies:
            return None
        retry, given_up = transport.retry, 0
        for block in self.measured.failed.blocks():
            if retry is None:
                break
            pairs = np.stack([block.column("error"), block.column("status")], axis=1)
            found, counts = np.unique(pairs, axis=0, return_counts=True)
            for (error, status), count in zip(found.tolist(), counts.tolist(), strict=True):
                given_up += count * retry.retries(ErrorKind(error), status)
        in_window = self.samples.choose(lambda records: (records["flags"] & Flag.WARMUP) == 0)
        return count_tries(in_window, self.tries, given_up=given_up)

    @cached_property
    def stream_summary(self) -> StreamSummary | None:
        """Times and rates of the streams in the measured window; None without any."""
        return self.stream_summary_of()

    def stream_summary_of(self, endpoint: Endpoints | None = None) -> StreamSummary | None:
        """Times and rates of one endpoint's streams in the measured window; None without any.

        Raises:
            InputError: no endpoint has this name.
        """
        if not len(self.streams):
            return None
        from benchlab.runs.stream_summary import summarize_streams

        start, end = self.window_ns
        return summarize_streams(self.streams, self.measured_of(endpoint), self.plan, start, end)

    def by_endpoint(self) -> dict[str, Summary]:
        """The `summary` of each endpoint, in the plan's order.

        Requests of the same name are one endpoint. If there are several, none has an intended rate:
        which request comes when is drawn from their weights.
        """
        return dict(self._endpoints)

    @cached_property
    def _endpoints(self) -> dict[str, Summary]:
        names = list(dict.fromkeys(self.samples.endpoints))
        if len(names) == 1:
            return {names[0]: self.summary}
        start, end = self.window_ns
        parts = {name: summarize(part, start, end) for name, part in self.measured.by_endpoint()}
        found = {name: parts[name] for name in names}
        # The scenario's own name is the endpoint of iterations that failed outside of any step.
        anchor = self.plan.scenario.name if self.plan.scenario is not None else None
        return {name: part for name, part in found.items() if part.count or name != anchor}

    @cached_property
    def objectives(self) -> tuple[ObjectiveResult, ...]:
        """Results of the plan's ``slo`` in the measured window; they never affect the verdict."""
        measured, (start, end) = self.measured, self.window_ns
        return tuple(evaluate(item, measured, start, end) for item in self.plan.slo)

    @property
    def broken_objective_count(self) -> int:
        """How many of the `objectives` were broken."""
        return sum(not result.met for result in self.objectives)

    def percentile_interval(
        self,
        ratio: float,
        level: float = 0.95,
        *,
        duration: str = "latency",
        endpoint: Endpoints | None = None,
    ) -> PercentileInterval:
        """The percentile at ``ratio`` of the measured window, and the interval of its true value.

        The interval has the probability ``level`` although requests depend on each other
        (`benchlab.statistics.batch_means`). It is about this run: how much runs differ from each
        other takes several runs. ``duration`` is ``latency``, ``service`` or ``lag``; ``endpoint``
        selects one endpoint, or several together.

        Raises:
            InputError: ``ratio`` or ``level`` is not between 0 and 1, or a name is unknown.
        """
        samples = self.measured_of(endpoint)
        (found,) = percentile_intervals(samples, *self.window_ns, [ratio], level, duration=duration)
        return found

    def steady_state(self, *, endpoint: str | None = None) -> SteadyState:
        """Whether the latency reached a plateau: where it starts, its level, the warm-up to use.

        It looks at the whole run, warm-up included.

        Raises:
            InputError: the run has no endpoint of this name.
        """
        from benchlab.runs.steady_state import find_steady_state

        return self._steady_state if endpoint is None else find_steady_state(self, endpoint)

    @cached_property
    def _steady_state(self) -> SteadyState:
        from benchlab.runs.steady_state import find_steady_state

        return find_steady_state(self)

    @cached_property
    def littles_law(self) -> LittlesLaw | None:
        """Both sides of Little's law in the measured window; None if nothing ended within it."""
        return littles_law_of(self)

    @cached_property
    def fidelity(self) -> Fidelity | None:
        """How faithfully a replay sent what was recorded; None if the load is not a `Replay`."""
        from benchlab.runs.fidelity import fidelity_of

        return fidelity_of(self)

    def apdex(self, target_ms: float | None = None, *, endpoint: str | None = None) -> Apdex:
        """The Apdex for a target in ms, by default the limit of the plan's first objective for it.

        Raises:
            InputError: there is no target, or no endpoint of this name.
        """
        from benchlab.runs.apdex import apdex_of

        return apdex_of(self, target_ms, endpoint)

    def attainment(self, objective: str | Objective, window_s: float | None = None) -> Attainment:
        """Which share of the requests, and of windows of time, met ``objective``.

        Without ``window_s`` the windows are those of the objective, or of a round length.

        Raises:
            InputError: the objective cannot be used, or the windows are longer than the run.
        """
        from benchlab.runs.attainment import attainment_of

        return attainment_of(self, objective, window_s)

    def modes(self, *, endpoint: str | None = None) -> Modes:
        """Kinds of requests that show as separate peaks of the latency, such as cache misses.

        Raises:
            InputError: the run has no endpoint of this name.
        """
        from benchlab.runs.modes import modes_of

        return self._modes if endpoint is None else modes_of(self, endpoint)

    @cached_property
    def _modes(self) -> Modes:
        from benchlab.runs.modes import modes_of

        return modes_of(self, None)

    def histogram(self) -> LatencyHistogram:
        """A mergeable histogram of the latencies in the measured window, in ns."""
        histogram = LatencyHistogram()
        for latency_ns in self.measured.in_blocks("latency_ns"):
            histogram.record(latency_ns)
        return histogram

    def require_valid(self) -> None:
        """Raise unless the run supports a conclusion. Every analysis calls this first.

        Raises:
            InvalidRunError: the verdict is not ``valid``; the message has the reason.
        """
        if self.verdict != "valid":
            raise InvalidRunError(
                f"run {self.id} is {self.verdict}: {self.invalid_reason}"
                f"{f'; {self.hint}' if self.hint else ''}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON-ready dict: identity, numbers, verdict. Without samples."""
        return {
            "run_id": self.id,
            "name": self.name,
            "url": self.url,
            "started_at": self.started_at.isoformat(),
            **self.summary.to_dict(),
            "tries": self.try_counts.to_dict() if self.try_counts else None,
            "streams": self.stream_summary.to_dict() if self.stream_summary else None,
            "verdict": self.verdict,
            "invalid_reason": self.invalid_reason,
            "hint": self.hint,
            "warnings": list(self.warnings),
            "floor_ns": self.floor.under(self.plan.load).to_dict() if self.floor else None,
            "floor_note": self.floor_note or None,
            "stop_reason": self.stop_reason or None,
            "slo": [result.to_dict() for result in self.objectives],
            "examples": [example.to_dict() for example in self.examples],
            "faults": [record.to_dict() for record in self.faults],
            "hosts": [record.to_dict() for record in self.hosts],
            "endpoints": {name: part.to_dict() for name, part in self.by_endpoint().items()},
            "steady_state": self.steady_state().to_dict(),
            "littles_law": self.littles_law.to_dict() if self.littles_law else None,
            "modes": self.modes().to_dict()["modes"],
            "fidelity": self.fidelity.to_dict() if self.fidelity else None,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame: identity, counts and rates, durations in ms, verdict."""
        import pandas as pd

        row = self.to_dict()
        errors = row.pop("errors")
        for key in (
            "slo",
            "examples",
            "faults",
            "hosts",
            "endpoints",
            "steady_state",
            "littles_law",
            "modes",
            "fidelity",
            "tries",
            "streams",
            *(f"{name}_ns" for name in (*DURATIONS, "floor")),
        ):
            del row[key]
        row["errors"] = ", ".join(f"{kind}: {count}" for kind, count in errors.items())
        row["warnings"] = "; ".join(row["warnings"])
        row |= self.summary.flat()
        if self.floor:
            row |= flat_ms({"floor": self.floor.under(self.plan.load)})
        if self.try_counts is not None:
            row |= {f"tries_{name}": count for name, count in self.try_counts.to_dict().items()}
        if self.stream_summary is not None:
            row |= self.stream_summary.flat()
        tail = {
            key: row.pop(key)
            for key in (
                "verdict",
                "invalid_reason",
                "hint",
                "warnings",
                "floor_note",
                "stop_reason",
            )
        }
        met = [result.met for result in self.objectives]
        tail["slo_met"] = all(met) if met else None
        tail["slo"] = "; ".join(result.describe() for result in self.objectives)
        return pd.DataFrame([{**row, **tail}])

    def __repr__(self) -> str:
        summary = self.summary
        noun = self.plan.sample_noun
        p99 = "" if summary.latency_ns is None else f", p99 {format_ms(summary.latency_ns.p99)}"
        return (
            f"<Run {self.id} {self.name!r}: {self.verdict}, {plural(summary.count, noun)},"
            f" {format_rate(summary.rate_rps, noun)}, {plural(summary.error_count, 'error')}{p99}>"
        )


def check_run(value: object) -> None:
    """Refuse a ``value`` that is not a run, such as the id of one.

    Raises:
        InputError: it is not.
    """
    if isinstance(value, str):
        raise InputError(
            "is text and not a run",
            field="run",
            value=value,
            remedy=f"read it from the store, bl.Store().load({value!r})",
        )
    if isinstance(value, Plan):
        raise InputError("is a plan", field="run", remedy="carry it out first, run = bl.run(plan)")
    if not isinstance(value, Run):
        raise InputError(f"is a {type(value).__name__} and not a run", field="run")
