"""The card that a notebook shows for a run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from benchlab.display.tables import ENDPOINT_HEAD, endpoint_rows
from benchlab.display.text import OBJECTIVE_HEAD, floor_in_words, objective_rows, window_in_words
from benchlab.samples.examples import show_first
from benchlab.samples.summary import STATISTICS
from benchlab.text import one_line
from benchlab.units import (
    format_bytes,
    format_column_ms,
    format_count,
    format_ms,
    format_rate,
    format_ratio,
)

if TYPE_CHECKING:
    from benchlab.runs.run import Run

__all__ = ["run_card"]

_EXAMPLES_SHOWN = 5
_RESULTS = ("met", "broken")
_BADGE = {
    "valid": "#1a7f37",
    "invalid": "#b42318",
    "interrupted": "#8f5a00",
    "imported": "#3b5b8c",
}
_BINS, _WIDTH, _HEIGHT = 60, 300, 84

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
.benchlab-card .bl-broken{font-weight:600;box-shadow:inset 3px 0 #b42318}
.benchlab-card .bl-met{box-shadow:inset 3px 0 #1a7f37}
.benchlab-card tr>:first-child{text-align:left;padding-left:0;font-weight:600}
</style>"""


def run_card(run: Run) -> str:
    """HTML that shows ``run`` at a glance: verdict, plan, numbers and a small histogram.

    Complete in itself: no script, nothing loaded from anywhere, every text escaped.
    """
    stats = run.summary
    target = run.plan.describe_requests()
    when = run.started_at.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    reason = ""
    if run.invalid_reason:
        hint = f"<div>Hint: {escape(run.hint)}</div>" if run.hint else ""
        reason = f'<div class="bl-reason">{escape(run.invalid_reason)}{hint}</div>'
    warnings = "".join(
        f'<div class="bl-warning">{escape(warning)}</div>' for warning in run.warnings
    )
    intended = stats.intended_rate_rps
    load = run.plan.load.describe()
    facts = [
        ("requests", format_count(stats.count)),
        ("achieved", format_rate(stats.rate_rps)),
        *([("intended", format_rate(intended))] if intended is not None else []),
        ("errors", f"{format_count(stats.error_count)} ({format_ratio(stats.error_ratio)})"),
        ("received", format_bytes(stats.bytes_in)),
    ]
    errors = ", ".join(f"{kind} {format_count(count)}" for kind, count in stats.errors.items())
    return "".join(
        [
            _STYLE,
            '<div class="benchlab-card"><div class="bl-head">',
            f'<span class="bl-badge" style="background:{_BADGE[run.verdict]}">{run.verdict}</span>',
            f'<span class="bl-name">{escape(run.name)}</span>',
            f'<span class="bl-quiet">run {escape(run.id)} · {escape(when)}</span></div>',
            f'<div class="bl-quiet">{escape(target)}</div>',
            f'<div class="bl-quiet">{escape(load)}; {escape(window_in_words(run))}</div>',
            reason,
            warnings,
            '<div class="bl-facts">',
            *(f"<span>{name} <b>{escape(value)}</b></span>" for name, value in facts),
            "</div>",
            f"<div>errors by kind: {escape(errors)}</div>" if errors else "",
            _examples(run),
            '<div class="bl-body">',
            _table(run),
            _picture(run),
            f'</div><div class="bl-quiet">{escape(floor_in_words(run))}</div>',
            _objectives(run),
            _endpoints(run),
            "</div>",
        ]
    )


def _examples(run: Run) -> str:
    shown = show_first(run.examples, run.plan.warmup_ns, _EXAMPLES_SHOWN)
    lines = "".join(
        f"<li><b>{escape(item.kind)}</b> {escape(one_line(item.endpoint, 60))}:"
        f" {escape(item.describe(warmup=warmup))}</li>"
        for item, warmup in shown
    )
    return f'<ul class="bl-examples">{lines}</ul>' if lines else ""


def _table(run: Run) -> str:
    stats = run.summary
    parts = (
        ("latency", stats.latency_ns),
        ("service time", stats.service_ns),
        ("lag", stats.lag_ns),
    )
    if stats.latency_ns is None:
        return '<div class="bl-quiet">no samples, so no percentiles</div>'
    rows = [
        (name, *format_column_ms(list(part.to_dict().values()))) for name, part in parts if part
    ]
    return _html_table(["ms", *STATISTICS.values()], rows)


def _endpoints(run: Run) -> str:
    return _html_table(ENDPOINT_HEAD, endpoint_rows(run))


def _objectives(run: Run) -> str:
    return _html_table(OBJECTIVE_HEAD, objective_rows(run), "bl-slo")


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table whose first column names the rows; nothing without rows.

    A cell that is the result of an objective has that as its class too.
    """
    if not rows:
        return ""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell, cells))}</tr>'
        for name, *cells in rows
    )
    return (
        f'<div class="{f"bl-scroll {kind}".rstrip()}"><table><thead><tr>{columns}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    result = f' class="bl-{text}"' if text in _RESULTS else ""
    return f"<td{result}>{escape(text)}</td>"


def _picture(run: Run) -> str:
    latency = run.summary.latency_ns
    if latency is None:
        return ""
    low, high = max(latency.min, 1), max(latency.max, 1)
    edges = np.geomspace(low / 1.01, high * 1.01, _BINS + 1)
    counts = np.zeros(_BINS, dtype=np.int64)
    for latency_ns in run.measured.in_blocks("latency_ns"):
        counts += np.histogram(np.maximum(latency_ns, 1), edges)[0]
    base, step = _HEIGHT - 16, _WIDTH / _BINS
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
