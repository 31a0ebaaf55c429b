"""Percentiles and totals that another tool reported, without its requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import field, frozen

from benchlab.displayed import Displayed
from benchlab.redact import public_url
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ImportedSummary", "Interval", "Point"]


class Point(NamedTuple):
    """A percentile as the tool reported it: ratio 0 to 1, and ns.

    ``request_count`` is how many requests took at most as long, if the tool reports it.
    """

    ratio: float
    value_ns: int
    request_count: int | None = None


class Interval(NamedTuple):
    """One line of a tool's time series; ``at_s`` is seconds since 1970, ``endpoint`` "" for all.

    The counts are totals since the start; the percentiles are of a window that the tool chose. None
    is what the file does not contain.
    """

    at_s: int
    endpoint: str
    user_count: int | None
    rate_rps: float
    failure_rate_rps: float | None
    request_count: int
    error_count: int | None
    percentiles: tuple[Point, ...] = ()


@frozen
class ImportedSummary(Displayed):
    """A run of another tool as percentiles and totals: no requests, so no samples.

    It cannot be merged, sliced or compared like a run, and its percentiles are only as exact as the
    tool's. Times are ns; None is what the file does not contain, ``notes`` is what a reader should
    know. Credentials in ``url`` are hidden.
    """

    id: str
    tool: str
    format: str
    name: str
    url: str = field(default="", converter=public_url)
    started_at_ns: int | None = None
    duration_s: float | None = None
    count: int | None = None
    error_count: int | None = None
    rate_rps: float | None = None
    mean_ns: int | None = None
    min_ns: int | None = None
    max_ns: int | None = None
    percentiles: Sequence[Point] = field(default=(), repr=False)
    timeline: Sequence[Interval] = field(default=(), repr=False)
    notes: Sequence[str] = ()

    @property
    def started_at(self) -> datetime | None:
        """The start, aware UTC; None if the file does not contain it."""
        if self.started_at_ns is None:
            return None
        return datetime.fromtimestamp(self.started_at_ns // NS_PER_S, UTC)

    def percentile_ns(self, ratio: float) -> int | None:
        """The percentile that the tool reported for this ratio; None if it did not.

        In a histogram's table, whose rows have counts, the next row above is its upper bound, and
        is returned.
        """
        for point in self.percentiles:
            if point.ratio >= ratio:
                exact = point.ratio == ratio or point.request_count is not None
                return point.value_ns if exact else None
        return None

    def to_pandas(self) -> pd.DataFrame:
        """One row per percentile: ratio (0 to 1), value_ms, request_count (NaN where unknown)."""
        import pandas as pd

        return pd.DataFrame(
            {
                "ratio": [point.ratio for point in self.percentiles],
                "value_ms": [point.value_ns / 1e6 for point in self.percentiles],
                "request_count": pd.Series(
                    [point.request_count for point in self.percentiles], dtype="float64"
                ),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict, without the time series."""
        return {
            "id": self.id,
            "kind": "imported summary",
            "tool": self.tool,
            "format": self.format,
            "name": self.name,
            "url": self.url,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "duration_s": self.duration_s,
            "count": self.count,
            "error_count": self.error_count,
            "rate_rps": self.rate_rps,
            "latency_ns": {"mean": self.mean_ns, "min": self.min_ns, "max": self.max_ns},
            "percentiles": [point._asdict() for point in self.percentiles],
            "notes": list(self.notes),
        }
