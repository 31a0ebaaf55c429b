"""``benchlab recover``: save runs that a crash, a full disk or a missing store left unsaved."""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.exit_codes import ExitCode, exit_code_of_parts
from benchlab.cli.terminal.output import print_line
from benchlab.errors import (
    BenchlabError,
    DamagedError,
    InputError,
    StoreBusyError,
    StoreUnavailableError,
)
from benchlab.store import Store
from benchlab.text import plural

__all__ = ["recover"]


@click.command()
@click.option("--list", "only_list", is_flag=True, help="only list the unsaved runs")
@click.option("--discard", is_flag=True, help="delete the unsaved runs instead of saving them")
def recover(only_list: bool, discard: bool) -> int:
    """Save runs that were measured but not stored. May be repeated: nothing is stored twice.

    This includes runs of bl.run and bl.start that your code did not save. Runs that go on are left
    alone: benchlab live lists them. Runs of an interrupted calibration are removed. A run that
    cannot be read or saved is reported, the others are still saved, and the exit code is 1. If the
    store cannot be reached, it is 4. A saved run's plan has no credentials, as in the store.

    \b
    Examples:
      benchlab recover
      benchlab recover --list
    """
    from benchlab import spool

    if only_list and discard:
        raise InputError("--list and --discard exclude each other: leave one of them out")
    failures: list[int] = []
    waiting = list(spool.pending())
    if not waiting:
        going_on = sum(1 for _ in spool.runs())
        others = f"; {plural(going_on, 'run')} in use: see benchlab live" if going_on else ""
        print_line(f"nothing to recover{others}")
    for directory in waiting:
        try:
            _recover(directory, only_list=only_list, discard=discard)
        except (StoreBusyError, StoreUnavailableError):  # the others would fail in the same way
            raise
        except BenchlabError as exc:
            # A damaged spool is not what the user gave.
            damaged = isinstance(exc, DamagedError)
            failures.append(ExitCode.FAILURE if damaged else exc.exit_code)
            print_line(f"{directory.name}: {exc}")
        except Exception as exc:  # whatever is wrong with this one, the others are saved
            failures.append(ExitCode.FAILURE)
            print_line(f"{directory.name}: cannot be saved ({type(exc).__name__}: {exc})")
    return exit_code_of_parts(failures)


def _recover(directory: Path, *, only_list: bool, discard: bool) -> None:
    """Save the run in ``directory``, or remove what needs no saving; or list it."""
    from benchlab import spool
    from benchlab.runs.floor import CALIBRATION_TAGS

    if discard:
        spool.remove(directory)
        print_line(f"{directory.name}: deleted")
        return
    if not spool.was_started(directory):
        if not only_list:
            spool.remove(directory)
        print_line(f"{directory.name}: never started, nothing was measured")
        return
    run = spool.read_run(directory)
    if run.plan.tags == CALIBRATION_TAGS:
        description = f"{directory.name}: part of an interrupted calibration"
        if only_list:
            print_line(description, err=False)
        else:
            spool.remove(directory)
            print_line(f"{description}, removed")
        return
    description = (
        f"{directory.name}: {run.started_at:%Y-%m-%d %H:%M}, {run.name},"
        f" {len(run.samples.requests):,} requests, {run.verdict}"
    )
    if only_list:
        print_line(description, err=False)
    else:
        Store().save(run)
        print_line(f"{description}, saved")
