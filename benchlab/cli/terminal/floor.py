"""A noise floor on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from benchlab.display.fitted_table import Column, FittedTable
from benchlab.display.terminal import durations_table
from benchlab.runs.floor import Floor
from benchlab.units import NS_PER_MS, format_count

__all__ = ["print_floor"]

_PROBE_HEAD = ("hold", "requests", "actual hold p50", "added p50", "added p99", "added p99.9")


def print_floor(floor: Floor, out: Console) -> None:
    """Print the floor: the added latency, overall and by hold time, and a worker's maximum rate."""
    when = f"{floor.measured_at:%Y-%m-%d %H:%M %Z}"
    out.print(Text.assemble("noise floor of ", (str(floor.host.get("host")), "bold"), f", {when}"))
    quick = ", quick" if floor.quick else ""
    out.print(
        Text(
            f"  {format_count(floor.count)} requests of one worker, Poisson arrivals at"
            f" {floor.rate_rps:g} requests/s{quick}; {floor.cores}"
        )
    )
    for warning in floor.warnings:
        out.print(Text(f"  warning: {warning}", style="yellow"))
    out.print(Text("\n  added to the time for which the server held the request, ms:"))
    added = {
        "to latency": floor.latency_ns,
        "to service time": floor.service_ns,
        "of that, lag": floor.lag_ns,
    }
    out.print(durations_table(added))
    out.print(Text("\n  by the intended hold time, ms:"))
    out.print(_probes(floor))
    out.print(
        Text(
            f"\n  maximum rate of a worker: {floor.describe_max_rate()}"
            f" (closed loop; it used {floor.max_rate_cpu_ratio:.0%} of a core)"
        )
    )
    timer = floor.timer
    out.print(
        Text(
            f"  the server's timer: {timer.clock}, late by {timer.late_p50_ns / NS_PER_MS:.3f} ms"
            f" at p50 and {timer.late_p99_ns / NS_PER_MS:.3f} ms at p99 before correction"
        )
    )


def _probes(floor: Floor) -> FittedTable:
    rows = []
    for probe in floor.probes:
        added = probe.latency_ns
        held_ns = probe.hold_ns + probe.missed_ns.p50
        values = (f"{ns / NS_PER_MS:,.3f}" for ns in (held_ns, added.p50, added.p99, added.p99_9))
        hold = f"{probe.hold_ns / NS_PER_MS:g} ms" if probe.hold_ns else "none"
        rows.append([Text(text) for text in (hold, format_count(probe.count), *values)])
    columns = zip(_PROBE_HEAD, zip(*rows, strict=True), strict=True)
    return FittedTable(
        [Column(name, cells, is_number=name != "hold") for name, cells in columns], indent=2
    )
