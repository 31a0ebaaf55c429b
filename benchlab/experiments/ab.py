"""A/B: two plans in randomized, interleaved blocks, and what differs between them.

What a machine, a network or a shared service does over minutes is as large as what most changes of
code do. Blocks of a few seconds, both arms in each, let it meet both arms alike.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from benchlab.analysis.comparison import Comparison, MetricComparison
from benchlab.analysis.conclusion import check_settings
from benchlab.analysis.paired_blocks import compare_pairs
from benchlab.errors import RunError, RunNotFoundError
from benchlab.experiments.ab_blocks import BeforeBlock, Measured, measure
from benchlab.experiments.ab_design import ABDesign, Arm, Block
from benchlab.experiments.ab_progress import ABInterval, ABProgress, OnABProgress
from benchlab.experiments.against import plan_against
from benchlab.experiments.saving import discard, usable_store
from benchlab.load.cluster.asked import Cluster, SamplesTo
from benchlab.load.run import until_stopped
from benchlab.load.supervisor.preflight import check_reachable
from benchlab.load.supervisor.progress import Progress
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.plan.plan import Plan
from benchlab.runs.experiment import Experiment
from benchlab.runs.head import new_run_id
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = [
    "KIND",
    "ABRun",
    "ab",
    "measure_ab",
    "save_ab",
    "stored_comparison",
]

KIND = "ab"
"""The kind of the stored experiment."""

_LEVEL = 0.95
_MOST_SEED = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class ABRun:
    """An A/B that was measured: its design, its runs and its result.

    ``comparison`` is None if no block is complete or the experiment was given up, and ``problem``
    says which; otherwise it is empty.
    """

    id: str
    design: ABDesign
    started_at_ns: int
    measured: Measured
    metric: str
    threshold: float
    comparison: Comparison | None
    problem: str

    def to_experiment(self) -> Experiment:
        """The row that a store keeps of it, beside its runs."""
        return Experiment(
            id=self.id,
            kind=KIND,
            name=self.design.title,
            started_at_ns=self.started_at_ns,
            run_ids=self.measured.run_ids,
            design=self.design.to_dict()
            | {
                "arm_names": list(self.design.arm_names),
                "metric": self.metric,
                "threshold": self.threshold,
                "pairs": [[a.id, b.id] for a, b in self.measured.pairs],
                "left_out": self.measured.lost,
                "ended_early": self.measured.ended_early or None,
                "problem": self.problem or None,
            },
            result={} if self.comparison is None else self.comparison.to_dict(),
        )


def ab(
    plan_a: Plan,
    plan_b: Plan | str,
    blocks: int = 20,
    block_s: float = 2.0,
    *,
    washout_s: float = 0.5,
    metric: str = "p50",
    threshold: float = 0.02,
    seed: int | None = None,
    name: str = "",
    tags: Mapping[str, str] | None = None,
    before_block: BeforeBlock | None = None,
    force: bool = False,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
    store: Store | None = None,
    save: bool = True,
    on_progress: OnABProgress | None = None,
) -> Comparison:
    """Measure two plans in interleaved blocks, and compare B (new) with A (base).

    ``plan_b`` may also be the base URL of a service, such as ``http://10.0.0.2:8000``, that gets
    what ``plan_a`` sends.

    Each of the ``blocks`` measures both plans for ``block_s`` each, in an order drawn by a coin,
    with the same arrivals and data; load of ``washout_s`` before each counts in no result, and the
    next run starts when the last has no request open. `ABDesign` has the details. ``seed`` decides
    all coins, arrivals and data; if not given it is drawn. It is stored.

    ``metric`` is the primary one, which decides the verdict, ``threshold`` the smallest change that
    matters (see `benchlab.compare`). ``before_block(arm, number)`` is called before each run, for
    example to restart the service: then the result covers how restarts differ too. With ``cluster``
    and ``samples`` each run is made there, as by `benchlab.run`.

    The runs, and the experiment that holds them together, are saved in ``store`` (by default
    ``bl.Store()``) at the end, unless ``save`` is False; until then they are in the spool, and
    ``benchlab recover`` saves them. Ctrl-C ends the experiment early, as it does a run; the result
    is then of the complete blocks, and says so.

    Raises:
        InputError: a value that cannot be used, or plans of different loads without ``force``.
        TargetError: a service cannot be reached at the start. No load was made.
        RunError: too many blocks failed, or none is complete. What was measured is saved.
        StoreError: the result cannot be saved.
    """
    design = ABDesign(
        plan_a=plan_a,
        plan_b=plan_against(plan_a, plan_b) if isinstance(plan_b, str) else plan_b,
        blocks=blocks,
        block_s=block_s,
        washout_s=washout_s,
        seed=secrets.randbelow(_MOST_SEED) if seed is None else seed,
        name=name,
        tags=dict(tags or {}),
        force=force,
    )
    check_settings(metric, threshold, _LEVEL)
    target = usable_store(store) if save else None
    stop = StopSignal()
    made = measure_ab(
        design,
        stop,
        metric=metric,
        threshold=threshold,
        before_block=before_block,
        cluster=cluster,
        samples=samples,
        on_progress=on_progress,
    )
    save_ab(made, target)
    stop.pass_on()
    if made.comparison is None or made.problem:
        raise RunError(made.problem)
    return made.comparison


def measure_ab(
    design: ABDesign,
    stop: StopSignal,
    *,
    metric: str = "p50",
    threshold: float = 0.02,
    before_block: BeforeBlock | None = None,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
    on_progress: OnABProgress | None = None,
) -> ABRun:
    """Measure the blocks of ``design`` and compare its arms; nothing is saved yet.

    Raises:
        InputError: an unknown metric, or an impossible threshold.
        TargetError: a service cannot be reached at the start. No load was made.
    """
    check_settings(metric, threshold, _LEVEL)
    for plan in design.plans.values():
        if not cluster:  # its hosts say whether they reach them
            check_reachable(plan)
    carried_out = partial(measure, cluster=cluster, samples=samples)
    experiment_id, started_at_ns = new_run_id(), time.time_ns()
    progress = _ProgressSoFar(design, metric, threshold)

    def work(report: OnABProgress | None) -> Measured:
        if report is None:
            return carried_out(design, experiment_id, stop, before_block)

        def on_block(measured: Measured, _block: Block) -> None:
            report(progress.after(measured))

        def on_run(arm: Arm, run: Progress) -> None:
            report(progress.during(arm, run))

        return carried_out(design, experiment_id, stop, before_block, on_block, on_run)

    measured = until_stopped(work, stop, on_progress)
    if on_progress is not None:
        on_progress(replace(progress.after(measured), finished=True))
    comparison, problem = _concluded(experiment_id, design, measured, metric, threshold)
    return ABRun(
        id=experiment_id,
        design=design,
        started_at_ns=started_at_ns,
        measured=measured,
        metric=metric,
        threshold=threshold,
        comparison=comparison,
        problem=problem,
    )


def save_ab(
    made: ABRun, store: Store | None, on_saved: Callable[[int], None] | None = None
) -> None:
    """Save the experiment and its runs in one opening of ``store``; None: discard the runs.

    An experiment without any run is not saved. ``on_saved`` is called with the number of runs that
    are saved.

    Raises:
        StoreError: the store failed. The runs are kept, and ``benchlab recover`` saves them.
    """
    if store is None:
        discard(made.measured.runs)
        return
    if not made.measured.runs:
        return
    with store.connect():
        store.save_experiment(made.to_experiment())  # first: the runs alone can be recovered
        for number, run in enumerate(made.measured.runs, 1):
            store.save(run)
            if on_saved is not None:
                on_saved(number)


def stored_comparison(store: Store, experiment: Experiment) -> Comparison:
    """The comparison of a stored A/B, computed again from its runs.

    Raises:
        RunNotFoundError: one of the runs is not stored any more.
    """
    design = experiment.design
    try:
        with store.connect():
            pairs = [(store.load(base), store.load(new)) for base, new in design["pairs"]]
    except RunNotFoundError as exc:
        raise RunNotFoundError(
            f"a run of experiment {experiment.id} is not stored: it was removed, or is still to be"
            " saved",
            remedy="benchlab recover saves runs that were measured but not stored",
        ) from exc
    found = compare_pairs(pairs, primary=design["metric"], threshold=design["threshold"])
    base_name, new_name = design["arm_names"]
    return replace(
        found,
        base_name=base_name,
        new_name=new_name,
        warnings=tuple(experiment.result["warnings"]),
        experiment_id=experiment.id,
    )


class _ProgressSoFar:
    """What an A/B reports while it goes on: its result is computed once per block."""

    def __init__(self, design: ABDesign, metric: str, threshold: float) -> None:
        self._start_s = time.monotonic()
        self._metric = metric
        self._latest = ABProgress(
            done=0,
            blocks=design.blocks,
            metric=metric,
            threshold=threshold,
            title=design.title or " and ".join(design.arm_names),
            total_s=design.total_s,
        )

    def after(self, measured: Measured) -> ABProgress:
        """After the complete blocks of ``measured``."""
        before = self._latest
        done = len(measured.pairs) + len(measured.lost)
        self._latest = replace(before, done=done, arm="", run=None, elapsed_s=self._elapsed_s)
        if not measured.pairs:
            return self._latest
        found = compare_pairs(
            measured.pairs, primary=self._metric, threshold=before.threshold
        ).metrics.get(self._metric)
        if found is None:  # the share of errors has no ratio
            return self._latest
        latest = _interval(done, found) if done > before.done else None
        self._latest = replace(
            self._latest,
            ratio=found.ratio,
            ratio_low=found.ratio_low,
            ratio_high=found.ratio_high,
            intervals=(*before.intervals, latest) if latest is not None else before.intervals,
        )
        return self._latest

    def during(self, arm: Arm, run: Progress) -> ABProgress:
        """While ``run`` of ``arm`` is made."""
        return replace(self._latest, arm=arm, run=run, elapsed_s=self._elapsed_s)

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._start_s


def _interval(done: int, found: MetricComparison) -> ABInterval | None:
    if found.ratio is None:
        return None
    return ABInterval(done, found.ratio, found.ratio_low, found.ratio_high)


def _concluded(
    experiment_id: str, design: ABDesign, measured: Measured, metric: str, threshold: float
) -> tuple[Comparison | None, str]:
    """The comparison of the complete blocks, if there are any, and what went wrong, if it did."""
    planned = plural(design.blocks, "block")
    left_out = f"; left out: {'; '.join(measured.lost)}" if measured.lost else ""
    if measured.given_up:
        return None, (
            f"{len(measured.lost)} of {planned} failed, so the experiment was given up{left_out}"
        )
    if not measured.pairs:
        ended = f", it was ended by {measured.ended_early}" if measured.ended_early else ""
        return None, f"no block of the experiment is complete{ended}{left_out}"
    found = compare_pairs(measured.pairs, primary=metric, threshold=threshold)
    warnings = (*design.warnings(), *measured.warnings(design.blocks), *found.warnings)
    base_name, new_name = design.arm_names
    whole = replace(
        found,
        base_name=base_name,
        new_name=new_name,
        warnings=warnings,
        experiment_id=experiment_id,
    )
    return whole, ""
