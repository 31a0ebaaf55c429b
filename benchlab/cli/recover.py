"""``benchlab recover``: finish what a crash, a full disk or an absent store left half done."""

from __future__ import annotations

import click

from benchlab import spool
from benchlab.errors import RunError
from benchlab.store import Store

__all__ = ["recover"]


@click.command()
@click.option("--list", "only_list", is_flag=True, help="only say what there is")
@click.option("--discard", is_flag=True, help="delete the unsaved runs instead")
def recover(only_list: bool, discard: bool) -> None:
    """Save runs that were measured and never stored. May be repeated: nothing is stored twice.

    \b
    Examples:
      benchlab recover
      benchlab recover --list
    """
    waiting = list(spool.pending())
    if not waiting:
        click.echo("nothing to recover", err=True)
    for directory in waiting:
        if discard:
            spool.remove(directory)
            click.echo(f"{directory.name}: deleted", err=True)
            continue
        try:
            run = spool.read_run(directory)
        except RunError:
            spool.remove(directory)
            click.echo(f"{directory.name}: never started, nothing was measured", err=True)
            continue
        found = f"{directory.name}: {len(run.samples):,} requests, {run.verdict}"
        if only_list:
            click.echo(found)
        else:
            Store().save(run)
            click.echo(f"{found}, saved", err=True)
