"""What a comparison needs of a run: its metrics, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple, TypedDict

import numpy as np
from msgspec import Meta

from benchlab.decoding import Count, convert, naming_field
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.runs.head import Environment
from benchlab.runs.run import Run
from benchlab.runs.verdict import Verdict
from benchlab.statistics.batch_means import batch_of
from benchlab.statistics.change import Change
from benchlab.statistics.proportions import share_variance

__all__ = ["ERROR_BATCHES", "METRICS", "Metric", "RunStatistics", "fewest_requests"]


class Metric(NamedTuple):
    """What two sides are compared by. ``ratio`` is that of a percentile, None for the others."""

    unit: str
    label: str
    up_is: Change = "slower"
    ratio: float | None = None


METRICS: Final = {
    "p50": Metric("ns", "p50", ratio=0.5),
    "p90": Metric("ns", "p90", ratio=0.9),
    "p99": Metric("ns", "p99", ratio=0.99),
    "mean": Metric("ns", "mean"),
    "rate_rps": Metric("rps", "throughput", up_is="faster"),
}
"""The metrics whose ratio is compared, in display order. The share of errors is not one of them."""

ERROR_BATCHES: Final = 30
"""So many batches of equal time show how the share of errors varies within a run."""


def fewest_requests(metric: str, beyond: int) -> int:
    """The number of requests of which at least ``beyond`` lie above the percentile ``metric``.

    >>> fewest_requests("p99", 10), fewest_requests("mean", 10)
    (1000, 1)
    """
    ratio = METRICS[metric].ratio
    return 1 if ratio is None else round(beyond / (1 - ratio))


class _Data(TypedDict):
    id: str
    environment: Environment
    started_at: Annotated[datetime, Meta(tz=True)]
    verdict: Verdict
    invalid_reason: str | None
    count: Count
    error_count: Count
    error_variance: float
    metrics: dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class RunStatistics:
    """The metrics of a run's measured window, failed requests included, and how it was made.

    It is what a comparison of independent runs takes of a `Run`, and small enough for a file:
    ``metrics`` maps the keys of `METRICS` to ns, or requests per second; None is what the run is
    too short for. ``error_variance`` is the variance of the share of errors within the run, from
    batches of equal time.
    """

    id: str
    plan: Plan
    environment: Mapping[str, Any]
    started_at: datetime
    verdict: Verdict
    invalid_reason: str | None
    count: int
    error_count: int
    error_variance: float
    metrics: Mapping[str, float | None]

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    @property
    def error_ratio(self) -> float | None:
        """The share of failed requests; None without requests."""
        return self.error_count / self.count if self.count else None

    @classmethod
    def of(cls, run: Run) -> RunStatistics:
        """The statistics of ``run``."""
        summary, latency = run.summary, run.summary.latency_ns
        metrics: dict[str, float | None] = {}
        for name, metric in METRICS.items():
            if metric.unit == "rps":
                metrics[name] = summary.rate_rps if summary.duration_s > 0 else None
            elif latency is None or summary.count < fewest_requests(name, 1):
                metrics[name] = None
            else:
                metrics[name] = getattr(latency, name)
        return cls(
            id=run.id,
            plan=run.plan,
            environment=run.environment,
            started_at=run.started_at,
            verdict=run.verdict,
            invalid_reason=run.invalid_reason,
            count=summary.count,
            error_count=summary.error_count,
            error_variance=_error_variance(run),
            metrics=metrics,
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; credentials in the plan are hidden."""
        return {
            "id": self.id,
            "plan": redacted_plan(self.plan.to_dict()),
            "environment": dict(self.environment),
            "started_at": self.started_at.isoformat(),
            "verdict": self.verdict,
            "invalid_reason": self.invalid_reason,
            "count": self.count,
            "error_count": self.error_count,
            "error_variance": self.error_variance,
            "metrics": dict(self.metrics),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunStatistics:
        """The statistics that `to_dict` wrote.

        Raises:
            DamagedError: a field is missing, of another type or cannot be used.
        """
        known = convert(data, _Data)
        with naming_field("plan"):
            plan = Plan.from_dict(data.get("plan") or {})
        return cls(
            id=known["id"],
            plan=plan,
            environment=known["environment"],
            started_at=known["started_at"],
            verdict=known["verdict"],
            invalid_reason=known["invalid_reason"],
            count=known["count"],
            error_count=known["error_count"],
            error_variance=known["error_variance"],
            metrics={name: known["metrics"].get(name) for name in METRICS},
        )


def _error_variance(run: Run) -> float:
    """The variance of the run's share of errors, of which most dependence is within batches."""
    measured, (start_ns, end_ns) = run.measured, run.window_ns
    if not len(measured) or end_ns <= start_ns:
        return 0.0
    counts, hits = np.zeros(ERROR_BATCHES), np.zeros(ERROR_BATCHES)
    for block in measured.blocks():
        batch = batch_of(block.column("intended_ns"), start_ns, end_ns, ERROR_BATCHES)
        counts += np.bincount(batch, minlength=ERROR_BATCHES)
        hits += np.bincount(batch[block.column("error") != 0], minlength=ERROR_BATCHES)
    return share_variance(hits, counts)
