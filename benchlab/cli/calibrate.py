"""``benchlab calibrate``: measure the latency that this machine adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from benchlab.cli.exit_codes import ExitCode
from benchlab.cli.options.output import json_option
from benchlab.errors import RunError

if TYPE_CHECKING:
    from benchlab.runs.floor import Floor

__all__ = ["calibrate"]


@click.command()
@click.option("--quick", is_flag=True, help="take 5 s instead of 20 s, with fewer requests")
@click.option("--show", is_flag=True, help="show the stored calibration, measure nothing")
@json_option("the calibration")
def calibrate(quick: bool, show: bool, json_file: str | None) -> int:
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
