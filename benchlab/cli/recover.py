"""``benchlab recover``: finish what a crash, a full disk or an absent store left half done."""

from __future__ import annotations

import click

from benchlab.errors import BenchlabError, InputError
from benchlab.store import Store

__all__ = ["recover"]


@click.command()
@click.option("--list", "only_list", is_flag=True, help="only say what there is")
@click.option("--discard", is_flag=True, help="delete the unsaved runs instead")
def recover(only_list: bool, discard: bool) -> int:
    """Save runs that were measured and never stored. May be repeated: nothing is stored twice.

    Runs of bl.run that nobody saved are among them; those of a calibration that was cut off are
    removed. One that cannot be read or saved is told, and does not keep the others back; the exit
    code is then 1.

    \b
    Examples:
      benchlab recover
      benchlab recover --list
    """
    from benchlab import spool
    from benchlab.cli.terminal.console import print_line
    from benchlab.runs.floor import CALIBRATION_TAGS

    if only_list and discard:
        raise InputError("--list deletes nothing: leave out it or --discard")
    failed = 0
    waiting = list(spool.pending())
    if not waiting:
        click.echo("nothing to recover", err=True)
    for directory in waiting:
        if discard:
            spool.remove(directory)
            click.echo(f"{directory.name}: deleted", err=True)
            continue
        if not spool.was_started(directory):
            if not only_list:
                spool.remove(directory)
            click.echo(f"{directory.name}: never started, nothing was measured", err=True)
            continue
        try:
            run = spool.read_run(directory)
            if run.plan.tags == CALIBRATION_TAGS:
                found = f"{directory.name}: of a calibration that was cut off"
                if only_list:
                    click.echo(found)
                else:
                    spool.remove(directory)
                    click.echo(f"{found}, removed", err=True)
                continue
            found = (
                f"{directory.name}: {run.started_at:%Y-%m-%d %H:%M}, {run.name},"
                f" {len(run.samples):,} requests, {run.verdict}"
            )
            if only_list:
                print_line(found, err=False)
            else:
                Store().save(run)
                print_line(f"{found}, saved")
        except BenchlabError as exc:
            failed += 1
            print_line(f"{directory.name}: {exc}")
    return 1 if failed else 0
