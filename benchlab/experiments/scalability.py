"""How throughput grows with the load: of numbers, of runs at hand, or of stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias, cast

from numpy.typing import ArrayLike

from benchlab.analysis.scalability import Scalability
from benchlab.analysis.scalability import scalability as fit
from benchlab.experiments.selection import select_ids
from benchlab.runs.run import Run, check_run
from benchlab.store import Store

__all__ = ["Load", "scalability"]

Load: TypeAlias = ArrayLike | Run | Sequence[Run | str]
"""Numbers, runs, or stored runs as text: ids, ``name=…``, ``tag:k=v``."""


def scalability(
    load: Load,
    throughput: ArrayLike | None = None,
    *,
    level: float = 0.95,
    store: Store | None = None,
) -> Scalability:
    """Fit the Universal Scalability Law to ``throughput`` at each ``load``.

    Both are lists of numbers: users, connections, processes or cores, and what they achieve
    together. Or ``load`` is a list of runs, such as those of a sweep: closed loops that differ by
    the number of their connections only. Their throughput is `Summary.rate_rps`. Stored runs are
    selected by text as in `benchlab.compare`: ids, or ``name=NAME`` and ``tag:KEY=VALUE``.

        bl.scalability([1, 2, 4, 8, 16, 32], [98, 190, 350, 590, 820, 860])
        bl.scalability("name=sweep")

    ``store`` is that of the environment if none is given.

    Source: Gunther, *Guerrilla Capacity Planning* (2007); see `benchlab.statistics.usl`.

    Raises:
        InputError: fewer than three different loads, a value that is not above 0, lists of
            different lengths, or runs that cannot be compared.
        RunNotFoundError: a stored run is not there.
        InvalidRunError: the verdict of a run is not ``valid``.
        StoreError: the store cannot be read.
    """
    items = load if isinstance(load, list | tuple) else [load]
    if throughput is not None or not any(isinstance(item, str) for item in items):
        return fit(cast("ArrayLike", load), throughput, level=level)
    runs, notes = _loaded(cast("Sequence[Run | str]", items), store or Store())
    found = fit(runs, level=level)
    return replace(found, warnings=(*notes, *found.warnings)) if notes else found


def _loaded(items: Sequence[Run | str], store: Store) -> tuple[list[Run], list[str]]:
    """The runs, each once however often it is named, and what a selection left out."""
    runs: dict[str, Run] = {}
    notes: list[str] = []
    with store.connect():
        for item in items:
            if isinstance(item, str):
                selection = select_ids(store, item)
                runs |= {run.id: run for run in store.load_all(selection.run_ids)}
                notes += selection.notes
            else:
                check_run(item)
                runs[item.id] = item
    return list(runs.values()), list(dict.fromkeys(notes))
