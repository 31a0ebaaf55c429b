"""The result of a comparison: for each metric a ratio, its interval and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from benchlab.analysis.run_statistics import METRICS
from benchlab.displayed import Result
from benchlab.statistics.change import Change
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ERRORS", "Comparison", "Design", "ErrorComparison", "MetricComparison"]

Design = Literal["paired_blocks", "independent_runs", "single_runs_with_history", "single_runs"]
"""What the intervals are based on, the strongest first."""

ERRORS: Final = "error_ratio"
"""The key of the share of failed requests, which is compared by its difference."""


@dataclass(frozen=True, kw_only=True)
class MetricComparison:
    """One metric of both sides. What is undefined, or cannot be known from these runs, is None.

    ``base`` and ``new`` are in ns, or requests per second for ``rate_rps``; ``ratio`` is new over
    base, with its interval. ``detectable_ratio`` is the smallest one above 1 that experiments like
    this one call in 80 % of cases; its inverse is the smallest below. ``needed`` is how many
    *further* blocks, or runs of each side, are likely to end an inconclusive comparison: 0 if it
    is conclusive. ``p_value`` is that of no difference at all.
    """

    metric: str
    base: float | None
    new: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    verdict: Change
    detectable_ratio: float | None
    needed: int | None
    p_value: float | None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        unit = METRICS[self.metric].unit
        sides = {f"base_{unit}": self.base, f"new_{unit}": self.new}
        if unit == "ns":
            sides = {key: None if value is None else round(value) for key, value in sides.items()}
        return {
            **sides,
            "ratio": self.ratio,
            "ratio_low": self.ratio_low,
            "ratio_high": self.ratio_high,
            "verdict": self.verdict,
            "detectable_ratio": self.detectable_ratio,
            "needed": self.needed,
        }


@dataclass(frozen=True, kw_only=True)
class ErrorComparison:
    """The share of failed requests of both sides, 0 to 1, and the difference: new minus base.

    ``slower`` means that the new side fails more, as the interval of the difference lies above 0,
    and ``faster`` that it fails less; ``same`` that the interval lies within half a percentage
    point of 0.
    """

    base: float | None
    new: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    verdict: Change

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "base": self.base,
            "new": self.new,
            "difference": self.difference,
            "difference_low": self.difference_low,
            "difference_high": self.difference_high,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison(Result):
    """Whether ``new`` differs from ``base``: a verdict, and what it is based on.

    The ``verdict`` is that of the ``primary`` metric, unless the new side fails more: then it is
    ``slower``, with the ``reason`` ``errors``. Verdicts of the other metrics are held to Holm's
    correction, so that the more metrics there are, the clearer a difference has to be.

    ``base`` and ``new`` are ids of runs; in ``paired_blocks`` the pairs are in order. ``history``
    are ids of the earlier runs that say how much runs differ by themselves. ``threshold`` is the
    change that matters (0.02 is 2 %), ``level`` that of every interval. ``experiment_id`` is the
    experiment that made the runs, if one did; ``origin`` says in a line what was run where.
    """

    base: tuple[str, ...]
    new: tuple[str, ...]
    base_name: str
    new_name: str
    design: Design
    primary: str
    verdict: Change
    metrics: Mapping[str, MetricComparison]
    errors: ErrorComparison
    reason: Literal["errors"] | None = None
    warnings: tuple[str, ...] = ()
    threshold: float = 0.02
    level: float = 0.95
    history: tuple[str, ...] = ()
    experiment_id: str = ""
    origin: str = ""

    def verdict_of(self, metric: str) -> Change:
        """The verdict on one metric, or on the share of errors."""
        return self.errors.verdict if metric == ERRORS else self.metrics[metric].verdict

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        parts = {name: metric.to_dict() for name, metric in self.metrics.items()}
        rate = parts.pop("rate_rps")
        return {
            "base": list(self.base),
            "new": list(self.new),
            "design": self.design,
            "primary": self.primary,
            "verdict": self.verdict,
            "metrics": {**parts, ERRORS: self.errors.to_dict(), "rate_rps": rate},
            "reason": self.reason,
            "warnings": list(self.warnings),
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row per metric: base and new in ms or requests/s, ratio, interval, verdict.

        The share of errors has its difference and the interval of that in columns of their own.
        """
        import pandas as pd

        rows = [_row(item) for item in self.metrics.values()]
        errors = self.errors.to_dict()
        rows.append(
            {
                "metric": ERRORS,
                "base_ratio": errors.pop("base"),
                "new_ratio": errors.pop("new"),
                **errors,
            }
        )
        return pd.DataFrame(rows)


def _row(item: MetricComparison) -> dict[str, Any]:
    unit, scale = ("ms", NS_PER_MS) if METRICS[item.metric].unit == "ns" else ("rps", 1)
    sides = {f"base_{unit}": item.base, f"new_{unit}": item.new}
    return {
        "metric": item.metric,
        **{key: None if value is None else value / scale for key, value in sides.items()},
        "ratio": item.ratio,
        "ratio_low": item.ratio_low,
        "ratio_high": item.ratio_high,
        "verdict": item.verdict,
        "detectable_ratio": item.detectable_ratio,
        "needed": item.needed,
        "p_value": item.p_value,
    }
