"""A live view as text: for terminals, logs, and notebooks that are read as text."""

from __future__ import annotations

import math

from benchlab.display.live.live_view import Chart, LiveView, Row
from benchlab.display.spark import Spark
from benchlab.text import printable
from benchlab.units import format_time_s

__all__ = [
    "bar",
    "left_text",
    "live_line",
    "live_markdown",
    "live_text",
    "met_text",
    "sparks_of",
    "state",
]

_SPARK_WIDTH = 40


def live_text(view: LiveView) -> str:
    """``view`` in several lines: what it is, how far it is, its numbers, charts as small sparks.

    >>> print(live_text(LiveView(title="GET /", phase="measuring", done_ratio=0.5, done="5/10 s")))
    GET / · measuring
    ██████████░░░░░░░░░░ 5/10 s
    """
    lines = [f"{view.title} · {state(view)}"]
    if (progress := _progress(view)) != "":
        lines.append(progress)
    if view.numbers:
        lines.append(" · ".join(f"{item.label} {item.text}" for item in view.numbers))
    sparks = [(name, drawn) for chart in view.charts for name, drawn in sparks_of(chart)]
    width = max((len(name) for name, _ in sparks), default=0)
    lines += (f"{name:<{width}} {drawn}" for name, drawn in sparks)
    lines += (row_text(row) for row in view.rows)
    return "\n".join(printable(line) for line in lines)


def live_line(view: LiveView) -> str:
    """``view`` in one line, for a log."""
    parts = [view.title, state(view), view.done, left_text(view)]
    parts += (f"{item.label} {item.text}" for item in view.numbers)
    return printable(" · ".join(part for part in parts if part))


def live_markdown(view: LiveView) -> str:
    """``view`` as Markdown: its text, which needs its lines and its widths."""
    fence = "```"
    text = live_text(view).replace(fence, "'''")
    return f"{fence}text\n{text}\n{fence}"


def state(view: LiveView) -> str:
    """The phase, or that a stop was requested."""
    if not view.stop_requested:
        return view.phase
    return "stopped early" if view.finished else "stopping …"


def left_text(view: LiveView) -> str:
    """The time that is left; empty if it is unknown or nothing is left."""
    if view.left_s is None or view.finished or view.stop_requested:
        return ""
    return f"{format_time_s(math.ceil(max(0.0, view.left_s)))} left"


def row_text(row: Row) -> str:
    """A condition as it stands."""
    return f"{met_text(row.met)} {row.name} {row.observed}" if row.observed else row.name


def met_text(met: bool | None) -> str:
    """A sign of whether a condition is met, that does not hang on its colour."""
    return "·" if met is None else "✓" if met else "✗"


def bar(ratio: float, width: int = 20) -> str:
    """A bar of ``width`` characters."""
    full = round(min(max(ratio, 0.0), 1.0) * width)
    return "█" * full + "░" * (width - full)


def sparks_of(chart: Chart) -> list[tuple[str, str]]:
    """Name and latest numbers of each line of ``chart``, the last of them as a number too."""
    found = []
    for line in chart.lines:
        recent = list(line.y)[-_SPARK_WIDTH:]
        known = [value for value in recent if math.isfinite(value)]
        if known:
            name = chart.title if len(chart.lines) == 1 else f"{chart.title} {line.name}"
            unit = f" {chart.y_axis.unit}" if chart.y_axis.unit else ""
            found.append((name, f"{Spark(recent, name)} {known[-1]:,.4g}{unit}"))
    return found


def _progress(view: LiveView) -> str:
    if view.done_ratio is None:
        return view.done
    parts = [part for part in (view.done, left_text(view)) if part]
    return f"{bar(view.done_ratio)} {' · '.join(parts)}".rstrip()
