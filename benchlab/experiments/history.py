"""Which earlier runs are a history: of the same plan, on the same host, since the last change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from benchlab.analysis.run_statistics import RunStatistics
from benchlab.analysis.trend_metrics import TREND_METRICS, log_error, log_value, value_of
from benchlab.experiments.stored_statistics import statistics_of_stored
from benchlab.runs.comparable import Comparable
from benchlab.runs.floor import floor_of
from benchlab.runs.same import is_same_host, is_same_plan

if TYPE_CHECKING:
    from benchlab.runs.stored_run import StoredRun
    from benchlab.statistics.change_points import Change
    from benchlab.store import Store

__all__ = ["SMALLEST_CHANGE", "changes_of", "earlier_runs", "stable_runs"]

SMALLEST_CHANGE = 0.02
"""The smallest change that matters: 2 %, as in a comparison."""

_SMALLEST_ERRORS = 0.005
"""The smallest change of a share of errors that matters: half a percentage point."""


class Started(Comparable, Protocol):
    """A run of which it is known when it was made."""

    @property
    def started_at(self) -> datetime:
        """When it was made."""


def earlier_runs(store: Store, run: Started, metric: str = "p50") -> list[RunStatistics]:
    """The valid runs before ``run`` that say how much runs like it differ by themselves.

    They have its plan and its host, and no change of ``metric`` lies between them. Oldest first;
    ``run`` is not one of them, and runs of experiments are not. Their samples are not loaded.
    """
    earlier = store.history(like=run.plan, until=run.started_at)
    others = [other for other in earlier if other.id != run.id]
    return [statistics_of_stored(other) for other in stable_runs(others, run, metric)]


def stable_runs(
    history: Sequence[StoredRun], like: Comparable, metric: str = "p50"
) -> list[StoredRun]:
    """The valid runs of ``history`` with the plan and host of ``like``, since the last change.

    ``history`` is in the order of time.
    """
    known = [
        run
        for run in history
        if run.verdict in ("valid", "imported")
        and log_value(run, metric) is not None
        and is_same_plan(like, run)
        and is_same_host(like, run)
    ]
    changes = changes_of(known, metric)
    return known[changes[-1].index :] if changes else known


def changes_of(
    runs: Sequence[StoredRun], metric: str, smallest: float = SMALLEST_CHANGE
) -> list[Change]:
    """The changes of ``metric`` in runs of one plan and host, in the order of time.

    Each run has to have a value. A change of a latency has to be larger than ``smallest`` (0.02 is
    2 %) and than the noise floor of the host, if that was calibrated: the latency which the host
    itself adds, at the median.
    """
    from benchlab.statistics.change_points import change_points

    if not runs:
        return []
    values = [value for run in runs if (value := log_value(run, metric)) is not None]
    errors = [log_error(run, metric) for run in runs]
    level = sorted(value_of(run, metric) or 0.0 for run in runs)[len(runs) // 2]
    found = change_points(
        values, errors, min_difference=math.log1p(_smallest(runs, metric, level, smallest))
    )
    if metric == "error_ratio":
        return [change for change in found if _matters(runs, change)]
    return found


def _smallest(runs: Sequence[StoredRun], metric: str, level: float, smallest: float) -> float:
    if TREND_METRICS[metric].unit != "ns" or level <= 0:
        return smallest
    floor = floor_of(runs[-1].environment)
    return smallest if floor is None else max(smallest, floor.under(runs[-1].plan.load).p50 / level)


def _matters(runs: Sequence[StoredRun], change: Change) -> bool:
    """Whether the share of errors of all requests after a change differs enough from before."""
    before, after = runs[: change.index], runs[change.index :]
    shares = [
        sum(run.error_count for run in side) / max(sum(run.count for run in side), 1)
        for side in (before, after)
    ]
    return abs(shares[1] - shares[0]) >= _SMALLEST_ERRORS
