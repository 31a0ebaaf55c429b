"""Compare runs that were made independently of each other: lists of runs, or two single ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.comparison import Comparison, Design, ErrorComparison
from benchlab.analysis.conclusion import (
    Evidence,
    all_positive,
    check_settings,
    compare_errors,
    conclude,
)
from benchlab.analysis.notes import demoted_note, error_notes, foreign_load_notes
from benchlab.analysis.run_statistics import ERROR_BATCHES, METRICS, RunStatistics
from benchlab.errors import InputError
from benchlab.runs.comparable import check_same_setup, check_verdicts
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run
from benchlab.statistics.estimates import Student, pooled_difference, welch, welch_error
from benchlab.text import plural

__all__ = ["FEWEST_HISTORY", "FEWEST_RUNS", "compare_runs"]

FEWEST_HISTORY = 10
"""So many earlier runs have to say how much runs differ by themselves, for two single ones."""

FEWEST_RUNS = 5
"""So many runs of each side are advised where nothing is known of how much runs differ."""


def compare_runs(
    base: Sequence[Run | RunStatistics],
    new: Sequence[Run | RunStatistics],
    *,
    history: Sequence[Run | RunStatistics] = (),
    primary: str = "p50",
    threshold: float = 0.02,
    level: float = 0.95,
    force: bool = False,
) -> Comparison:
    """Compare two lists of independent runs; nothing is paired.

    A run counts as one observation, whatever its number of requests: requests of one run depend on
    each other, and runs differ by more than the requests within one of them. The logarithms of a
    metric are compared by Welch's interval, or with a single run on one side by that of equal
    variances.

    Two single runs have no replication. If ``history`` has 10 or more other runs of the same plan
    on the same host, their spread is taken for that of these two. Otherwise every verdict is
    ``inconclusive``, except that a new side which fails more is ``slower``: shares of errors have
    an interval within a run.

    Raises:
        InputError: a side is empty or has a run twice, the runs have different plans or hosts (and
            ``force`` is False), or a setting is out of range.
        InvalidRunError: a run is invalid or was interrupted, and ``force`` is False.
    """
    check_settings(primary, threshold, level)
    for field, side in (("base", base), ("new", new)):
        _check_side(field, side)
    warnings = check_verdicts([*base, *new], force=force)
    olds, news = ([_statistics(run) for run in side] for side in (base, new))
    warnings += check_same_setup([*olds, *news], force=force)
    warnings += _foreign_load_notes(olds, news)
    warnings += _shared_note(olds, news)
    ids = {run.id for run in (*olds, *news)}
    single = len(olds) == len(news) == 1
    earlier = [_statistics(run) for run in history if run.id not in ids] if single else []
    design, notes = _design(olds, news, earlier)
    if design != "single_runs_with_history":
        earlier = []
    evidence = {name: _evidence(name, olds, news, earlier) for name in METRICS}
    errors = _errors(olds, news, earlier, level)
    verdicts = conclude(evidence, errors, primary=primary, threshold=threshold, level=level)
    return Comparison(
        base=tuple(run.id for run in olds),
        new=tuple(run.id for run in news),
        base_name=olds[0].name,
        new_name=news[0].name,
        design=design,
        primary=primary,
        verdict=verdicts.verdict,
        reason=verdicts.reason,
        metrics=verdicts.metrics,
        errors=errors,
        warnings=(
            *warnings,
            *notes,
            *_no_width_note(evidence),
            *error_notes(errors),
            *demoted_note(verdicts.demoted),
        ),
        threshold=threshold,
        level=level,
        history=tuple(run.id for run in earlier),
        origin=origin_of([*olds, *news]),
    )


def _statistics(run: Run | RunStatistics) -> RunStatistics:
    return RunStatistics.of(run) if isinstance(run, Run) else run


def _check_side(field: str, runs: Sequence[Run | RunStatistics]) -> None:
    if not runs:
        raise InputError("has no runs", field=field, remedy="give at least one")
    ids = [run.id for run in runs]
    twice = next((each for each in ids if ids.count(each) > 1), None)
    if twice is not None:
        raise InputError(
            f"has the run {twice} twice: one run cannot be evidence twice",
            field=field,
            remedy="name each run once",
        )


def _foreign_load_notes(base: Sequence[RunStatistics], new: Sequence[RunStatistics]) -> list[str]:
    loads = [run.plan.load for run in (*base, *new)]
    tools = sorted({str(getattr(load, "source", "")) for load in loads if load.is_imported})
    base_rps, new_rps = (
        sum(run.metrics["rate_rps"] or 0.0 for run in side) / len(side) for side in (base, new)
    )
    return foreign_load_notes(tools, base_rps, new_rps)


def _shared_note(base: Sequence[RunStatistics], new: Sequence[RunStatistics]) -> list[str]:
    shared = sorted({run.id for run in base} & {run.id for run in new})
    if not shared:
        return []
    return [f"on both sides, where a run is no evidence of a difference: {', '.join(shared)}"]


def _no_width_note(evidence: Mapping[str, Evidence]) -> list[str]:
    """A warning on latencies that do not vary: imported ones in whole ms, say."""
    labels = [
        METRICS[name].label
        for name, item in evidence.items()
        if METRICS[name].unit == "ns" and item.effect is not None and item.error_after is not None
        if item.error_after(0)[0] == 0
    ]
    if not labels:
        return []
    return [
        f"{', '.join(labels)}: the same in all runs of a side, so the interval has no width; with"
        " latencies this coarse, a difference of one step may be chance"
    ]


def _design(
    base: Sequence[RunStatistics], new: Sequence[RunStatistics], history: Sequence[RunStatistics]
) -> tuple[Design, list[str]]:
    if len(base) == len(new) == 1:
        if len(history) >= FEWEST_HISTORY:
            return "single_runs_with_history", [
                f"how much runs differ by themselves was taken from {len(history)} earlier runs of"
                f" this plan on this host, {history[0].id} to {history[-1].id}"
            ]
        found = f"; it has {plural(len(history), 'such run')}" if history else ""
        return "single_runs", [
            "two single runs cannot tell a change from the difference that runs have by"
            f" themselves: measure at least {FEWEST_RUNS} runs of each side, or interleave them"
            f" with benchlab ab, or build up a history of {FEWEST_HISTORY} runs of this plan on"
            f" this host{found}"
        ]
    if min(len(base), len(new)) == 1:
        return "independent_runs", [
            "one side is a single run: it is taken to vary as the runs of the other side do"
        ]
    return "independent_runs", []


def _evidence(
    name: str,
    base: Sequence[RunStatistics],
    new: Sequence[RunStatistics],
    history: Sequence[RunStatistics],
) -> Evidence:
    olds, news = (all_positive([run.metrics[name] for run in side]) for side in (base, new))
    centers = [_center(name, values, side) for values, side in ((olds, base), (news, new))]
    if olds is None or news is None or not centers[0] or not centers[1]:
        return Evidence(base=centers[0], new=centers[1], least_further=None)
    earlier = all_positive([run.metrics[name] for run in history]) or []
    effect, error_after = _effect(np.log(olds), np.log(news), np.log(earlier))
    return Evidence(
        base=centers[0],
        new=centers[1],
        ratio=centers[1] / centers[0],
        effect=effect,
        error_after=error_after,
        least_further=FEWEST_RUNS - 1 if effect is None else 0,
        p_value=None if effect is None else effect.p_value(),
    )


def _center(
    name: str, values: Sequence[float] | None, side: Sequence[RunStatistics]
) -> float | None:
    """The geometric mean, whose quotients are the ratios that are compared.

    A single run has its value, also one without a logarithm; None if there is neither.
    """
    if len(side) == 1:
        return side[0].metrics[name]
    return None if values is None else math.exp(float(np.log(values).mean()))


def _effect(
    base: NDArray[np.float64], new: NDArray[np.float64], history: NDArray[np.float64]
) -> tuple[Student | None, Callable[[int], tuple[float, float]] | None]:
    """The difference of means, and its error after so many more runs of each side."""
    if min(len(base), len(new)) > 1:
        variances = [float(base.var(ddof=1)), float(new.var(ddof=1))]
        return welch(base, new), lambda further: welch_error(
            variances, [len(base) + further, len(new) + further]
        )
    groups = [group for group in (base, new, history) if len(group) > 1]
    if not groups:
        return None, None
    effect = pooled_difference(base, new, *([history] if len(history) > 1 else []))
    deviation = effect.error / math.sqrt(1 / len(base) + 1 / len(new))

    def error_after(further: int) -> tuple[float, float]:
        per_value = 1 / (len(base) + further) + 1 / (len(new) + further)
        return deviation * math.sqrt(per_value), effect.freedom + 2 * further

    return effect, error_after


def _errors(
    base: Sequence[RunStatistics],
    new: Sequence[RunStatistics],
    history: Sequence[RunStatistics],
    level: float,
) -> ErrorComparison:
    totals = [
        (sum(run.error_count for run in side), sum(run.count for run in side))
        for side in (base, new)
    ]
    return compare_errors(_error_spread(base, new, history), totals[0], totals[1], level)


def _error_spread(
    base: Sequence[RunStatistics], new: Sequence[RunStatistics], history: Sequence[RunStatistics]
) -> Student | None:
    """The difference of the shares of errors, by their spread between runs or, of two, within."""
    shares = [
        [run.error_ratio for run in side if run.error_ratio is not None]
        for side in (base, new, history)
    ]
    if not (shares[0] and shares[1]):
        return None
    if min(len(shares[0]), len(shares[1])) > 1:
        return welch(shares[0], shares[1])
    if max(map(len, shares)) > 1:
        return pooled_difference(*(side for side in shares if side))
    variance = base[0].error_variance + new[0].error_variance
    return Student(shares[1][0] - shares[0][0], math.sqrt(variance), ERROR_BATCHES - 1)
