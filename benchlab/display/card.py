"""The card that a notebook shows for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchlab.analysis.histogram import EDGES_NS, count_by_bucket
from benchlab.display.html import LEVEL_COLORS, STYLE, html_table, html_text
from benchlab.display.run_view import ExampleLine, RunView, view
from benchlab.units import format_ms

if TYPE_CHECKING:
    from benchlab.runs.run import Run
    from benchlab.samples.samples import Samples

__all__ = ["run_card"]

_WIDTH, _HEIGHT = 300, 84
_FEWEST_BARS = 12


def run_card(run: Run) -> str:
    """HTML that shows ``run`` at a glance: verdict, plan, numbers and a small histogram.

    Complete in itself: no script, nothing loaded from anywhere, every text escaped.
    """
    shown = view(run)
    color = LEVEL_COLORS[shown.level]
    return "".join(
        [
            STYLE,
            '<div class="benchlab-card"><div class="bl-head">',
            f'<span class="bl-badge" style="background:{color}">{html_text(shown.banner)}</span>',
            f'<span class="bl-name">{html_text(shown.name)}</span>',
            f'<span class="bl-quiet">{html_text(f"run {shown.id} · {shown.started}")}</span></div>',
            f'<div class="bl-quiet">{html_text(shown.target)}</div>',
            f'<div class="bl-quiet">{html_text(shown.load)}; {html_text(shown.window)}</div>',
            _reason(shown),
            *(f'<div class="bl-warning">{html_text(text)}</div>' for text in shown.warnings),
            *(f"<div>{html_text(text)}</div>" for text in shown.hints),
            '<div class="bl-facts">',
            *(f"<span>{name} <b>{html_text(value)}</b></span>" for name, value in shown.facts),
            "</div>",
            f"<div>errors by kind: {html_text(shown.error_kinds)}</div>"
            if shown.error_kinds
            else "",
            _examples(shown),
            '<div class="bl-body">',
            _durations(shown),
            _picture(run.measured) if shown.durations else "",
            f'</div><div class="bl-quiet">{html_text(shown.floor)}</div>',
            html_table(shown.objectives, "bl-slo"),
            html_table(shown.endpoints),
            html_table(shown.faults),
            html_table(shown.hosts, "bl-slo"),
            "</div>",
        ]
    )


def _reason(shown: RunView) -> str:
    if not shown.reason:
        return ""
    hint = f"<div>Hint: {html_text(shown.hint)}</div>" if shown.hint else ""
    return f'<div class="bl-reason">{html_text(shown.reason)}{hint}</div>'


def _error_kinds(shown: RunView) -> str:
    kinds = html_text(shown.error_kinds)
    return f"<div>errors by kind: {kinds}</div>" if kinds else ""


def _examples(shown: RunView) -> str:
    lines = "".join(f"<li>{_example(example)}</li>" for example in shown.examples)
    return f'<ul class="bl-examples">{lines}</ul>' if lines else ""


def _example(example: ExampleLine) -> str:
    where = f"{example.endpoint}: " if example.endpoint else ""
    return f"<b>{html_text(example.kind)}</b> {html_text(where + example.text)}"


def _durations(shown: RunView) -> str:
    if not shown.durations:
        return '<div class="bl-quiet">no samples, so no percentiles</div>'
    durations = html_table(shown.duration_table)
    return f"<div>{durations}{html_table(shown.intervals, 'bl-intervals')}</div>"


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
