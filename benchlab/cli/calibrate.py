"""``benchlab calibrate``: how much of a latency is this machine's own."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchlab.cli.terminal.output import console, distributions_table, error_console, progress_bar
from benchlab.errors import RunError
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import floor_path, read_floor
from benchlab.runs.floor import NOT_CALIBRATED, Floor, mismatch
from benchlab.units import NS_PER_MS, format_count

__all__ = ["calibrate", "print_floor"]


@click.command()
@click.option("--quick", is_flag=True, help="5 s instead of 20 s, with fewer requests")
@click.option("--show", is_flag=True, help="show what is stored, measure nothing")
@click.option("--json", "as_json", is_flag=True, help="as JSON on standard output")
def calibrate(quick: bool, show: bool, as_json: bool) -> int:
    """Measure the noise floor of this machine, under which no latency can be told.

    Makes load on a server of benchlab's own that says for how long it really held each request:
    what is measured beyond that was added by the kernel and by benchlab. The result is kept in the
    data directory, and every later run on this machine carries it. Calibrate while the machine is
    idle.

    With --show, the exit code is 1 when there is no calibration of this machine as it is now.

    \b
    Examples:
      benchlab calibrate
      benchlab calibrate --quick
      benchlab calibrate --show --json
    """
    if show:
        return _show(as_json)
    from benchlab.calibration.measure import calibrate as measure

    with progress_bar("calibrating: the engine against a server of known latency") as on_progress:
        floor = measure(quick=quick, on_progress=on_progress)
    _print(floor, as_json)
    error_console().print(Text(f"saved in {floor_path()}; later runs carry it"))
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
    """The floor for people: what was added, for each hold, and the most that a worker can send."""
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
    out.print(Text("\n  added to the time that the server held a request, ms:"))
    rows = [
        ("to latency", floor.latency_ns),
        ("to service time", floor.service_ns),
        ("of these, lag", floor.lag_ns),
    ]
    out.print(distributions_table(rows))
    out.print(Text("\n  by the time for which it was to be held, ms:"))
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
            f" at p50 and {timer.late_p99_ns / NS_PER_MS:.3f} ms at p99 before it was corrected"
        )
    )


def _probes(floor: Floor) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("  hold", no_wrap=True)
    for head in ("requests", "really held p50", "added p50", "added p99", "added p99.9"):
        table.add_column(head, justify="right")
    for probe in floor.probes:
        added = probe.latency_ns
        held_ns = probe.hold_ns + probe.missed_ns.p50
        values = (f"{ns / NS_PER_MS:,.3f}" for ns in (held_ns, added.p50, added.p99, added.p99_9))
        hold = f"{probe.hold_ns / NS_PER_MS:g} ms" if probe.hold_ns else "none"
        table.add_row(f"  {hold}", format_count(probe.count), *values)
    return table
