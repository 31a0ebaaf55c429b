"""The metrics that a history of runs is watched by."""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

from benchlab.errors import InputError
from benchlab.runs.stored_run import StoredRun
from benchlab.samples.statistics import PERCENTILES
from benchlab.units import NS_PER_MS

__all__ = ["TREND_METRICS", "TrendMetric", "log_error", "log_value", "parse_metric", "value_of"]


class TrendMetric(NamedTuple):
    """A metric of a run: the unit of its values, how it is shown, and what is worse."""

    unit: Literal["ns", "rps", "ratio"]
    label: str
    worse_is: Literal["up", "down"] = "up"

    @property
    def shown_unit(self) -> str:
        """The unit in which people read it."""
        return {"ns": "ms", "rps": "requests/s", "ratio": "%"}[self.unit]

    def shown(self, value: float) -> float:
        """``value`` in the unit in which people read it."""
        return {"ns": value / NS_PER_MS, "rps": value, "ratio": 100 * value}[self.unit]


TREND_METRICS: Final = {
    **{key: TrendMetric("ns", f"latency {key.replace('_', '.')}") for key in PERCENTILES},
    "mean": TrendMetric("ns", "mean latency"),
    "rate_rps": TrendMetric("rps", "throughput", worse_is="down"),
    "error_ratio": TrendMetric("ratio", "errors"),
}
"""Key and metric. A latency or a share of errors is worse when it rises."""

_OTHER_NAMES = {"rate": "rate_rps", "throughput": "rate_rps", "errors": "error_ratio"}
_NORMAL_95 = 1.959964


def parse_metric(text: str) -> str:
    """The key in `TREND_METRICS` that ``text`` means: ``p99.9``, ``rate`` and ``errors`` too.

    Raises:
        InputError: there is no such metric.

    >>> parse_metric("p99.9"), parse_metric("errors")
    ('p99_9', 'error_ratio')
    """
    key = _OTHER_NAMES.get(text, text.replace(".", "_"))
    if key not in TREND_METRICS:
        raise InputError(
            "is not a metric of a history",
            field="metric",
            value=text,
            remedy=f"use one of {', '.join(TREND_METRICS)}",
        )
    return key


def value_of(run: StoredRun, metric: str) -> float | None:
    """The value of ``metric``: ns, requests per second, or a ratio. None if it was not measured."""
    if metric == "error_ratio":
        return run.error_ratio
    return run.figures.get(metric if metric == "rate_rps" else f"latency_{metric}_ns")


def log_value(run: StoredRun, metric: str) -> float | None:
    """The logarithm of the value, in which changes are looked for; None without one.

    A share of errors may be 0: half an error is added to each run.
    """
    if metric == "error_ratio":
        return math.log((run.error_count + 0.5) / (run.count + 1)) if run.count else None
    value = value_of(run, metric)
    return math.log(value) if value else None


def log_error(run: StoredRun, metric: str) -> float:
    """The standard error of `log_value` within the run, NaN if it is unknown."""
    low = run.figures.get(f"latency_{metric}_low_ns")
    high = run.figures.get(f"latency_{metric}_high_ns")
    if not low or not high:
        return math.nan
    return math.log(high / low) / (2 * _NORMAL_95)
