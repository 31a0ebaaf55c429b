"""``benchlab recover``: save runs that a crash, a full disk or a missing store left unsaved."""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.exit_codes import exit_code_of_parts
from benchlab.cli.terminal.output import print_line
from benchlab.errors import BenchlabError, InputError, StoreBusyError, StoreUnavailableError
from benchlab.store import Store

__all__ = ["recover"]


@click.command()
@click.option("--list", "only_list", is_flag=True, help="only list the unsaved runs")
@click.option("--discard", is_flag=True, help="delete the unsaved runs instead of saving them")
def recover(only_list: bool, discard: bool) -> int:
    """Save runs that were measured but not stored. May be repeated: nothing is stored twice.

    This includes runs of bl.run that your code did not save. Runs of an interrupted calibration
    are removed. A run that cannot be read or saved is reported, the others are still saved, and
    the exit code is 1. If the store cannot be reached, it is 4.

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
        print_line("nothing to recover")
    for directory in waiting:
        if discard:
            spool.remove(directory)
            print_line(f"{directory.name}: deleted")
            continue
        try:
            _recover(directory, only_list=only_list)
        except (StoreBusyError, StoreUnavailableError):  # the others would fail in the same way
            raise
        except BenchlabError as exc:
            failures.append(exc.exit_code)
            print_line(f"{directory.name}: {exc}")
    return exit_code_of_parts(failures)


def _recover(directory: Path, *, only_list: bool) -> None:
    """Save the run in ``directory``, or remove what needs no saving; or list it."""
    from benchlab import spool
    from benchlab.runs.floor import CALIBRATION_TAGS

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
        f" {len(run.samples):,} requests, {run.verdict}"
    )
    if only_list:
        print_line(description, err=False)
    else:
        Store().save(run)
        print_line(f"{description}, saved")
