"""Which earlier runs are a history: of the same plan, on the same host, since the last change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from statistics import median
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

__all__ = ["SMALLEST_CHANGE", "changes_of", "earlier_runs", "smallest_change", "stable_runs"]

SMALLEST_CHANGE = 0.02
"""The smallest change that matters: 2 %, as in a comparison."""

_FIRST = 7
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
    found = change_points(
        values, errors, min_difference=math.log1p(smallest_change(runs, metric, smallest))
    )
    if metric != "error_ratio":
        return found
    bounds = [0, *(change.index for change in found), len(runs)]
    return [
        change
        for number, change in enumerate(found)
        if abs(
            _share(runs[change.index : bounds[number + 2]])
            - _share(runs[bounds[number] : change.index])
        )
        >= _SMALLEST_ERRORS
    ]


def smallest_change(runs: Sequence[StoredRun], metric: str, smallest: float) -> float:
    """The smallest change that is named, as a ratio: ``smallest``, or the noise floor of the host.

    The level is that of the first runs, so that later ones do not alter what is named.
    """
    floor = floor_of(runs[0].environment)
    level = median(value_of(run, metric) or 0.0 for run in runs[:_FIRST])
    if TREND_METRICS[metric].unit != "ns" or floor is None or level <= 0:
        return smallest
    return max(smallest, floor.under(runs[0].plan.load).p50 / level)


def _share(runs: Sequence[StoredRun]) -> float:
    """The share of errors among all requests of the runs."""
    return sum(run.error_count for run in runs) / max(sum(run.count for run in runs), 1)
