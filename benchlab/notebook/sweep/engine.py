"""Carry out a sweep: measure its points, keep what is finished, report the progress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchlab.analysis.sweep import Sweep, SweepPoint
from benchlab.experiments.sweep_progress import OnSweepProgress, SweepProgress
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.notebook.sweep.folder import SweepFolder, earlier_points
from benchlab.notebook.sweep.index import write_index
from benchlab.notebook.sweep.job import Job, Outcome
from benchlab.notebook.sweep.planning import (
    FIRST_OVERHEAD_S,
    PlannedPoint,
    SweepPlan,
    overhead_s,
)
from benchlab.notebook.sweep.process import RunningPoint
from benchlab.runs.experiment import EXPERIMENT_TAG, POINT_TAG, REPEAT_TAG, SWEPT_TAG
from benchlab.text import plural

__all__ = ["Start", "carry_out", "cores_of", "estimate_s", "sweep_of", "warnings_of"]

Start = Callable[[Job, int | None], RunningPoint]
"""Starts the process of a point, which holds the lock of the sweep's directory."""

_LOOK_EVERY_S = 0.1
_REPORT_EVERY_S = 0.25


@dataclass
class _Slot:
    """A point under way, and the cores that are its own."""

    point: PlannedPoint
    number: int
    running: RunningPoint
    cores: Sequence[int]
    start_s: float


@dataclass
class _State:
    """What is left to do, and what has been done."""

    to_do: list[PlannedPoint]
    skipped: int
    slots: list[_Slot] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    last: SweepPoint | None = None

    @property
    def cores(self) -> list[Sequence[int]]:
        """The cores that points under way have for themselves."""
        return [slot.cores for slot in self.slots]


def carry_out(
    plan: SweepPlan,
    folder: SweepFolder,
    stop: StopSignal,
    start: Start,
    *,
    jobs: int = 1,
    retry_failed: bool = False,
    tagged: bool = True,
    on_progress: OnSweepProgress | None = None,
) -> Sweep:
    """Measure the points of ``plan`` that are not finished in ``folder``, ``jobs`` at a time.

    A failing point does not stop the others. When ``stop`` is requested, or somebody stops the run
    of a point, no more points start and those under way end early; what they measured does not
    count. ``tagged`` says whether their runs belong to the experiment.
    """
    to_do = folder.to_do(plan, retry_failed=retry_failed)
    state = _State(to_do, skipped=len(plan.points) - len(to_do))
    numbers, cores = folder.numbers(plan), cores_of(jobs)
    began_s, reported_s = time.monotonic(), 0.0
    level = 0

    def report(*, at_once: bool = False) -> None:
        nonlocal reported_s
        now_s = time.monotonic()
        if on_progress is not None and (at_once or now_s - reported_s >= _REPORT_EVERY_S):
            reported_s = now_s
            on_progress(_progress(plan, folder, state, jobs, now_s - began_s))

    write_index(sweep_of(plan, folder, skipped=state.skipped))
    report(at_once=True)
    try:
        while state.slots or (state.to_do and not stop.level):
            while state.to_do and len(state.slots) < jobs and not stop.level:
                free = next(own for own in cores if not own or own not in state.cores)
                point = state.to_do.pop(0)
                slot = _start(plan, folder, point, numbers[point.key], free, start, tagged=tagged)
                state.slots.append(slot)
                report(at_once=True)
            if stop.level > level:
                level = stop.level
                for slot in state.slots:
                    slot.running.stop() if level == 1 else slot.running.kill()
            for slot in list(state.slots):
                outcome = slot.running.poll()
                if outcome is not None:
                    state.slots.remove(slot)
                    if outcome.interrupted:
                        stop.reach(1)  # somebody stopped the run of the point, not the sweep
                    _finish(folder, state, slot, outcome, is_stopped=bool(stop.level))
                    write_index(sweep_of(plan, folder, skipped=state.skipped))
                    report(at_once=True)
            report()
            if state.slots:
                time.sleep(_LOOK_EVERY_S)
    finally:
        for slot in state.slots:  # an error of this process
            slot.running.kill()
    found = sweep_of(plan, folder, skipped=state.skipped, warnings=_ends(plan, folder, stop, jobs))
    write_index(found)
    return found


def sweep_of(
    plan: SweepPlan,
    folder: SweepFolder,
    *,
    skipped: int = 0,
    warnings: Sequence[str] = (),
) -> Sweep:
    """What is finished of ``plan``."""
    return Sweep(
        notebook=plan.notebook.name,
        names=plan.names,
        points=tuple(folder.points_of(plan)),
        planned=len(plan.points),
        experiment_id=folder.experiment_id,
        fixed=plan.fixed,
        skipped=skipped,
        directory=folder.directory,
        warnings=tuple(warnings),
    )


