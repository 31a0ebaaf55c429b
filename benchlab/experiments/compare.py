"""Compare runs, those at hand or stored ones: did it get slower?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchlab.analysis.comparison import Comparison
from benchlab.analysis.independent_runs import compare_runs
from benchlab.analysis.run_statistics import RunStatistics
from benchlab.errors import InputError, StoreError
from benchlab.experiments.baseline_file import read_baseline
from benchlab.experiments.history import earlier_runs
from benchlab.experiments.selection import SELECTION_HELP, is_by_name, select_ids
from benchlab.experiments.stored_statistics import stored_statistics
from benchlab.runs.comparable import check_verdicts
from benchlab.runs.run import Run
from benchlab.store import Store

__all__ = ["Side", "compare"]

Side = Run | RunStatistics | str | Path | Sequence[Run | RunStatistics | str]
"""A run, a list of runs, or stored ones: ids, ``name=…``, ``tag:k=v``; a path is a baseline."""


def compare(
    base: Side,
    new: Side,
    *,
    metric: str = "p50",
    threshold: float = 0.02,
    level: float = 0.95,
    force: bool = False,
    store: Store | None = None,
) -> Comparison:
    """Compare two sides: did ``new`` get slower than ``base``, and how sure is that?

        bl.compare("name=nightly", run, metric="p99")
        bl.compare([run1, run2, run3], [run4, run5, run6])
        bl.compare(store.baseline("main"), "latest")

    Each side is a run, a list of runs, or stored ones as text: an id, its first digits, ``latest``,
    several of these joined by commas, ``name=NAME`` or ``tag:KEY=VALUE``. A path is a file of
    ``benchlab baseline set -o``. Runs of a list are independent; pairs exist only in an experiment
    (`benchlab.ab`). A run that one side names is left out of the other's selection by name.

    The verdict is that of ``metric`` against ``threshold`` (0.02 is 2 %). Of two single runs it is
    ``inconclusive``, unless the store has 10 or more earlier valid runs of the same plan on the
    same host, which say how much runs differ by themselves.

    ``store`` is that of the environment if none is given.

    Raises:
        InputError: a side has no runs, the runs have different plans or hosts and ``force`` is
            False, or a setting is out of range.
        RunNotFoundError: a stored run is not there.
        InvalidRunError: a run is invalid or was interrupted, and ``force`` is False.
        StoreError: a selection cannot be read.
    """
    where = store or Store()
    sides = {"base": base, "new": new}
    by_name = {field: side for field, side in sides.items() if _is_by_name(side)}
    runs = {
        field: _runs(where, field, side) for field, side in sides.items() if field not in by_name
    }
    others = {run.id for side in runs.values() for run in side}
    notes: list[str] = []
    for field, text in by_name.items():
        runs[field], found_notes = _selected(where, str(text), others)
        notes += found_notes
    olds, news = runs["base"], runs["new"]
    shared = sorted({run.id for run in olds} & {run.id for run in news})
    if shared and len(by_name) == 2:
        raise InputError(
            f"{base!r} and {new!r} both select the run {shared[0]}",
            remedy="add a condition, such as name=nightly,tag:branch=main",
        )
    history: Sequence[RunStatistics] = ()
    if len(olds) == len(news) == 1:
        check_verdicts([*olds, *news], force=force)
        try:
            history = earlier_runs(where, news[0], metric)
        except StoreError as exc:
            notes.append(f"the store could not be searched for earlier runs: {exc}")
    found = compare_runs(
        olds,
        news,
        history=history,
        primary=metric,
        threshold=threshold,
        level=level,
        force=force,
    )
    return replace(found, warnings=(*notes, *found.warnings)) if notes else found


def _is_by_name(side: Side) -> bool:
    return isinstance(side, str) and is_by_name(side)


def _selected(store: Store, text: str, others: set[str]) -> tuple[list[RunStatistics], list[str]]:
    """The runs that ``text`` selects by name, without those of the other side; and notes."""
    selection = select_ids(store, text)
    left = [run_id for run_id in selection.run_ids if run_id not in others]
    if not left:
        raise InputError(
            f"{text!r} selects no other runs than those it is compared with",
            remedy="name the runs of each side",
        )
    return stored_statistics(store, left), list(selection.notes)


def _runs(store: Store, field: str, side: Side) -> list[RunStatistics]:
    if isinstance(side, str):
        return stored_statistics(store, select_ids(store, side).run_ids)
    if isinstance(side, Path):
        return read_baseline(side)
    items = [side] if isinstance(side, Run | RunStatistics) else side
    if not isinstance(items, Sequence):
        raise InputError(
            f"is a {type(side).__name__} and neither runs nor a selection of them",
            field=field,
            remedy=SELECTION_HELP,
        )
    found: list[RunStatistics] = []
    ids: list[str] = []
    for item in items:
        if isinstance(item, str):
            ids += select_ids(store, item).run_ids
        elif isinstance(item, Run | RunStatistics):
            found.append(RunStatistics.of(item) if isinstance(item, Run) else item)
        else:
            raise InputError(f"has a {type(item).__name__} in it and not a run", field=field)
    return [*stored_statistics(store, ids), *found] if ids else found
