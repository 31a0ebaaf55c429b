"""A run in words, and as the card that a notebook shows for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from benchlab.units import (
    NS_PER_MS,
    NS_PER_S,
    format_bytes,
    format_count,
    format_rate,
    format_ratio,
)
from benchlab.values.load import ClosedLoop, ConstantRate, Load
from benchlab.values.summary import PERCENTILES, Distribution

if TYPE_CHECKING:
    from benchlab.values.run import Run

__all__ = [
    "STATISTICS",
    "format_column_ms",
    "format_ms",
    "load_in_words",
    "run_card",
    "url_without_password",
    "verdict_in_words",
    "window_in_words",
]

STATISTICS = {
    "mean": "mean",
    "min": "min",
    **{key: key.replace("_", ".") for key in PERCENTILES},
    "max": "max",
}
"""What is said of a duration: key and the name people see, in the order they read them."""

_BADGE = {"valid": "#1a7f37", "invalid": "#b42318", "interrupted": "#8f5a00"}
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
.benchlab-card .bl-facts{display:flex;flex-wrap:wrap;gap:.3em 2em;margin:.6em 0}
.benchlab-card .bl-facts b{font-size:1.15em;font-variant-numeric:tabular-nums}
.benchlab-card .bl-body{display:flex;flex-wrap:wrap;gap:1em 2em;align-items:flex-end}
.benchlab-card .bl-scroll{overflow-x:auto;max-width:100%}
.benchlab-card table{border-collapse:collapse;font-size:12.5px;font-variant-numeric:tabular-nums;
margin:0;border:0}
.benchlab-card tr,.benchlab-card td,.benchlab-card th{background:none!important;border:0}
.benchlab-card td,.benchlab-card th{padding:.2em .6em;text-align:right;white-space:nowrap}
.benchlab-card thead th{border-bottom:1px solid rgba(128,128,128,.5);font-weight:600}
.benchlab-card tr>:first-child{text-align:left;padding-left:0;font-weight:600}
</style>"""


def run_card(run: Run) -> str:
    """HTML that shows ``run`` at a glance: verdict, plan, numbers and a small histogram.

    Complete in itself: no script, nothing loaded from anywhere, every text escaped.
    """
    stats = run.stats
    request = run.plan.requests[0]
    more = f" and {len(run.plan.requests) - 1} more" if len(run.plan.requests) > 1 else ""
    target = f"{request.method} {url_without_password(request.url)}{more}"
    when = run.started_at.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    reason = (
        f'<div class="bl-reason">{escape(run.invalid_reason)}</div>' if run.invalid_reason else ""
    )
    intended = stats.intended_rate_rps
    load = load_in_words(run.plan.load)
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
            '<div class="bl-facts">',
            *(f"<span>{name} <b>{escape(value)}</b></span>" for name, value in facts),
            "</div>",
            f"<div>errors by kind: {escape(errors)}</div>" if errors else "",
            '<div class="bl-body">',
            _table(run),
            _picture(run),
            "</div></div>",
        ]
    )


def load_in_words(load: Load) -> str:
    """What the load shape does, as a phrase."""
    if isinstance(load, ClosedLoop):
        noun = "connection" if load.connections == 1 else "connections"
        return (
            f"closed loop of {load.connections:,} {noun},"
            " each sending its next request when its last is answered"
        )
    spacing = "equal" if isinstance(load, ConstantRate) else "random (Poisson)"
    return f"open loop of {load.rate_rps:,.10g} requests/s at {spacing} intervals"


def window_in_words(run: Run) -> str:
    """How long was measured, after how long a warm-up."""
    plan = run.plan
    after = f"after {plan.warmup_s:g} s of warm-up" if plan.warmup_s else "without a warm-up"
    if run.stopped_ns is None:
        return f"{plan.duration_s:g} s measured {after}"
    start_ns, end_ns = run.window_ns
    return (
        f"{(end_ns - start_ns) / NS_PER_S:.3g} s measured {after},"
        f" then stopped early: {plan.duration_s:g} s were planned"
    )


def verdict_in_words(run: Run) -> str:
    """What the verdict means for somebody who is about to use the numbers."""
    if run.verdict == "valid":
        if isinstance(run.plan.load, ClosedLoop):
            return (
                "The load generator had capacity to spare,"
                " so these numbers describe the service and the network to it."
            )
        return (
            "The load generator kept its schedule,"
            " so these numbers describe the service and the network to it."
        )
    if run.verdict == "interrupted":
        return "The run did not reach its end. Compare its numbers with care, if at all."
    return "Do not take these numbers as a measurement of the service."


def url_without_password(url: str) -> str:
    """``url`` with the password in it, if any, replaced by three stars."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}"))


def format_column_ms(values_ns: Sequence[int]) -> list[str]:
    """Durations in ms with the same number of decimals, so that a column of them lines up.

    The smallest above zero keeps three significant digits; nothing is finer than a microsecond.
    """
    smallest = min((abs(value) for value in values_ns if value), default=0) / NS_PER_MS
    decimals = min(3, max(0, 2 - math.floor(math.log10(smallest)))) if smallest > 0 else 0
    return [f"{value / NS_PER_MS:,.{decimals}f}" for value in values_ns]


def format_ms(value_ns: int) -> str:
    """A duration in ms with its unit and three significant digits, as `format_column_ms` has it.

    Durations that stand beside each other are told in one unit; that of people's numbers is ms.
    """
    return f"{format_column_ms([value_ns])[0]} ms"


def _table(run: Run) -> str:
    stats = run.stats
    parts = (
        ("latency", stats.latency_ns),
        ("service time", stats.service_ns),
        ("lag", stats.lag_ns),
    )
    if stats.latency_ns is None:
        return '<div class="bl-quiet">no samples, so no percentiles</div>'
    head = "".join(f'<th scope="col">{name}</th>' for name in STATISTICS.values())
    rows = "".join(_row(name, part) for name, part in parts if part)
    return (
        '<div class="bl-scroll"><table><thead><tr><th scope="col">ms</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(name: str, part: Distribution) -> str:
    cells = "".join(f"<td>{text}</td>" for text in format_column_ms(list(part.to_dict().values())))
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _picture(run: Run) -> str:
    latency_ns = np.maximum(run.measured.latency_ns, 1)
    if len(latency_ns) == 0:
        return ""
    low, high = int(latency_ns.min()), int(latency_ns.max())
    edges = np.geomspace(low / 1.01, high * 1.01, _BINS + 1)
    counts = np.histogram(latency_ns, edges)[0]
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