def estimate_s(
    points: Sequence[PlannedPoint], finished: Sequence[SweepPoint], jobs: int = 1
) -> float:
    """About how long ``points`` take, by their parameters and by what ``finished`` ones took."""
    measured = overhead_s(finished)
    each = FIRST_OVERHEAD_S if measured is None else measured
    return sum((point.length_s or 0.0) + each for point in points) / max(min(jobs, len(points)), 1)


def cores_of(jobs: int) -> list[tuple[int, ...]]:
    """The cores of each of ``jobs`` points at once: none in common if there are enough of them.

    An entry is empty where a point may use any.
    """
    if jobs == 1:
        return [()]
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(usable) < jobs:
        return [()] * jobs
    return [tuple(usable[number::jobs]) for number in range(jobs)]


def warnings_of(jobs: int) -> list[str]:
    """What has to be known of points that are measured at the same time."""
    if jobs == 1:
        return []
    counts = sorted({len(own) for own in cores_of(jobs)})
    kept = " or ".join(plural(count, "core") for count in counts)
    where = (
        f"each is kept on {kept} of its own, and they still share memory, disk, network and service"
        if counts[0]
        else f"there are fewer than {jobs} cores, which they share"
    )
    return [f"{jobs} points at a time disturb each other ({where}): use --jobs 1 to compare them"]


def _start(
    plan: SweepPlan,
    folder: SweepFolder,
    point: PlannedPoint,
    number: int,
    cores: Sequence[int],
    start: Start,
    *,
    tagged: bool,
) -> _Slot:
    place = folder.prepare(point.finished(number))
    job = Job(
        notebook=str(plan.notebook.absolute()),
        parameters=point.texts,
        directory=str(place),
        tags=_tags(folder.experiment_id, number, point) if tagged else {},
        cores=cores,
    )
    return _Slot(point, number, start(job, folder.lock), cores, time.monotonic())


def _tags(experiment_id: str, number: int, point: PlannedPoint) -> Mapping[str, str]:
    return {
        EXPERIMENT_TAG: experiment_id,
        POINT_TAG: str(number),
        REPEAT_TAG: str(point.repeat),
        **{f"{SWEPT_TAG}{name}": text for name, text in point.given.items()},
    }


def _finish(
    folder: SweepFolder, state: _State, slot: _Slot, outcome: Outcome, *, is_stopped: bool
) -> None:
    """Keep what came of a point, unless it was interrupted."""
    if outcome.interrupted or (is_stopped and outcome.error):
        return
    found = slot.point.finished(
        slot.number,
        runs=outcome.runs,
        error=outcome.error,
        exit_code=outcome.exit_code,
        took_s=round(time.monotonic() - slot.start_s, 3),
    )
    folder.keep(slot.point.key, found)
    state.done += 1
    state.failed += bool(found.error)
    state.last = found


def _progress(
    plan: SweepPlan, folder: SweepFolder, state: _State, jobs: int, elapsed_s: float
) -> SweepProgress:
    latest = state.slots[-1] if state.slots else None
    under_way = [slot.point for slot in state.slots]
    left_s = estimate_s([*under_way, *state.to_do], list(folder.finished.values()), jobs)
    if under_way:
        spent_s = sum(time.monotonic() - slot.start_s for slot in state.slots) / jobs
        rest_s = estimate_s(state.to_do, list(folder.finished.values()), jobs)
        left_s = max(left_s - spent_s, rest_s)
    return SweepProgress(
        points=len(plan.points),
        done=state.done,
        failed=state.failed,
        skipped=state.skipped,
        current={} if latest is None else latest.point.parameters,
        run=None if latest is None else latest.running.progress(),
        last=state.last,
        elapsed_s=elapsed_s,
        left_s=left_s,
    )


def _ends(plan: SweepPlan, folder: SweepFolder, stop: StopSignal, jobs: int) -> list[str]:
    """What has to be known of the sweep, now that it has ended."""
    found = warnings_of(jobs)
    done, planned = len(folder.points_of(plan)), len(plan.points)
    if done < planned:
        why = "stopped" if stop.level else "not finished"
        found.append(
            f"{why} after {done} of {plural(planned, 'point')}: the same command with"
            f" -o {folder.path} does the rest"
        )
    note = earlier_points(folder, plan)
    return [*found, *([note] if note else [])]
