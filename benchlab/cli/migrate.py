"""``benchlab migrate``: create or upgrade the store's tables."""

from __future__ import annotations

import click

from benchlab.cli.terminal.output import print_line
from benchlab.store import Store

__all__ = ["migrate"]


@click.command()
def migrate() -> None:
    """Create the store's tables or upgrade them.

    Every command that uses the store does this first. This one does nothing else; use it before
    other programs, such as dashboards, read the store. It may be repeated. A store of a newer
    benchlab is refused and not changed.

    \b
    Examples:
      benchlab migrate
      BENCHLAB_DSN=http://user:password@host:8123/database benchlab migrate
    """
    store = Store()
    was, now = store.migrate()
    done = f"schema {now} already" if was == now else f"schema {was or 'none'}, now {now}"
    print_line(f"{store.location}: {done}", err=False)
