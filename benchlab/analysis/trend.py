"""The history of a metric: its runs, where its level changed, and since which commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from benchlab.analysis.trend_metrics import TREND_METRICS, TrendMetric
from benchlab.displayed import Result
from benchlab.text import plural

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "LeftOut", "Trend", "TrendBreak", "TrendChange", "TrendPoint"]

Direction = Literal["worse", "better"]


@dataclass(frozen=True, kw_only=True)
class TrendPoint:
    """A run of the history. ``value`` is in ns, requests per second, or a ratio from 0 to 1.

    ``low`` and ``high`` are its interval within the run, where that is known. ``git_commit`` is
    what was checked out where the run was made, and ``git_dirty`` whether files differed from it.
    """

    run_id: str
    started_at: datetime
    git_commit: str | None
    git_dirty: bool
    value: float
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "run_id": self.run_id,
            "started_at": self.started_at.isoformat(),
            "git_commit": self.git_commit,
            "git_dirty": self.git_dirty,
            "value": self.value,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, kw_only=True)
class TrendBreak:
    """Another host or plan from a run on: values before and after it cannot be compared.

    ``index`` is that of the first point after it. ``differences`` name each field and both values.
    """

    index: int
    run_id: str
    differences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"run_id": self.run_id, "differences": list(self.differences)}


@dataclass(frozen=True, kw_only=True)
class TrendChange:
    """A change of level.

    ``index`` is the first point after it by the best estimate. With 95 % confidence it came after
    ``last_good`` and not later than ``first_bad``, which for an improvement are the last run
    before it and the first run with it. ``before`` and ``after`` are the medians of the runs on
    both sides, up to the next change or break; ``ratio`` is after over before, None if that is 0.
    ``named_at`` is the run with which the evidence sufficed.
    """

    index: int
    direction: Direction
    before: float
    after: float
    ratio: float | None
    last_good: TrendPoint
    first_bad: TrendPoint
    named_at: str
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "direction": self.direction,
            "before": self.before,
            "after": self.after,
            "ratio": self.ratio,
            "last_good": self.last_good.to_dict(),
            "first_bad": self.first_bad.to_dict(),
            "named_at": self.named_at,
            "p_value": self.p_value,
        }


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A run that is not part of the history, and why."""

    run_id: str
    started_at: datetime
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "run_id": self.run_id,
            "started_at": self.started_at.isoformat(),
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class Trend(Result):
    """The runs of a name over time, and the changes of one metric.

    ``points`` are in the order of time, and ``left_out`` what is not among them. No change lies at
    one of the ``breaks``. ``noise_floor`` is the smallest change of the current level that is
    named, as a ratio: 0.02 is 2 %. ``origin`` says in a line what was run where.
    """

    name: str
    metric: str
    points: tuple[TrendPoint, ...]
    breaks: tuple[TrendBreak, ...] = ()
    changes: tuple[TrendChange, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    noise_floor: float = 0.0
    warnings: tuple[str, ...] = ()
    origin: str = ""

    @property
    def metric_of(self) -> TrendMetric:
        """The metric's unit and name."""
        return TREND_METRICS[self.metric]

    @property
    def regression(self) -> TrendChange | None:
        """The latest change, if it made things worse and no break has come since."""
        start = self.breaks[-1].index if self.breaks else 0
        if not self.changes or self.changes[-1].index < start:
            return None
        return self.changes[-1] if self.changes[-1].direction == "worse" else None

    @property
    def segments(self) -> Iterator[tuple[int, int]]:
        """Start and end of each run of points between breaks and changes."""
        starts = [*(item.index for item in self.breaks), *(item.index for item in self.changes)]
        return pairwise(sorted({0, *starts, len(self.points)}))

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON-ready dict."""
        regression = self.regression
        return {
            "name": self.name,
            "metric": self.metric,
            "unit": self.metric_of.unit,
            "regression": None if regression is None else regression.to_dict(),
            "changes": [change.to_dict() for change in self.changes],
            "breaks": [item.to_dict() for item in self.breaks],
            "runs": [point.to_dict() for point in self.points],
            "left_out": [item.to_dict() for item in self.left_out],
            "noise_floor": self.noise_floor,
            "warnings": list(self.warnings),
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row per run: run_id, started_at, git_commit, value, low, high, level, change.

        Values are in the unit of the metric (ns, rps, or a ratio). ``level`` is the median of the
        runs between two changes; ``change`` is ``worse``, ``better`` or ``break`` at the first run
        after one, and empty at the others.
        """
        import pandas as pd

        frame = pd.DataFrame(
            [point.to_dict() for point in self.points],
            columns=list(TrendPoint.__dataclass_fields__),
        )
        frame["started_at"] = pd.to_datetime(frame["started_at"], utc=True)
        frame["level"] = 0.0
        for start, end in self.segments:
            rows = frame.index[start:end]
            frame.loc[rows, "level"] = float(frame.loc[rows, "value"].median())
        marks: dict[int, str] = {change.index: change.direction for change in self.changes}
        marks |= {item.index: "break" for item in self.breaks}
        frame["change"] = [marks.get(index, "") for index in range(len(frame))]
        return frame

    def __repr__(self) -> str:
        return (
            f"<Trend of {self.metric} of {self.name!r}: {plural(len(self.points), 'run')},"
            f" {plural(len(self.changes), 'change')}>"
        )
