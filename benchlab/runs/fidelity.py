"""How faithfully a replay sent what was recorded: its arrivals, its mix, and whether all of it.

Arrivals are compared by the times between them, recorded and sent, each in order of time
(`benchlab.statistics.kolmogorov_smirnov`). Recorded times are often rounded or evenly spaced, so
that many of them are equal; the distance is then large however well they are sent, since no clock
repeats a time to the nanosecond. `TOLERANCE_NS` is what it takes for a time between two arrivals to
count as another.

Times between arrivals say nothing about a shift of all of them, or about one long pause. The lag
does: by how much requests were sent after they were due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchlab.displayed import Result
from benchlab.plan.schedule import measured_offsets
from benchlab.plan.shapes import Replay
from benchlab.runs.origin import origin_of
from benchlab.runs.verdict import LAG_P99_LIMIT_NS, scheduled_samples
from benchlab.samples.percentiles import percentile_of
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from benchlab.statistics.kolmogorov_smirnov import ks_distance
from benchlab.text import plural
from benchlab.units import NS_PER_MS, NS_PER_S, format_ms, format_ratio

if TYPE_CHECKING:
    import pandas as pd

    from benchlab.plan.plan import Plan
    from benchlab.runs.run import Run

__all__ = [
    "KS_LIMIT",
    "MIX_ERROR_LIMIT_RATIO",
    "TOLERANCE_NS",
    "ArrivalGaps",
    "Fidelity",
    "fidelity_of",
]

TOLERANCE_NS: Final = 100_000
"""Times between arrivals that differ by less than 0.1 ms count as equal in one of the distances."""

KS_LIMIT: Final = 0.2
"""The distance with the tolerance above which arrivals are not those that were recorded."""

MIX_ERROR_LIMIT_RATIO: Final = 0.01
"""The difference of an endpoint's shares above which the mix is not the one that was recorded."""

_POINTS = 1_000
_ENDPOINT_CODES = np.iinfo(SAMPLE_DTYPE["endpoint"]).max + 1
_NEVER_SENT = (ErrorKind.UNSENT, ErrorKind.CIRCUIT_OPEN)


