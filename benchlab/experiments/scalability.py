"""How throughput grows with the load: of numbers, of runs at hand, or of stored ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast

from numpy.typing import ArrayLike

from benchlab.analysis.scalability import Scalability
from benchlab.analysis.scalability import scalability as fit
from benchlab.analysis.sweep import Sweep
from benchlab.errors import InputError, InvalidRunError, RunNotFoundError
from benchlab.experiments.selection import select_ids
from benchlab.experiments.stored import stored_result
from benchlab.experiments.unfinished import find_experiment
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.runs.run import Run, check_run
from benchlab.store import Store
from benchlab.text import plural

__all__ = ["Load", "scalability"]

CONNECTIONS = "connections"
"""The parameter of the bundled notebooks that is the load of a closed loop."""

_ID = re.compile(r"[0-9a-f]{4,16}")

Load: TypeAlias = ArrayLike | Run | Sweep | Sequence[Run | Sweep | str]
"""Numbers, runs, a sweep, or what is stored as text: ids, ``name=…``, ``tag:k=v``."""


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

    Or ``load`` is a sweep, or the id of a stored one: of ``connections``, whose runs are taken; or
    of one other number, such as the processes of the service, which is the load. Runs that are not
    valid are left out, with a warning.

        bl.scalability([1, 2, 4, 8, 16, 32], [98, 190, 350, 590, 820, 860])
        bl.scalability("name=sweep")
        bl.scalability(bl.sweep("01_benchmark", {"connections": [1, 2, 4, 8]}))

    ``store`` is that of the environment if none is given.

    Source: Gunther, *Guerrilla Capacity Planning* (2007); see `benchlab.statistics.usl`.

    Raises:
        InputError: fewer than three different loads, a value that is not above 0, lists of
            different lengths, or runs that cannot be compared.
        RunNotFoundError: a stored run is not there.
        InvalidRunError: the verdict of a run is not ``valid``, or too few runs of a sweep are.
        StoreError: the store cannot be read.
    """
    items = load if isinstance(load, list | tuple) else [load]
    if throughput is not None or not any(isinstance(item, str | Sweep) for item in items):
        return fit(cast("ArrayLike", load), throughput, level=level)
    where = store or Store()
    sweep = _sweep_of(items, where)
    if sweep is not None:
        found, notes = _of_sweep(sweep, where, level)
    else:
        runs, notes = _loaded(cast("Sequence[Run | Sweep | str]", items), where)
        found = fit(runs, level=level, is_sweep=False)
    return replace(found, warnings=(*notes, *found.warnings)) if notes else found


def _of_sweep(sweep: Sweep, store: Store, level: float) -> tuple[Scalability, list[str]]:
    """The law of the sweep, and what was left out."""
    if len(sweep.varied) != 1:
        raise InputError(
            f"the sweep varies {', '.join(sweep.varied) or 'nothing'}, and the law has one load",
            remedy=f"choose the points of one, such as sweep.where({sweep.names[-1]}=…)",
        )
    try:
        if sweep.varied != (CONNECTIONS,):
            return _of_parameter(sweep, level)
        runs, notes = _loaded([sweep], store)
        return fit(runs, level=level, is_sweep=True), notes
    except InputError as exc:
        left_out = _left_out(sweep)
        if not left_out:
            raise
        raise InvalidRunError(
            f"{len(left_out)} of {plural(len(sweep.runs), 'run')} of the sweep are not valid, and"
            f" the others do not suffice ({exc}): measure it again while the machine is less busy"
        ) from exc


def _sweep_of(items: Sequence[Any], store: Store) -> Sweep | None:
    """The one sweep that is meant, as it is or by its id."""
    (item,) = items if len(items) == 1 else (None,)
    if not isinstance(item, str) or not _ID.fullmatch(item):
        return item if isinstance(item, Sweep) else None
    with store.connect():
        try:
            if not store.rows(tags={EXPERIMENT_TAG: item}, limit=1):
                store.load_experiment(item)
            experiment = find_experiment(store, item)
        except RunNotFoundError:  # the id of a run
            return None
        found = stored_result(store, experiment)
    if not isinstance(found, Sweep):
        raise InputError(f"experiment {experiment.id} is no sweep, but {experiment.kind}")
    return found


def _of_parameter(sweep: Sweep, level: float) -> tuple[Scalability, list[str]]:
    """The law of the one number that the sweep varies, and what was left out."""
    (name,) = sweep.varied
    pairs = [
        (point.parameters[name], run.rate_rps)
        for point in sweep.points
        for run in point.runs
        if run.verdict == "valid" and name in point.parameters
    ]
    loads, rates = zip(*pairs, strict=True) if pairs else ((), ())
    return fit(list(loads), list(rates), level=level), _left_out(sweep)


def _left_out(sweep: Sweep) -> list[str]:
    return [
        f"left out: run {run.run_id} is {run.verdict}: {run.reason}"
        for run in sweep.runs
        if run.verdict != "valid"
    ]


def _loaded(items: Sequence[Run | Sweep | str], store: Store) -> tuple[list[Run], list[str]]:
    """The runs, each once however often it is named, and what a selection left out."""
    runs: dict[str, Run] = {}
    notes: list[str] = []
    with store.connect():
        for item in items:
            if isinstance(item, Sweep):
                valid = [run.run_id for run in item.runs if run.verdict == "valid"]
                runs |= {run.id: run for run in store.load_all(valid)}
                notes += _left_out(item)
            elif isinstance(item, str):
                selection = select_ids(store, item)
                runs |= {run.id: run for run in store.load_all(selection.run_ids)}
                notes += selection.notes
            else:
                check_run(item)
                runs[item.id] = item
    return list(runs.values()), list(dict.fromkeys(notes))
