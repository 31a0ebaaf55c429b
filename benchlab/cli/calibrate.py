"""``benchlab calibrate``: measure the latency that this machine adds, or each of a cluster's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from benchlab.cli.exit_codes import ExitCode
from benchlab.cli.options.cluster import any_cluster_option
from benchlab.cli.options.output import json_option
from benchlab.errors import RunError
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.calibration.cluster import HostFloor
    from benchlab.runs.floor import Floor

__all__ = ["calibrate"]


@click.command()
@click.option("--quick", is_flag=True, help="take 5 s instead of 20 s, with fewer requests")
@click.option("--show", is_flag=True, help="show the stored calibration, measure nothing")
@any_cluster_option("calibrate each host of a Dask cluster instead of this machine")
@json_option("the calibration, or a list of the hosts',")
def calibrate(quick: bool, show: bool, cluster: str | None, json_file: str | None) -> int:
    """Measure the latency that this machine adds: its noise floor.

    Runs a load test against a server of benchlab's own, which records how long it held each
    request. Any time measured beyond that was added by the kernel and by benchlab. The result is
    stored in the data directory and included in every later run on this machine. Calibrate while
    the machine is idle.

    With --cluster, each host measures its own and stores it, for runs that the cluster makes:
    machines at the same time, the hosts on one machine in turn. How many workers a plan needs is
    known then, before it starts.

    With --show, the exit code is 1 if there is no calibration, or the machine has changed since;
    with --cluster, if that is so of one of the hosts, or it cannot be calibrated.

    \b
    Examples:
      benchlab calibrate
      benchlab calibrate --quick
      benchlab calibrate --show --json
      benchlab calibrate --cluster tcp://scheduler:8786
    """
    if cluster is not None:
        return _of_cluster(cluster, quick, show, json_file)
    if show:
        return _show(json_file)
    from benchlab.calibration.measure import calibrate as measure
    from benchlab.cli.terminal.output import print_line
    from benchlab.cli.terminal.run import progress_bar
    from benchlab.load.supervisor.floor_file import floor_path

    with progress_bar("calibrating against a server of known latency") as on_progress:
        floor = measure(quick=quick, on_progress=on_progress)
    _print(floor, json_file)
    print_line(f"saved in {floor_path()}; later runs include it")
    return ExitCode.SUCCESS


def _of_cluster(cluster: str, quick: bool, show: bool, json_file: str | None) -> int:
    """Calibrate the hosts of a cluster, or show what they have stored; a row for each."""
    from benchlab.calibration.cluster import calibrate_cluster, stored_floors
    from benchlab.cli.options.cluster import CLUSTER
    from benchlab.cli.options.group import errors_name_options
    from benchlab.cli.terminal.output import print_line, write_json
    from benchlab.load.cluster.connect import connected

    def on_done(done: int, count: int) -> None:
        print_line(f"{done} of {plural(count, 'host')}")

    with errors_name_options([CLUSTER], {"cluster"}), connected(cluster) as connection:
        if show:
            found = stored_floors(connection)
        else:
            count = plural(len(connection.dask_workers), "host")
            print_line(f"calibrating {count} of {connection.scheduler}, each with its own server")
            found = calibrate_cluster(connection, quick=quick, on_done=on_done)
    if json_file != "-":
        _print_hosts(found)
    if json_file is not None:
        write_json([host.to_dict() for host in found], json_file)
    return ExitCode.FAILURE if any(host.problem for host in found) else ExitCode.SUCCESS


def _print_hosts(hosts: list[HostFloor]) -> None:
    from benchlab.cli.terminal.console import console
    from benchlab.cli.terminal.tables import print_rows
    from benchlab.units import NS_PER_MS

    out = console()
    print_rows(
        [
            {
                "host": host.name or "–",
                "address": host.address,
                "floor p50, ms": host.floor and host.floor.latency_ns.p50 / NS_PER_MS,
                "floor p99, ms": host.floor and host.floor.latency_ns.p99 / NS_PER_MS,
                "a worker sends": host.floor and host.floor.describe_max_rate(),
                "calibrated": host.floor and f"{host.floor.measured_at:%Y-%m-%d %H:%M}",
            }
            for host in hosts
        ],
        out,
    )
    notes = [
        (host, note)
        for host in hosts
        for note in (*filter(None, [host.problem]), *(host.floor.warnings if host.floor else ()))
    ]
    for host, note in notes:
        out.print(f"{host.name or host.address}: {note}", style="yellow", markup=False)


def _show(json_file: str | None) -> int:
    from benchlab.cli.terminal.console import error_console
    from benchlab.load.supervisor.environment import capture_environment
    from benchlab.load.supervisor.floor_file import read_floor
    from benchlab.runs.floor import NOT_CALIBRATED, mismatch

    floor = read_floor()
    if floor is None:
        raise RunError(NOT_CALIBRATED)
    _print(floor, json_file)
    problem = mismatch(floor, capture_environment())
    if problem:
        error_console().print(f"benchlab: {problem}", style="yellow")
    return ExitCode.FAILURE if problem else ExitCode.SUCCESS


def _print(floor: Floor, json_file: str | None) -> None:
    from benchlab.cli.terminal.console import console
    from benchlab.cli.terminal.output import write_json
    from benchlab.display.result_terminal import result_summary
    from benchlab.display.values.floor import view

    if json_file != "-":
        console().print(result_summary(view(floor)))
    if json_file is not None:
        write_json(floor.to_dict(), json_file)
