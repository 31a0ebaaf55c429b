"""``benchlab migrate``: the store's tables, before anything is in them."""

from __future__ import annotations

import click

from benchlab.store import Store

__all__ = ["migrate"]


@click.command()
def migrate() -> None:
    """Create the store's tables, or bring them up to date.

    Every command does so first; this one does nothing else, for what reads the store by itself,
    such as dashboards. May be repeated. A store of a newer benchlab is refused and left as it is.

    \b
    Examples:
      benchlab migrate
      BENCHLAB_DSN=http://user:password@host:8123/database benchlab migrate
    """
    store = Store()
    was, now = store.migrate()
    done = f"schema {now} already" if was == now else f"schema {was or 'none'}, now {now}"
    click.echo(f"{store.location}: {done}")
