"""Compare two sides that were measured in pairs of blocks, one shortly after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.comparison import Comparison, ErrorComparison
from benchlab.analysis.conclusion import (
    Evidence,
    all_positive,
    check_settings,
    compare_errors,
    conclude,
    fewest_pairs,
)
from benchlab.analysis.notes import demoted_note, error_notes
from benchlab.analysis.run_statistics import METRICS, RunStatistics, fewest_requests
from benchlab.errors import InputError
from benchlab.runs.comparable import check_verdicts
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run
from benchlab.samples.percentiles import exact_percentile
from benchlab.statistics.estimates import Student, half_samples, halves
from benchlab.statistics.sign_flips import sign_flip_p
from benchlab.statistics.signed_rank import SignedRank
from benchlab.text import plural

__all__ = ["compare_pairs"]

_BEYOND = 10
"""A percentile of a block is used if at least so many of its requests lie above it."""

Pair = tuple[RunStatistics, RunStatistics]


def compare_pairs(
    pairs: Sequence[tuple[Run, Run]],
    *,
    primary: str = "p50",
    threshold: float = 0.02,
    level: float = 0.95,
    force: bool = False,
) -> Comparison:
    """Compare the two runs of each pair, ``(base, new)``: the blocks of an interleaved experiment.

    What changes slowly affects both runs of a pair, and cancels in their ratio. Per pair and metric
    the difference of logarithms is taken; the estimate is that of Hodges and Lehmann, its interval
    that of the signed-rank distribution, its p-value that of sign flips. A percentile with fewer
    than 10 requests above it in some block is that of all requests of a side instead, with the
    interval of half samples: of halves of the pairs.

    Latencies include those of failed requests, as in the summary of a run. Which runs make a pair
    is not checked: an experiment may measure another service on purpose.

    Raises:
        InputError: there are no pairs, or a setting is out of range.
        InvalidRunError: a run is invalid or was interrupted, and ``force`` is False.
    """
    check_settings(primary, threshold, level)
    if not pairs:
        raise InputError("there are none", field="pairs", remedy="give at least one pair of runs")
    warnings = check_verdicts([run for pair in pairs for run in pair], force=force)
    found = [(RunStatistics.of(base), RunStatistics.of(new)) for base, new in pairs]
    evidence: dict[str, Evidence] = {}
    for name in METRICS:
        smallest = min(run.count for pair in found for run in pair)
        if METRICS[name].ratio is not None and smallest < fewest_requests(name, _BEYOND):
            evidence[name] = _pooled(name, pairs, found)
        else:
            evidence[name] = _per_block(name, found, level)
    errors = _errors(found, level)
    verdicts = conclude(evidence, errors, primary=primary, threshold=threshold, level=level)
    sides = [[pair[side] for pair in found] for side in (0, 1)]
    return Comparison(
        base=tuple(run.id for run in sides[0]),
        new=tuple(run.id for run in sides[1]),
        base_name=sides[0][0].name,
        new_name=sides[1][0].name,
        design="paired_blocks",
        primary=primary,
        verdict=verdicts.verdict,
        reason=verdicts.reason,
        metrics=verdicts.metrics,
        errors=errors,
        warnings=(
            *warnings,
            *_few_pairs_note(len(pairs), level),
            *error_notes(errors),
            *demoted_note(verdicts.demoted),
        ),
        threshold=threshold,
        level=level,
        origin=origin_of([run for pair in found for run in pair]),
    )


def _per_block(name: str, pairs: Sequence[Pair], level: float) -> Evidence:
    sides = [[pair[side].metrics[name] for pair in pairs] for side in (0, 1)]
    base, new = all_positive(sides[0]), all_positive(sides[1])
    if base is None or new is None:
        return Evidence(base=_median(sides[0]), new=_median(sides[1]), least_further=None)
    differences = np.log(new) - np.log(base)
    effect = SignedRank(differences)
    count = len(pairs)
    missing = max(0, fewest_pairs(level) - count)

    def error_after(further: int) -> tuple[float, float]:
        return effect.deviation / math.sqrt(count + further), count + further - 1

    return Evidence(
        base=_center(base),
        new=_center(new),
        ratio=math.exp(effect.estimate),
        effect=effect if missing == 0 else None,
        error_after=error_after,
        least_further=missing,
        least_at=lambda strict: max(0, fewest_pairs(strict) - count),
        p_value=sign_flip_p(differences),
    )


def _pooled(name: str, pairs: Sequence[tuple[Run, Run]], found: Sequence[Pair]) -> Evidence:
    """A percentile of all requests of a side, with the error of half samples of the pairs."""
    ratio = METRICS[name].ratio or 0.0
    count = len(pairs)
    fewest = min(sum(pair[side].count for pair in found) for side in (0, 1))
    if fewest < fewest_requests(name, 1):
        return Evidence(least_further=_more_blocks(name, fewest, count))
    sides = [_Pool([pair[side] for pair in pairs]) for side in (0, 1)]
    base, new = (float(side.percentile(ratio)) for side in sides)
    if base <= 0 or new <= 0:
        return Evidence(base=base, new=new, least_further=None)
    if fewest < fewest_requests(name, _BEYOND) or count < 2:
        further = max(1, _more_blocks(name, fewest, count) or 0)
        return Evidence(base=base, new=new, ratio=new / base, least_further=further)
    of_halves = []
    for kept in halves(count):
        half = [side.percentile(ratio, kept) for side in sides]
        if min(half) <= 0:
            return Evidence(base=base, new=new, ratio=new / base, least_further=None)
        of_halves.append(math.log(half[1] / half[0]))
    effect = half_samples(math.log(new / base), of_halves, count)

    def error_after(further: int) -> tuple[float, float]:
        return effect.error * math.sqrt(count / (count + further)), count + further - 1

    return Evidence(
        base=base,
        new=new,
        ratio=new / base,
        effect=effect,
        error_after=error_after,
        p_value=effect.p_value(),
    )


class _Pool:
    """The latencies of all blocks of a side, in order, and the block that each came from."""

    def __init__(self, runs: Sequence[Run]) -> None:
        blocks = [run.measured.latency_ns for run in runs]
        values = np.concatenate(blocks)
        order = np.argsort(values, kind="stable")
        self._ordered: NDArray[np.int64] = values[order]
        self._block = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])[order]

    def percentile(self, ratio: float, kept: NDArray[np.bool_] | None = None) -> int:
        """The exact percentile of all blocks, or of those ``kept``; 0 without requests."""
        values = self._ordered if kept is None else self._ordered[kept[self._block]]
        return exact_percentile(values, ratio) if len(values) else 0


def _more_blocks(name: str, fewest: int, count: int) -> int | None:
    """How many more blocks it takes for enough requests beyond the percentile; None if unknown."""
    if fewest == 0:
        return None
    return max(0, math.ceil(fewest_requests(name, _BEYOND) * count / fewest) - count)


def _errors(pairs: Sequence[Pair], level: float) -> ErrorComparison:
    base, new = (
        (sum(pair[side].error_count for pair in pairs), sum(pair[side].count for pair in pairs))
        for side in (0, 1)
    )
    shares = [(base.error_ratio, new.error_ratio) for base, new in pairs]
    differences = [b - a for a, b in shares if a is not None and b is not None]
    spread = None
    if len(differences) > 1:
        error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
        spread = Student(float(np.mean(differences)), error, len(differences) - 1)
    return compare_errors(spread, base, new, level)


def _few_pairs_note(count: int, level: float) -> list[str]:
    if count >= fewest_pairs(level):
        return []
    return [
        f"with {plural(count, 'block')} the smallest possible p-value is {2.0 ** (1 - count):.3g}:"
        f" an interval of {100 * level:g} % takes at least {fewest_pairs(level)}"
    ]


def _center(values: Sequence[float]) -> float:
    """The centre of the blocks of a side, estimated as that of the ratios is.

    Medians would not do: of blocks that are fast or slow, those of the sides may differ by far more
    than the blocks of a pair do.
    """
    return math.exp(SignedRank(np.log(values)).estimate)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
