"""Which objectives are watched while faults are on, and over which windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchlab.analysis.broken_periods import Requests, WatchedObjective, broken_periods
from benchlab.analysis.resilience import ObjectiveSource
from benchlab.errors import InputError
from benchlab.plan.objectives import Objective, check_objectives, parse_objectives
from benchlab.runs.request_limits import allowed_ratio
from benchlab.runs.run import Run
from benchlab.samples.percentiles import exact_percentile
from benchlab.units import NS_PER_MS, NS_PER_S, format_ms

__all__ = ["watch", "watched_objectives"]

_BEYOND = 10.0
"""Bad requests that the limit allows in a window: fewer say too little about their share."""

_SHORTEST_S = 1.0
_LONGEST_S = 10.0
_MOST_OF_RUN = 0.25

_FEWEST_BEFORE = 200
_FACTORS = (2, 3, 5, 10)
_RATIOS = (0.99, 0.95, 0.9, 0.5)


def watched_objectives(
    run: Run,
    requests: Requests,
    asked: str | Objective | Sequence[str | Objective] | None,
    first_ns: int,
) -> tuple[list[WatchedObjective], ObjectiveSource, list[str], str]:
    """The objectives to watch, where they are from, those left out, and how one was derived."""
    given = parse_objectives(run.plan.slo if asked is None else asked, "objective")
    length_s = (requests.end_ns - requests.begin_ns) / NS_PER_S
    check_objectives(given, "objective", run.samples.endpoints, length_s)
    found = [(each, watch(each, requests)) for each in given]
    watched = [each for _, each in found if each is not None]
    left_out = [str(each) for each, usable in found if usable is None]
    if asked is not None and left_out:
        raise InputError(
            "is no limit of single requests, so it cannot be said when it broke",
            field="objective",
            value=left_out[0],
            remedy="use a percentile or the error ratio, such as p99<50ms or error_ratio<1%",
        )
    if watched:
        return watched, "plan" if asked is None else "given", left_out, ""
    derived, derivation = _derived(run, requests, first_ns)
    return [derived], "derived", left_out, derivation


def _derived(run: Run, requests: Requests, first_ns: int) -> tuple[WatchedObjective, str]:
    """An objective that held before the first fault: a multiple of a percentile of that time."""
    before = requests.between(requests.begin_ns, first_ns)
    latency_ns, failed = requests.latency_ns[before], requests.failed[before]
    if len(latency_ns) < _FEWEST_BEFORE:
        raise InputError(
            f"is missing, and {len(latency_ns):,} measured requests before the first fault are too"
            " few to derive one",
            field="objective",
            remedy="give one, such as p99<50ms, or let the first fault begin later",
        )
    error_ratio = float(np.mean(failed))
    ratio = next((each for each in _RATIOS if error_ratio <= (1 - each) / 2), _RATIOS[-1])
    if failed.all():
        raise InputError(
            "is missing, and all requests before the first fault failed",
            field="objective",
            remedy="give one, such as p99<50ms",
        )
    level_ns = exact_percentile(np.sort(latency_ns[~failed]), ratio)
    percentile = f"p{ratio * 100:g}"
    for factor in _FACTORS:
        limit_ms = _rounded_up(factor * level_ns / NS_PER_MS)
        found = watch(Objective.parse(f"{percentile}<{limit_ms}ms"), requests)
        if found is not None and not broken_periods(run, requests, [found], first_ns):
            break
    assert found is not None  # a percentile is a limit of single requests
    before_s = (first_ns - requests.begin_ns) / NS_PER_S
    return found, (
        f"{factor} × the {percentile} of the {before_s:.3g} s before the first fault,"
        f" {format_ms(level_ns)}"
    )


def _rounded_up(value: float) -> str:
    """``value`` with two significant digits, rounded up, without an exponent."""
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 3
    scale = 10.0**digits
    return f"{math.ceil(value * scale - 1e-9) / scale:.{max(digits, 0)}f}"


def watch(objective: Objective, requests: Requests) -> WatchedObjective | None:
    """``objective`` with its windows; None if it is no limit of single requests."""
    allowed = allowed_ratio(objective)
    if allowed is None:
        return None
    window_s = objective.window_s
    if window_s is None:
        length_s = (requests.end_ns - requests.begin_ns) / NS_PER_S
        count = int(np.count_nonzero(requests.concerns(objective)))
        needed_s = _BEYOND * length_s / (allowed * count) if allowed * count > 0 else _SHORTEST_S
        window_s = min(max(needed_s, _SHORTEST_S), _LONGEST_S, length_s * _MOST_OF_RUN)
        window_s = float(f"{window_s:.2g}")
    return WatchedObjective(objective, allowed, window_s)