@dataclass(frozen=True, slots=True)
class ArrivalGaps:
    """Times between arrivals in ns, in ascending order: all, or 1,000 at even ranks."""

    recorded_ns: tuple[int, ...] = ()
    sent_ns: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fidelity(Result):
    """What a replay sent, against what was recorded.

    ``recorded_count`` requests were due until the run ended, and ``dropped_count`` of them were
    never sent; one whose connection failed was. ``recorded_span_ns`` and ``sent_span_ns`` are the
    times from the first arrival to the last. ``ks_distance`` is the Kolmogorov–Smirnov distance (0
    to 1) of the times between arrivals, ``ks_distance_tolerant`` the one for which differences up
    to ``ks_tolerance_ns`` do not count; None for fewer than two arrivals. ``lag_p50_ns`` and
    ``lag_p99_ns`` are percentiles of the time from when requests were due until they were sent,
    None if none was. ``mix_error_ratio`` is the largest difference between the shares that an
    endpoint has of the recorded and of the sent requests, and ``mix_error_endpoint`` the endpoint
    that has it, empty if all shares are equal; None for a scenario, whose steps are not recorded.

    ``source`` says what was recorded, empty where it was arrival times alone; ``speed`` is how many
    times as fast it was sent, and ``skipped`` counts what the recording left out, by reason. That
    is no part of the comparison.
    """

    run_id: str
    name: str
    recorded_count: int
    sent_count: int
    recorded_span_ns: int
    sent_span_ns: int
    ks_distance: float | None
    ks_distance_tolerant: float | None
    lag_p50_ns: int | None
    lag_p99_ns: int | None
    mix_error_ratio: float | None
    mix_error_endpoint: str = ""
    ks_tolerance_ns: int = TOLERANCE_NS
    source: str = ""
    speed: float = 1.0
    skipped: Mapping[str, int] = field(default_factory=dict)
    gaps: ArrivalGaps = ArrivalGaps()
    origin: str = ""

    @property
    def dropped_count(self) -> int:
        """How many requests were due and never sent."""
        return self.recorded_count - self.sent_count

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it was recorded, each in a phrase; empty if the replay is faithful."""
        found = []
        if self.dropped_count:
            found.append(f"{plural(self.dropped_count, 'request')} never sent")
        if (self.ks_distance_tolerant or 0) > KS_LIMIT:
            found.append(
                f"the times between arrivals differ by more than {self.tolerance_text} for at least"
                f" {self.ks_distance_tolerant:.0%} of the requests".replace("%", " %")
            )
        if (self.lag_p99_ns or 0) > LAG_P99_LIMIT_NS:
            late = format_ms(self.lag_p99_ns or 0)
            found.append(f"1 % of the requests were sent more than {late} late")
        if (self.mix_error_ratio or 0) > MIX_ERROR_LIMIT_RATIO:
            found.append(
                f"the share of {self.mix_error_endpoint} is off by"
                f" {format_ratio(self.mix_error_ratio or 0)}"
            )
        return tuple(found)

    @property
    def faithful(self) -> bool:
        """Whether all was sent, in the recorded mix, at the recorded times within the limits."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """``faithful`` or ``not faithful``."""
        return "faithful" if self.faithful else "not faithful"

    @property
    def tolerance_text(self) -> str:
        """``ks_tolerance_ns`` for people."""
        return f"{self.ks_tolerance_ns / NS_PER_MS:g} ms"

    def describe(self) -> str:
        """The verdict and the figures in one line."""
        sent = f"{self.sent_count:,} of {plural(self.recorded_count, 'recorded request')} sent"
        parts = [f"{self.verdict}: {sent}, {self.dropped_count:,} dropped"]
        if self.ks_distance is not None and self.ks_distance_tolerant is not None:
            parts.append(
                f"inter-arrivals KS {self.ks_distance:.3f}, {self.ks_distance_tolerant:.3f} beyond"
                f" {self.tolerance_text}"
            )
        if self.lag_p50_ns is not None and self.lag_p99_ns is not None:
            parts.append(f"lag p50 {format_ms(self.lag_p50_ns)}, p99 {format_ms(self.lag_p99_ns)}")
        if self.mix_error_ratio is not None:
            parts.append(f"mix error {format_ratio(self.mix_error_ratio)}")
        return " · ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The figures as a JSON-ready dict, without the times between arrivals."""
        return {
            "faithful": self.faithful,
            "problems": list(self.problems),
            "recorded_count": self.recorded_count,
            "sent_count": self.sent_count,
            "dropped_count": self.dropped_count,
            "recorded_span_ns": self.recorded_span_ns,
            "sent_span_ns": self.sent_span_ns,
            "ks_distance": self.ks_distance,
            "ks_distance_tolerant": self.ks_distance_tolerant,
            "ks_tolerance_ns": self.ks_tolerance_ns,
            "lag_p50_ns": self.lag_p50_ns,
            "lag_p99_ns": self.lag_p99_ns,
            "mix_error_ratio": self.mix_error_ratio,
            "mix_error_endpoint": self.mix_error_endpoint or None,
            "source": self.source or None,
            "speed": self.speed,
            "skipped": dict(self.skipped),
        }

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame of the figures, with spans in s and lags in ms."""
        import pandas as pd

        row = {"run_id": self.run_id, "name": self.name, **self.to_dict()}
        row["problems"] = "; ".join(self.problems)
        row["skipped"] = sum(self.skipped.values())
        for name in ("recorded_span", "sent_span"):
            row[f"{name}_s"] = row.pop(f"{name}_ns") / NS_PER_S
        for name in ("lag_p50", "lag_p99", "ks_tolerance"):
            value = row.pop(f"{name}_ns")
            row[f"{name}_ms"] = None if value is None else value / NS_PER_MS
        return pd.DataFrame([row])


def fidelity_of(run: Run) -> Fidelity | None:
    """How faithfully ``run`` sent what was recorded; None if its load is not a `Replay`.

    Requests of the warm-up are not part of it: they are no recorded ones.
    """
    plan = run.plan
    if not isinstance(plan.load, Replay):
        return None
    _, end_ns = run.window_ns
    due_ns = _due(plan, end_ns)
    sent = _sent(plan, run.samples, end_ns)
    sent_at_ns = np.sort(sent["sent_ns"])
    recorded_gaps, sent_gaps = np.diff(due_ns), np.diff(sent_at_ns)
    distance = tolerant = None
    if len(recorded_gaps) and len(sent_gaps):
        distance = ks_distance(recorded_gaps, sent_gaps)
        tolerant = ks_distance(recorded_gaps, sent_gaps, TOLERANCE_NS)
    lag_ns = sent["sent_ns"] - sent["intended_ns"]
    mix_error = None if plan.scenario is not None else _mix_error(plan, len(due_ns), sent)
    return Fidelity(
        run_id=run.id,
        name=run.name,
        recorded_count=len(due_ns),
        sent_count=len(sent),
        recorded_span_ns=_span(due_ns),
        sent_span_ns=_span(sent_at_ns),
        ks_distance=distance,
        ks_distance_tolerant=tolerant,
        lag_p50_ns=percentile_of([lag_ns], 0.5),
        lag_p99_ns=percentile_of([lag_ns], 0.99),
        mix_error_ratio=None if mix_error is None else mix_error[0],
        mix_error_endpoint="" if mix_error is None else mix_error[1],
        source="" if plan.recorded is None else plan.recorded.source,
        speed=1.0 if plan.recorded is None else plan.recorded.speed,
        skipped={} if plan.recorded is None else dict(plan.recorded.skipped),
        gaps=ArrivalGaps(_at_even_ranks(recorded_gaps), _at_even_ranks(sent_gaps)),
        origin=origin_of([run]),
    )


def _due(plan: Plan, end_ns: int) -> NDArray[np.int64]:
    """When the requests of the measured window were due, up to ``end_ns``."""
    length_ns = end_ns - plan.warmup_ns
    blocks = measured_offsets(plan.load, length_ns, plan.seed, plan.request_count)
    offsets = np.concatenate([np.empty(0, dtype=np.int64), *blocks])
    due_ns: NDArray[np.int64] = plan.warmup_ns + offsets
    return due_ns


def _sent(plan: Plan, samples: Samples, end_ns: int) -> NDArray[np.void]:
    """A record for each request of the measured window that was sent: that of its first try."""
    tries = scheduled_samples(plan, samples).choose(_was_sent).records
    tries = tries[tries["intended_ns"] < end_ns]  # of a run that was stopped, some are later
    order = np.lexsort((tries["sent_ns"], tries["seq"]))
    first = np.flatnonzero(np.diff(tries["seq"][order], prepend=-1))
    return tries[order[first]]


def _was_sent(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Whether each request was sent in the measured window. One that still waited for a connection
    when the run ended was not: it is recorded as sent when it was given up."""
    error = records["error"]
    given_up = (error == ErrorKind.ABANDONED) & (records["sent_ns"] == records["done_ns"])
    is_warmup = (records["flags"] & Flag.WARMUP) != 0
    sent: NDArray[np.bool_] = ~(given_up | is_warmup | np.isin(error, _NEVER_SENT))
    return sent


