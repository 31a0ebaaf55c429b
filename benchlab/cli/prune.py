"""``benchlab prune``: remove old runs and telemetry."""

from __future__ import annotations

import click

from benchlab.cli.options.types import DURATION
from benchlab.cli.terminal.output import print_line
from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.text import plural

__all__ = ["prune"]


@click.command()
@click.option("--older-than", type=DURATION, help="minimum age of what is removed, such as 90d")
@click.option("--yes", is_flag=True, help="remove it; without --yes it is only listed")
@click.option("--ttl", help="age at which the server removes data by itself: 90d, or none")
def prune(older_than: float | None, yes: bool, ttl: str | None) -> None:
    """Remove old runs with all their data, and old telemetry.

    The age of a run counts from its start. With --ttl a ClickHouse server removes old data by
    itself from now on. An embedded store cannot do that: run prune regularly, for example from
    cron.

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
        raise InputError("--yes needs --older-than: add it, or leave --yes out")
    store = Store()
    if ttl is not None:
        ttl_s = None if ttl == "none" else DURATION.convert(ttl, None, None)
        store.set_ttl(ttl_s)
        print_line(f"the store now removes {_nothing_or(ttl)} by itself")
    if older_than is None:
        return
    with store.connect():
        going = store.prune(older_than, dry_run=not yes)
        left = len(store.rows())
    if going.empty:
        print_line("nothing is that old")
        return
    print_frame(going)
    if yes:
        print_line(f"removed; {plural(left, 'run')} left")
    else:
        print_line("nothing was removed: add --yes to remove it")


def _nothing_or(ttl: str) -> str:
    return "nothing" if ttl == "none" else f"data older than {ttl}"
