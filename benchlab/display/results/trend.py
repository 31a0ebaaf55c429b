"""The trend of a metric as people see it."""

from __future__ import annotations

from typing import Final

from benchlab.analysis.trend import Direction, Trend, TrendChange, TrendPoint
from benchlab.display.banner import Level
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.text import one_line, plural

__all__ = ["commit_of", "view"]

_LEVELS: Final[dict[Direction, Level]] = {"worse": "bad", "better": "good"}
_MOST_LEFT_OUT = 5
_COMMIT = 10  # characters


def view(result: Trend) -> ResultView:
    """Whether there is a regression and since when; the changes, breaks and runs left out."""
    regression = result.regression
    latest = result.changes[-1] if result.changes else None
    if regression is not None:
        banner, level = "regression", _LEVELS["worse"]
    elif latest is not None:
        banner, level = f"latest change: {latest.direction}", _LEVELS["better"]
    else:
        banner, level = "no change", "neutral"
    return ResultView(
        title=f"{result.name}: {result.metric_of.label} of {plural(len(result.points), 'run')}",
        banner=banner,
        level=level,
        sentence=_sentence(result),
        facts=(
            *_level(result),
            ("smallest change named", f"{100 * result.noise_floor:.2g} %"),
            *([("left out", plural(len(result.left_out), "run"))] if result.left_out else []),
        ),
        warnings=result.warnings,
        tables=tuple(
            table for table in (_changes(result), _breaks(result), _left_out(result)) if table.rows
        ),
        notes=(
            "A change takes two detectors (E-divisive with p ≤ 0.001, and optimal partitioning) and"
            " three runs after it. The range holds the first run after it with 95 % confidence.",
        ),
    )


def commit_of(point: TrendPoint) -> str:
    """The commit of a run in short, ``+`` if files differed from it; else the run's id."""
    if point.git_commit is None:
        return f"run {point.run_id}"
    return one_line(point.git_commit, 60)[:_COMMIT] + ("+" if point.git_dirty else "")


def _sentence(result: Trend) -> str:
    if not result.points:
        return "None of the runs can be used."
    latest = result.regression or (result.changes[-1] if result.changes else None)
    if latest is None:
        return f"No change of {result.metric_of.label} in {plural(len(result.points), 'run')}."
    name = result.metric_of.label
    return (
        f"{name[0].upper()}{name[1:]} got {latest.direction}, {_by(result, latest)}, after"
        f" {commit_of(latest.last_good)} and by {commit_of(latest.first_bad)}."
    )


def _by(result: Trend, change: TrendChange) -> str:
    before, after = (_value(result, value) for value in (change.before, change.after))
    relative = "" if change.ratio is None else f" ({100 * (change.ratio - 1):+.1f} %)"
    return f"from {before} to {after}{relative}"


def _level(result: Trend) -> list[tuple[str, str]]:
    if not result.points:
        return []
    start, end = list(result.segments)[-1]
    values = sorted(point.value for point in result.points[start:end])
    now = _value(result, values[len(values) // 2])
    return [("level now", f"{now}, {plural(len(values), 'run')}")]


def _changes(result: Trend) -> Table:
    rows = [
        [
            f"{result.points[change.index].started_at:%Y-%m-%d %H:%M}",
            change.direction,
            _value(result, change.before),
            _value(result, change.after),
            "–" if change.ratio is None else f"{100 * (change.ratio - 1):+.1f} %",
            f"{commit_of(change.last_good)} ({change.last_good.run_id})",
            f"{commit_of(change.first_bad)} ({change.first_bad.run_id})",
        ]
        for change in reversed(result.changes)
    ]
    levels = [_LEVELS[change.direction] for change in reversed(result.changes)]
    head = ["since", "change", "before", "after", "by", "last good", "first bad"]
    return Table(head, rows, levels, title="changes, newest first")


def _breaks(result: Trend) -> Table:
    rows = [
        [
            f"{result.points[item.index].started_at:%Y-%m-%d %H:%M}",
            item.run_id,
            one_line("; ".join(item.differences), 200),
        ]
        for item in reversed(result.breaks)
    ]
    return Table(
        ["since", "run", "before and after"],
        rows,
        note="values on both sides are not compared",
        title="breaks: another host or plan",
    )


def _left_out(result: Trend) -> Table:
    shown = result.left_out[-_MOST_LEFT_OUT:]
    more = len(result.left_out) - len(shown)
    rows = [
        [f"{item.started_at:%Y-%m-%d %H:%M}", item.run_id, one_line(item.reason, 100)]
        for item in reversed(shown)
    ]
    note = f"and {plural(more, 'older run')}" if more else ""
    return Table(["run of", "run", "reason"], rows, note=note, title="left out")


def _value(result: Trend, value: float) -> str:
    metric = result.metric_of
    return f"{metric.shown(value):,.4g} {metric.shown_unit}"
