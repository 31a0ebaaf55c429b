"""Where an experiment and its runs are saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchlab import spool
from benchlab.runs.run import Run

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = ["discard", "usable_store"]


def usable_store(store: Store | None = None) -> Store:
    """``store``, or the default one; if it cannot be used, that is reported before any load.

    Raises:
        StoreError: it cannot be opened.
    """
    if store is None:
        from benchlab.store import Store

        store = Store()
    with store.connect():
        return store


def discard(runs: Iterable[Run]) -> None:
    """Remove runs that are not to be saved from the spool."""
    for run in runs:
        if run.spool is not None:
            spool.remove(run.spool)
