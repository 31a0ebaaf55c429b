"""``benchlab calibrate``: measure the latency that this machine adds."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchlab.cli.terminal.console import console, error_console
from benchlab.cli.terminal.run import progress_bar
from benchlab.display.terminal import durations_table
from benchlab.errors import RunError
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import floor_path, read_floor
from benchlab.runs.floor import NOT_CALIBRATED, Floor, mismatch
from benchlab.units import NS_PER_MS, format_count

__all__ = ["calibrate", "print_floor"]


@click.command()
@click.option("--quick", is_flag=True, help="take 5 s instead of 20 s, with fewer requests")
@click.option("--show", is_flag=True, help="show the stored calibration, measure nothing")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def calibrate(quick: bool, show: bool, as_json: bool) -> int:
    """Measure the latency that this machine adds: its noise floor.

    Runs a load test against a server of benchlab's own, which records how long it held each
    request. Any time measured beyond that was added by the kernel and by benchlab. The result is
    stored in the data directory and included in every later run on this machine. Calibrate while
    the machine is idle.

    With --show, the exit code is 1 if there is no calibration, or the machine has changed since.

    \b
    Examples:
      benchlab calibrate
      benchlab calibrate --quick
      benchlab calibrate --show --json
    """
    if show:
        return _show(as_json)
    from benchlab.calibration.measure import calibrate as measure

    with progress_bar("calibrating against a server of known latency") as on_progress:
        floor = measure(quick=quick, on_progress=on_progress)
    _print(floor, as_json)
    error_console().print(Text(f"saved in {floor_path()}; later runs include it"))
    return 0


def _show(as_json: bool) -> int:
    floor = read_floor()
    if floor is None:
        raise RunError(NOT_CALIBRATED)
    _print(floor, as_json)
    problem = mismatch(floor, capture_environment())
    if problem:
        error_console().print(Text(f"benchlab: {problem}", style="yellow"))
    return 1 if problem else 0


def _print(floor: Floor, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(floor.to_dict(), indent=2))
    else:
        print_floor(floor, console())


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


def _probes(floor: Floor) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("  hold", no_wrap=True)
    for name in ("requests", "actual hold p50", "added p50", "added p99", "added p99.9"):
        table.add_column(name, justify="right")
    for probe in floor.probes:
        added = probe.latency_ns
        held_ns = probe.hold_ns + probe.missed_ns.p50
        values = (f"{ns / NS_PER_MS:,.3f}" for ns in (held_ns, added.p50, added.p99, added.p99_9))
        hold = f"{probe.hold_ns / NS_PER_MS:g} ms" if probe.hold_ns else "none"
        table.add_row(f"  {hold}", format_count(probe.count), *values)
    return table
