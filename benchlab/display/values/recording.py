"""A recording, as people see it: what was read of what, and the requests by route."""

from __future__ import annotations

from collections import Counter

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.plan.recording import Recording
from benchlab.plan.recording.routes import route_of
from benchlab.plan.recording.skipped import describe_skipped
from benchlab.units import format_count, format_rate, format_ratio

__all__ = ["view"]

_ROUTES_SHOWN = 25


def view(recording: Recording) -> ResultView:
    """How many requests, when, in how many sessions; what was left out; the routes."""
    skipped = describe_skipped(recording.counts.skipped)
    return ResultView(
        title=recording.source,
        banner="recording",
        level="neutral",
        sentence=recording.describe(),
        facts=_facts(recording),
        tables=(_routes(recording),),
        notes=(*recording.notes, *([f"Not taken: {', '.join(skipped)}."] if skipped else [])),
    )


def _facts(recording: Recording) -> tuple[tuple[str, str], ...]:
    counts, length_s = recording.counts, recording.length_s
    rate = [("mean rate", format_rate(len(recording) / length_s))] if length_s else []
    started = recording.started_at
    return (
        ("read", format_count(counts.read)),
        ("kept", format_count(counts.kept)),
        *(
            [("first arrival", f"{started:%Y-%m-%d %H:%M:%S.%f} UTC")]
            if recording.started_ns
            else []
        ),
        *rate,
        ("sessions", format_count(recording.session_count)),
    )


def _routes(recording: Recording) -> Table:
    """A row per method and route, the most frequent first."""
    columns = recording.requests
    routes = [route_of(path) for path in columns.path.values]
    pairs = Counter(zip(columns.method.index.tolist(), columns.path.index.tolist(), strict=True))
    found: Counter[str] = Counter()
    for (method, path), count in pairs.items():
        found[f"{columns.method.values[method]} {routes[path]}"] += count
    rows = [
        [name, format_count(count), format_ratio(count / len(recording))]
        for name, count in found.most_common(_ROUTES_SHOWN)
    ]
    hidden = len(found) - len(rows)
    note = f"and {hidden:,} more" if hidden > 0 else ""
    return Table(["route", "requests", "share"], rows, note=note)