def _mix_error(plan: Plan, count: int, sent: NDArray[np.void]) -> tuple[float, str]:
    """The largest difference of an endpoint's shares, and the endpoint; by name.

    ``count`` requests were due.
    """
    if not count or not len(sent):
        return 0.0, ""
    names = list(dict.fromkeys(plan.endpoint_names))
    numbers = {name: number for number, name in enumerate(names)}
    number_of = np.full(_ENDPOINT_CODES, len(names))  # that of a damaged record
    number_of[: len(plan.endpoint_names)] = [numbers[name] for name in plan.endpoint_names]
    shares = [
        np.bincount(number_of[codes], minlength=len(names) + 1) / len(codes)
        for codes in (_planned(plan, count, int(sent["seq"].min())), sent["endpoint"])
    ]
    off = np.abs(shares[0] - shares[1])
    worst = int(np.argmax(off))
    return float(off[worst]), [*names, "others"][worst] if off[worst] else ""


def _planned(plan: Plan, count: int, first_seq: int) -> NDArray[np.integer[Any]]:
    """The index in the plan's requests of each that was due, from number ``first_seq`` on."""
    if plan.recorded is not None:
        return np.resize(plan.recorded.order, count)
    seqs = range(first_seq, first_seq + count)
    return np.fromiter(map(plan.request_of, seqs), np.int64, count)


def _span(at_ns: NDArray[np.int64]) -> int:
    return int(at_ns[-1] - at_ns[0]) if len(at_ns) else 0


def _at_even_ranks(gaps_ns: NDArray[np.int64]) -> tuple[int, ...]:
    ordered = np.sort(gaps_ns)
    ranks = np.linspace(0, len(ordered) - 1, min(len(ordered), _POINTS)).astype(np.int64)
    return tuple(ordered[ranks].tolist())
