"""``benchlab live``: list, watch or stop the runs that go on on this machine."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from benchlab.cli.exit_codes import ExitCode, exit_code, stopped_by
from benchlab.cli.options.output import JsonCommand, json_option
from benchlab.cli.terminal.output import print_line, write_json
from benchlab.errors import InputError, LeftRunning, RunError, Stopped

if TYPE_CHECKING:
    from benchlab.watch.live_run import LiveRun
    from benchlab.watch.running import LiveRuns

__all__ = ["live"]


@click.command(cls=JsonCommand)
@click.argument("run_id", metavar="[RUN_ID]", default="")
@click.option("--stop", is_flag=True, help="end the run early; open requests may finish")
@click.option("--abort", is_flag=True, help="end the run early, without its open requests")
@json_option("the state of the run, or of all runs,")
def live(run_id: str, stop: bool, abort: bool, json_file: str | None) -> int:
    """List, watch or stop the runs that go on on this machine.

    Without RUN_ID they are listed; with it that run is watched, or stopped with --stop.

    These are runs of any process: of bl.start and benchlab run --detach, which need nobody, and of
    notebooks, scripts and other commands, which --stop ends as Ctrl-C there would. With them are
    runs of bl.start that have ended and that nobody has saved: benchlab recover does.

    RUN_ID is the id of a run or its first digits, or "latest". Watching goes on until the run ends,
    and the exit code is then as that of benchlab run; Ctrl-C ends the watching and not the run.

    \b
    Examples:
      benchlab live
      benchlab live latest
      benchlab live 01a2 --stop
      benchlab live 01a2 --json
    """
    from benchlab.watch.running import live as running

    runs = running()
    if not run_id and (stop or abort):
        raise InputError(
            "--stop and --abort need the id of a run, or latest: benchlab live lists them"
        )
    if not run_id:
        return _list(runs, json_file)
    if not runs:
        raise InputError(
            "is no run: none goes on, and none is left to be saved", field="run", value=run_id
        )
    found = runs[0] if run_id == "latest" else runs[run_id]
    if stop or abort:
        found.stop(abort=abort)
        state = found.state
        print_line(f"{found.id}: {'stopping' if state == 'running' else state}")
    if json_file is not None:
        write_json(found.to_dict(), json_file)
    elif not stop and not abort:
        return _watch(found)
    return ExitCode.SUCCESS


def _list(runs: LiveRuns, json_file: str | None) -> int:
    if json_file is not None:
        found = []
        for run in runs:
            with suppress(RunError):  # saved just now
                found.append(run.to_dict())
        write_json(found, json_file)
        return ExitCode.SUCCESS
    from benchlab.cli.terminal.tables import print_rows

    if not runs:
        print_line("no runs go on, and none is left to be saved")
    print_rows(
        [
            {
                "run": run.id,
                "started": f"{run.started_at.astimezone():%m-%d %H:%M:%S}",
                "state": run.describe(),
                "plan": run.title,
            }
            for run in runs
        ]
    )
    return ExitCode.SUCCESS


def _watch(run: LiveRun) -> int:
    """Show ``run`` until it ends, and then its summary if its process did not save it itself."""
    try:
        run.show()
    except LeftRunning as exc:
        print_line(f"{run.id} goes on: benchlab live {run.id} --stop ends it")
        cause = exc.__context__
        return stopped_by(cause.number if isinstance(cause, Stopped) else signal.SIGINT)
    if run.state == "gone":
        print_line(f"{run.id} has ended and was saved or deleted: benchlab show {run.id}")
        return ExitCode.SUCCESS
    from benchlab.cli.terminal.run import print_run

    finished = run.wait()
    print_run(finished)
    print_line(f"{run.id} is not saved yet: benchlab recover saves it")
    return exit_code(finished)
