"""The noise floor of a host, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.run_view import duration_table
from benchlab.display.table import Table
from benchlab.runs.floor import Floor
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_column_ms, format_count, format_ms

__all__ = ["view"]


def view(floor: Floor) -> ResultView:
    """What is added to a latency, overall and by hold time, and the most that a worker can do."""
    parts = {
        "to latency": floor.latency_ns,
        "to service time": floor.service_ns,
        "of that, lag": floor.lag_ns,
    }
    probes = [
        [
            f"{probe.hold_ns / NS_PER_MS:g} ms" if probe.hold_ns else "none",
            format_count(probe.count),
            *format_column_ms([probe.latency_ns.p50, probe.latency_ns.p99, probe.latency_ns.p99_9]),
        ]
        for probe in floor.probes
    ]
    quick = ", quick" if floor.quick else ""
    return ResultView(
        title=f"Noise floor of {floor.host.get('host')}",
        banner="disturbed" if floor.warnings else "calibrated",
        level="caution" if floor.warnings else "neutral",
        sentence=(
            f"this host adds {format_ms(floor.latency_ns.p50)} to a latency at p50 and"
            f" {format_ms(floor.latency_ns.p99)} at p99"
        ),
        facts=(("maximum rate of a worker", floor.describe_max_rate()),),
        warnings=floor.warnings,
        tables=(
            duration_table(parts)._replace(title="Added"),
            Table(["hold", "requests", "added p50, ms", "p99, ms", "p99.9, ms"], probes),
        ),
        notes=(
            f"{floor.measured_at:%Y-%m-%d %H:%M %Z}: {plural(floor.count, 'request')} of one"
            f" worker, Poisson arrivals at {floor.rate_rps:g} requests/s{quick}; {floor.cores}",
        ),
    )
