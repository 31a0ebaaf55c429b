"""``benchlab prune``: let go of old runs and telemetry."""

from __future__ import annotations

import click

from benchlab.cli.options.types import DURATION
from benchlab.errors import InputError
from benchlab.store import Store

__all__ = ["prune"]


@click.command()
@click.option("--older-than", type=DURATION, help="age of what goes, such as 90d")
@click.option("--yes", is_flag=True, help="do it; without this, only what would go is listed")
@click.option("--ttl", help="from now on let the server itself remove what is older: 90d, or none")
def prune(older_than: float | None, yes: bool, ttl: str | None) -> None:
    """Remove old runs, all that belongs to them, and old telemetry.

    A run goes by its start. With --ttl a server does the same by itself from then on. An embedded
    store cannot: prune it now and then, such as from cron.

    \b
    Examples:
      benchlab prune --older-than 90d
      benchlab prune --older-than 90d --yes
      benchlab prune --ttl 90d
    """
    from benchlab.cli.terminal.tables import print_frame

    if older_than is None and ttl is None:
        raise InputError("prune needs an age: --older-than 90d, or --ttl 90d")
    if yes and older_than is None:
        raise InputError("--yes belongs to --older-than")
    store = Store()
    if ttl is not None:
        ttl_s = None if ttl == "none" else DURATION.convert(ttl, None, None)
        store.set_ttl(ttl_s)
        click.echo(f"the store removes {_nothing_or(ttl)} by itself", err=True)
    if older_than is None:
        return
    with store.connect():
        going = store.prune(older_than, dry_run=not yes)
        left = int(store.query_df("SELECT count() AS n FROM runs")["n"][0])
    if going.empty:
        click.echo("nothing is that old", err=True)
        return
    print_frame(going)
    if yes:
        click.echo(f"removed; {left:,} runs are left", err=True)
    else:
        click.echo("nothing was removed: add --yes to do it", err=True)


def _nothing_or(ttl: str) -> str:
    return "nothing" if ttl == "none" else f"what is older than {ttl}"
