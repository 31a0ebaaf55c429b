"""The noise floor of a host, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.run_view import duration_table
from benchlab.display.table import Table
from benchlab.runs.floor import Floor
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_count, format_ms

__all__ = ["view"]

_PROBE_HEAD = ("hold", "requests", "actual hold p50", "added p50", "added p99", "added p99.9")


def view(floor: Floor) -> ResultView:
    """What is added to a latency, overall and by hold time, and the most that a worker can do."""
    parts = {
        "to latency": floor.latency_ns,
        "to service time": floor.service_ns,
        "of that, lag": floor.lag_ns,
    }
    quick = ", quick" if floor.quick else ""
    timer = floor.timer
    return ResultView(
        title=f"noise floor of {floor.host.get('host')}, {floor.measured_at:%Y-%m-%d %H:%M %Z}",
        banner="disturbed" if floor.warnings else "calibrated",
        level="caution" if floor.warnings else "neutral",
        sentence=(
            f"this host adds {format_ms(floor.latency_ns.p50)} to a latency at p50 and"
            f" {format_ms(floor.latency_ns.p99)} at p99"
        ),
        facts=(
            (
                "maximum rate of a worker",
                f"{floor.describe_max_rate()} (closed loop; it used"
                f" {floor.max_rate_cpu_ratio:.0%} of a core)",
            ),
        ),
        warnings=floor.warnings,
        tables=(
            duration_table(parts)._replace(
                title="Added to the time for which the server held the request"
            ),
            _probes(floor),
        ),
        notes=(
            f"{plural(floor.count, 'request')} of one worker, Poisson arrivals at"
            f" {floor.rate_rps:g} requests/s{quick}; {floor.cores}",
            f"the server's timer: {timer.clock}, late by {timer.late_p50_ns / NS_PER_MS:.3f} ms at"
            f" p50 and {timer.late_p99_ns / NS_PER_MS:.3f} ms at p99 before correction",
        ),
    )


def _probes(floor: Floor) -> Table:
    rows = []
    for probe in floor.probes:
        added = probe.latency_ns
        held_ns = probe.hold_ns + probe.missed_ns.p50
        values = [f"{ns / NS_PER_MS:,.3f}" for ns in (held_ns, added.p50, added.p99, added.p99_9)]
        hold = f"{probe.hold_ns / NS_PER_MS:g} ms" if probe.hold_ns else "none"
        rows.append([hold, format_count(probe.count), *values])
    return Table(_PROBE_HEAD, rows, title="By the intended hold time, ms")
