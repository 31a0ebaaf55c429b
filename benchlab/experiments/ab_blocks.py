"""Measure the blocks of an A/B, one run after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial

from benchlab.errors import BenchlabError, RunError
from benchlab.experiments.ab_design import ABDesign, Arm, Block
from benchlab.load.cluster.asked import Cluster, SamplesTo
from benchlab.load.run import carry_out, workers_for
from benchlab.load.supervisor.progress import OnProgress, Progress
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.load.supervisor.worker_process import StartedWorkers
from benchlab.plan.plan import Plan
from benchlab.runs.run import Run
from benchlab.text import plural

__all__ = ["BeforeBlock", "Measured", "measure"]

BeforeBlock = Callable[[Arm, int], None]
"""Called before each run of an A/B with its arm and the number of its block."""

OnBlock = Callable[["Measured", Block], None]
"""Called before a block is measured, with what was measured so far."""

OnRun = Callable[[Arm, Progress], None]
"""Called with the progress of the run that is made, and its arm."""


@dataclass
class Measured:
    """The runs of an A/B so far.

    ``pairs`` are the complete blocks, the run of A first; ``runs`` are all in the order they were
    made, also of blocks that count in no result. ``lost`` says for each of these blocks why, and
    ``ended_early`` what ended the experiment before all were measured; ``given_up`` that too many
    were lost, and ``aborted`` that a plan's ``abort_on`` held.
    """

    pairs: list[tuple[Run, Run]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    ended_early: str = ""
    given_up: bool = False
    aborted: bool = False

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The ids of all runs, in the order in which they were made."""
        return tuple(run.id for run in self.runs)

    def warnings(self, planned: int) -> list[str]:
        """What to know of the blocks when reading the result, of ``planned`` ones."""
        found = []
        if self.lost:
            were = "was" if len(self.lost) == 1 else "were"
            found.append(
                f"{len(self.lost)} of {plural(planned, 'block')} {were} left out:"
                f" {'; '.join(self.lost)}"
            )
        if self.ended_early:
            found.append(
                f"ended early, by {self.ended_early}, after {len(self.pairs)} of"
                f" {plural(planned, 'block')}: if the result so far was the reason, its interval is"
                " narrower than it should be"
            )
        return found


class _LostError(Exception):
    """A run that does not count, and why; its block is left out."""


class _StartError(Exception):
    """Workers that cannot be started, so that none of the blocks could be measured."""

    def __init__(self, error: BenchlabError) -> None:
        super().__init__(str(error))
        self.error = error


def measure(
    design: ABDesign,
    experiment_id: str,
    stop: StopSignal,
    before_block: BeforeBlock | None = None,
    on_block: OnBlock | None = None,
    on_run: OnRun | None = None,
    *,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
) -> Measured:
    """Measure the blocks of ``design``, until all are or ``stop`` is requested.

    A block is left out if the service of one arm cannot be reached, if one of its runs is invalid,
    or if ``before_block`` raised a RunError. When more than a quarter of all blocks are left out,
    and at least three, or the first three, no more are measured. The run during which ``stop`` was
    requested, or that a plan's ``abort_on`` stopped, is kept, and its block counts in no result.

    The worker processes of both arms are started before a block: what starting them costs the
    machine is over before its first run is measured, and the second follows at once. They are on
    this machine, or on a ``cluster``.
    """
    measured = Measured()
    for block in design.in_order():
        with ExitStack() as stack:
            found: dict[Arm, Run] = {}
            workers: dict[Arm, StartedWorkers] = {}
            try:
                for arm in block.order:
                    entering = workers_for(design.plans[arm], stop, cluster, samples)
                    workers[arm] = _started(stack, entering, stop, measured)
                if on_block is not None:
                    on_block(measured, block)  # while the processes import their modules
                for arm in block.order:
                    if before_block is not None:
                        before_block(arm, block.number)
                    plan = design.run_plan(experiment_id, block, arm)
                    report = None if on_run is None else partial(on_run, arm)
                    found[arm] = _run(plan, workers[arm], stop, measured, report)
            except _StartError as exc:
                raise exc.error from exc.error.__cause__
            except (RunError, _LostError) as exc:
                if stop.level:
                    measured.ended_early = measured.ended_early or stop.cause
                elif not measured.aborted:
                    measured.lost.append(f"block {block.number}, {arm.upper()}: {exc}")
            else:
                measured.pairs.append((found["a"], found["b"]))
        most = max(2, design.blocks // 4) if measured.pairs else 2
        measured.given_up = len(measured.lost) > most
        if measured.ended_early or measured.given_up:
            break
    return measured


def _started(
    stack: ExitStack,
    entering: AbstractContextManager[StartedWorkers],
    stop: StopSignal,
    measured: Measured,
) -> StartedWorkers:
    """The workers of a run. A cluster that failed once may be there again for the next block."""
    try:
        return stack.enter_context(entering)
    except KeyboardInterrupt:
        if not stop.level:
            raise
        raise _LostError("stopped before its start") from None
    except BenchlabError as exc:
        if not any(run.hosts for run in measured.runs):
            raise _StartError(exc) from exc
        raise _LostError(str(exc)) from exc


def _run(
    plan: Plan,
    started: StartedWorkers,
    stop: StopSignal,
    measured: Measured,
    on_progress: OnProgress | None,
) -> Run:
    """Carry out a run of a block; it is among the measured ones even if its block is lost."""
    run = _carry_out(plan, started, stop, on_progress)
    measured.runs.append(run)
    if run.stop_reason:
        measured.aborted = True
        by = "a fault" if run.fault_error else "abort_on"
        measured.ended_early = f"{by} ({run.stop_reason})"
    elif run.verdict != "valid" and stop.level and not stop.number:
        measured.ended_early = f"{run.invalid_reason}"  # such as a full disk
    if run.verdict != "valid":
        raise _LostError(f"run {run.id} is {run.verdict}: {run.invalid_reason}")
    return run


def _carry_out(
    plan: Plan, started: StartedWorkers, stop: StopSignal, on_progress: OnProgress | None
) -> Run:
    if started.machines:  # which decide how many workers there are, and have asked gRPC services
        plan = plan.replace(workers=started.plan.workers, requests=started.plan.requests)
    try:
        if not stop.level:
            return carry_out(
                plan, started.workers, stop, on_progress, started.machines, started.collect
            )
    except KeyboardInterrupt:
        if not stop.level:
            raise
    raise _LostError("stopped before its start")
