"""The card that a notebook shows for a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from benchlab.analysis.histogram import EDGES_NS, count_by_bucket
from benchlab.display.banner import Level
from benchlab.display.run_view import ExampleLine, RunView, Table, view
from benchlab.samples.statistics import STATISTICS
from benchlab.units import format_column_ms, format_ms

if TYPE_CHECKING:
    from benchlab.runs.run import Run
    from benchlab.samples.samples import Samples

__all__ = ["run_card"]

_COLORS: Mapping[Level, str] = {
    "good": "#1a7f37",
    "bad": "#b42318",
    "caution": "#8f5a00",
    "neutral": "#3b5b8c",
}
_WIDTH, _HEIGHT = 300, 84
_FEWEST_BARS = 12

# Only inherited colours and translucent greys, so that the card fits light and dark notebooks.
_STYLE = """<style>
.benchlab-card{max-width:60rem;padding:.9em 1.1em;border:1px solid rgba(128,128,128,.4);
border-radius:8px;font-size:13px;line-height:1.45;color:inherit}
.benchlab-card div{margin:.15em 0}
.benchlab-card .bl-head{display:flex;flex-wrap:wrap;gap:.2em .7em;align-items:center}
.benchlab-card .bl-name{font-size:1.2em;font-weight:600;overflow-wrap:anywhere}
.benchlab-card .bl-badge{padding:.1em .7em;border-radius:1em;color:#fff;font-weight:600}
.benchlab-card .bl-quiet{opacity:.75;overflow-wrap:anywhere}
.benchlab-card .bl-reason{padding:.4em .7em;border-left:4px solid #b42318;
background:rgba(180,35,24,.12)}
.benchlab-card .bl-warning{padding:.2em .7em;border-left:4px solid #8f5a00;
background:rgba(143,90,0,.12)}
.benchlab-card ul.bl-examples{margin:.2em 0;padding-left:1.3em;overflow-wrap:anywhere}
.benchlab-card .bl-facts{display:flex;flex-wrap:wrap;gap:.3em 2em;margin:.6em 0}
.benchlab-card .bl-facts b{font-size:1.15em;font-variant-numeric:tabular-nums}
.benchlab-card .bl-body{display:flex;flex-wrap:wrap;gap:1em 2em;align-items:flex-end}
.benchlab-card .bl-scroll{overflow-x:auto;max-width:100%}
.benchlab-card table{border-collapse:collapse;font-size:12.5px;font-variant-numeric:tabular-nums;
margin:0;border:0}
.benchlab-card tr,.benchlab-card td,.benchlab-card th{background:none!important;border:0}
.benchlab-card td,.benchlab-card th{padding:.2em .6em;text-align:right;white-space:nowrap}
.benchlab-card thead th{border-bottom:1px solid rgba(128,128,128,.5);font-weight:600}
.benchlab-card .bl-slo{margin-top:.8em}
.benchlab-card .bl-slo td,.benchlab-card .bl-slo th{text-align:left}
.benchlab-card .bl-bad{font-weight:600;box-shadow:inset 3px 0 #b42318}
.benchlab-card .bl-good{box-shadow:inset 3px 0 #1a7f37}
.benchlab-card tr>:first-child{text-align:left;padding-left:0;font-weight:600}
</style>"""


def run_card(run: Run) -> str:
    """HTML that shows ``run`` at a glance: verdict, plan, numbers and a small histogram.

    Complete in itself: no script, nothing loaded from anywhere, every text escaped.
    """
    shown = view(run)
    color = _COLORS[shown.level]
    return "".join(
        [
            _STYLE,
            '<div class="benchlab-card"><div class="bl-head">',
            f'<span class="bl-badge" style="background:{color}">{escape(shown.banner)}</span>',
            f'<span class="bl-name">{escape(shown.name)}</span>',
            f'<span class="bl-quiet">run {escape(shown.id)} · {escape(shown.started)}</span></div>',
            f'<div class="bl-quiet">{escape(shown.target)}</div>',
            f'<div class="bl-quiet">{escape(shown.load)}; {escape(shown.window)}</div>',
            _reason(shown),
            *(f'<div class="bl-warning">{escape(text)}</div>' for text in shown.warnings),
            '<div class="bl-facts">',
            *(f"<span>{name} <b>{escape(value)}</b></span>" for name, value in shown.facts),
            "</div>",
            f"<div>errors by kind: {escape(shown.error_kinds)}</div>" if shown.error_kinds else "",
            _examples(shown),
            '<div class="bl-body">',
            _durations(shown),
            _picture(run.measured) if shown.durations else "",
            f'</div><div class="bl-quiet">{escape(shown.floor)}</div>',
            _table(shown.objectives, "bl-slo"),
            _table(shown.endpoints),
            "</div>",
        ]
    )


def _reason(shown: RunView) -> str:
    if not shown.reason:
        return ""
    hint = f"<div>Hint: {escape(shown.hint)}</div>" if shown.hint else ""
    return f'<div class="bl-reason">{escape(shown.reason)}{hint}</div>'


def _examples(shown: RunView) -> str:
    lines = "".join(f"<li>{_example(example)}</li>" for example in shown.examples)
    return f'<ul class="bl-examples">{lines}</ul>' if lines else ""


def _example(example: ExampleLine) -> str:
    where = f"{example.endpoint}: " if example.endpoint else ""
    return f"<b>{escape(example.kind)}</b> {escape(where + example.text)}"


def _durations(shown: RunView) -> str:
    if not shown.durations:
        return '<div class="bl-quiet">no samples, so no percentiles</div>'
    rows = [
        (name, *format_column_ms(list(part.to_dict().values())))
        for name, part in shown.durations.items()
    ]
    return _table(Table(["ms", *STATISTICS.values()], rows))


def _table(table: Table, kind: str = "") -> str:
    """A table whose first column names the rows; nothing without rows.

    The level of a result is the class of its cell.
    """
    if not table.rows:
        return ""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{_cells(cells, level)}</tr>'
        for (name, *cells), level in zip_longest(table.rows, table.levels)
    )
    note = f'<div class="bl-quiet">{escape(table.note)}</div>' if table.note else ""
    return (
        f'<div class="{f"bl-scroll {kind}".rstrip()}"><table><thead><tr>{columns}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{note}"
    )


def _cells(texts: Sequence[str], level: Level | None) -> str:
    """The cells beside a row's name, the first in the colour of ``level``."""
    color = "" if level is None else f' class="bl-{level}"'
    first, *others = texts
    return f"<td{color}>{escape(first)}</td>" + "".join(f"<td>{escape(o)}</td>" for o in others)


def _picture(measured: Samples) -> str:
    """Latencies in the buckets of `histogram_table`, so that cards compare: equal widths."""
    counts = count_by_bucket(measured, "latency_ns")
    filled = np.flatnonzero(counts)
    first, end = int(filled[0]), int(filled[-1]) + 1
    lacking = max(_FEWEST_BARS - (end - first), 0)  # a single bar should not fill the picture
    first = max(first - lacking // 2, 0)
    end = min(max(end, first + _FEWEST_BARS), len(counts))
    counts, low, high = counts[first:end], int(EDGES_NS[first]), int(EDGES_NS[end])
    base, step = _HEIGHT - 16, _WIDTH / len(counts)
    heights = np.log1p(counts) / np.log1p(counts.max()) * (base - 4)
    bars = "".join(
        f"M{index * step:.1f} {base}v{-height:.1f}h{step:.1f}v{height:.1f}z"
        for index, height in enumerate(heights)
        if height > 0
    )
    text = f"Histogram of latencies from {format_ms(low)} to {format_ms(high)}"
    label = f'font-size="11" fill="currentColor" y="{_HEIGHT - 3}"'
    return (
        f'<svg role="img" aria-label="{text}" width="{_WIDTH}" height="{_HEIGHT}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}"><title>{text}; both scales logarithmic</title>'
        f'<path d="{bars}" fill="#3b8ccf"/>'
        f'<path d="M0 {base}h{_WIDTH}" stroke="currentColor" stroke-opacity=".5"/>'
        f'<text x="0" {label}>{format_ms(low)}</text>'
        f'<text x="{_WIDTH / 2:.0f}" text-anchor="middle" {label}>latency</text>'
        f'<text x="{_WIDTH}" text-anchor="end" {label}>{format_ms(high)}</text></svg>'
    )
