"""A notebook over a grid of parameters: a process per point, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchlab.analysis.sweep import Sweep
from benchlab.errors import InputError
from benchlab.experiments.saving import usable_store
from benchlab.experiments.sweep import experiment_of
from benchlab.experiments.sweep_progress import OnSweepProgress
from benchlab.extras import require_extra
from benchlab.load.run import until_stopped
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.notebook.shipped import notebook_path
from benchlab.notebook.sweep.engine import Start, carry_out
from benchlab.notebook.sweep.folder import SweepFolder, claimed, look_into
from benchlab.notebook.sweep.grid import Grid, read_grid
from benchlab.notebook.sweep.index import write_index
from benchlab.notebook.sweep.planning import Order, SweepPlan, plan_sweep
from benchlab.notebook.sweep.process import PointProcess
from benchlab.runs.origin import origin_of

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = ["PreparedSweep", "measure_sweep", "prepare_sweep", "save_sweep", "sweep"]


@dataclass(frozen=True)
class PreparedSweep:
    """A sweep that was checked, and what is finished of it; nothing was written yet."""

    plan: SweepPlan
    folder: SweepFolder
    jobs: int = 1
    retry_failed: bool = False


def sweep(
    notebook: str | Path,
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    repeat: int = 1,
    order: Order = "grid",
    seed: int | None = None,
    jobs: int = 1,
    directory: str | Path | None = None,
    retry_failed: bool = False,
    store: Store | None = None,
    save: bool = True,
    on_progress: OnSweepProgress | None = None,
) -> Sweep:
    """Run ``notebook`` at every point of ``grid``, each in a process and a kernel of its own.

        result = bl.sweep("01_benchmark", {"connections": [1, 2, 4]}, parameters={"rate_rps": 0})
        result.to_pandas()

    ``notebook`` is a path or the name of a bundled notebook. ``grid`` has a list of values for each
    swept parameter, of which every combination is a point; or it is a list of points, each a dict;
    or the path of a file (see `benchlab.notebook.sweep.grid.read_grid`). ``parameters`` are the
    same at every point, ``repeat`` times each point is measured, repeats last. ``order`` "random"
    draws an order for each repeat, by ``seed``. Points run one after the other, as long as ``jobs``
    is 1: points at the same time disturb each other.

    ``directory`` (by default a new one, ``reports/sweep-<time>``) has a report per point,
    ``sweep.csv`` and ``index.html``, which are written again after each point. What is finished in
    it is not measured again: a point is that of the same notebook (its cells), parameters and
    repeat. Points that failed are kept, and measured again with ``retry_failed``. Ctrl-C, or
    interrupting the kernel, stops the sweep: the point under way is lost, and the next call with
    this directory does the rest.

    Runs are saved by the notebook. The experiment that holds them together is saved in ``store``
    (by default ``bl.Store()``) unless ``save`` is False.

    Raises:
        InputError: an unknown parameter, a value of the wrong type, nothing to vary, a point that
            is there twice, a directory of another sweep, or one in which a sweep is under way.
        MissingPackageError: the extra "lab" is not installed.
        StoreError: the experiment cannot be saved.
    """
    made = prepare_sweep(
        notebook,
        read_grid(grid) if isinstance(grid, Path) else Grid.of(grid),
        parameters=parameters,
        repeat=repeat,
        order=order,
        seed=seed,
        jobs=jobs,
        directory=directory,
        retry_failed=retry_failed,
    )
    target = usable_store(store) if save else None
    stop = StopSignal()
    found = until_stopped(
        lambda report: measure_sweep(made, stop, store=target, on_progress=report),
        stop,
        on_progress,
    )
    stop.pass_on()
    return found


def prepare_sweep(
    notebook: str | Path,
    grid: Grid,
    *,
    parameters: Mapping[str, Any] | None = None,
    repeat: int = 1,
    order: Order = "grid",
    seed: int | None = None,
    jobs: int = 1,
    directory: str | Path | None = None,
    retry_failed: bool = False,
) -> PreparedSweep:
    """Check a sweep, and look for what is finished of it; nothing is written.

    Raises:
        InputError: as `sweep`, except that another sweep may be under way.
        MissingPackageError: the extra "lab" is not installed.
    """
    require_extra("lab")
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError("must be 1 or more", field="jobs", value=jobs)
    plan = plan_sweep(
        notebook_path(str(notebook)),
        grid.combined(Grid.of({}, parameters)),
        repeat=repeat,
        order=order,
        seed=seed,
    )
    folder = look_into(None if directory is None else Path(directory), plan.notebook.name)
    return PreparedSweep(plan, folder, jobs, retry_failed)


def measure_sweep(
    made: PreparedSweep,
    stop: StopSignal,
    *,
    store: Store | None = None,
    start: Start = PointProcess,
    on_progress: OnSweepProgress | None = None,
) -> Sweep:
    """Measure the points of a sweep that are not finished, and save it in ``store``.

    Without a store nothing is saved, and its runs belong to no experiment.

    Raises:
        InputError: another sweep is under way in its directory, or it cannot be written to.
        StoreError: the experiment cannot be saved.
    """
    with claimed(made.folder) as folder:
        found = carry_out(
            made.plan,
            folder,
            stop,
            start,
            jobs=made.jobs,
            retry_failed=made.retry_failed,
            tagged=store is not None,
            on_progress=on_progress,
        )
        if store is not None and found.run_ids:
            found = save_sweep(found, made.plan, folder, store)
            write_index(found)
    return found


def save_sweep(found: Sweep, plan: SweepPlan, folder: SweepFolder, store: Store) -> Sweep:
    """Save the experiment, as far as it is; returns the sweep with where its numbers come from.

    Raises:
        StoreError: the store failed.
    """
    with store.connect():
        found = replace(found, origin=origin_of(store.stored(found.run_ids)))
        store.save_experiment(experiment_of(found, folder.started_at_ns, plan.design()))
    return found
