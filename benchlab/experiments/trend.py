"""Since when: the stored runs of a name over time, and where a metric changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from benchlab.analysis.trend import (
    Direction,
    LeftOut,
    Trend,
    TrendBreak,
    TrendChange,
    TrendPoint,
)
from benchlab.analysis.trend_metrics import TREND_METRICS, log_value, parse_metric, value_of
from benchlab.errors import InputError
from benchlab.experiments.history import SMALLEST_CHANGE, changes_of, smallest_change
from benchlab.runs.experiment import Experiment
from benchlab.runs.origin import origin_of
from benchlab.runs.same import host_differences, plan_differences
from benchlab.store import Store
from benchlab.text import plural
from benchlab.units import ns_from_utc

if TYPE_CHECKING:
    from benchlab.runs.stored_run import StoredRun
    from benchlab.statistics.change_points import Change

__all__ = ["KIND", "stored_trend", "trend", "trend_of"]

KIND = "trend"
"""The kind of the stored experiment."""

_FEWEST = 14
"""With fewer runs no permutation test reaches p <= 0.001."""

_MOST_NAMED = 4


def trend(
    name: str,
    metric: str = "p99",
    *,
    tags: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    smallest: float = SMALLEST_CHANGE,
    store: Store | None = None,
    save: bool = False,
) -> Trend:
    """The stored runs called ``name``, and the changes of ``metric`` among them.

    ``metric`` is a percentile of the latency (``p50``, ``p90``, ``p95``, ``p99``, ``p99.9``),
    ``mean``, ``rate_rps`` or ``error_ratio``. ``tags``, ``since`` and ``until`` select runs as in
    `Store.runs`. Changes below ``smallest`` (0.02 is 2 %), or below the noise floor of the host,
    are not named. Runs of experiments are not part of the history.

    With ``save`` the result is kept in the store, in place of an earlier one of the same name,
    metric and tags: Grafana shows it, and ``benchlab history`` lists it.

    A run on another host, or of another plan, is a declared break, and never a change. See
    `benchlab.statistics.change_points` for how changes are found.

        history = bl.trend("nightly", "p99")
        print(history.regression)

    Raises:
        InputError: no stored run has that name, or the metric is unknown.
    """
    key = parse_metric(metric)
    if not 0 <= smallest < 10:
        raise InputError("must be 0 or more, such as 0.02", field="smallest", value=smallest)
    opened = store or Store()
    with opened.connect():
        runs = opened.history(name=name, tags=tags, since=since, until=until)
        if not runs:
            raise _not_found(name, opened.names())
        found = trend_of(runs, name, key, smallest)
        if save:
            asked = {
                "metric": key,
                "tags": dict(tags or {}),
                "since": None if since is None else since.isoformat(),
                "smallest": smallest,
            }
            opened.save_experiment(_experiment_of(found, runs[-1].started_at, asked))
    return found


def stored_trend(store: Store, experiment: Experiment) -> Trend:
    """The trend that was saved as ``experiment``, computed again from its stored runs.

    Raises:
        InputError: none of its runs is in the store any more.
    """
    asked = experiment.design
    since = None if asked["since"] is None else datetime.fromisoformat(asked["since"])
    runs = [
        run
        for run in store.history(name=experiment.name, tags=asked["tags"], since=since)
        if run.started_at <= experiment.started_at
    ]
    if not runs:
        raise _not_found(experiment.name, store.names())
    return trend_of(runs, experiment.name, asked["metric"], asked["smallest"])


def _experiment_of(found: Trend, until: datetime, asked: Mapping[str, Any]) -> Experiment:
    """The row that a store keeps of a trend; its runs have rows of their own.

    The id follows from what was asked, so that the next result takes the place of this one.
    """
    identity = json.dumps([KIND, found.name, asked["metric"], sorted(asked["tags"].items())])
    result = found.to_dict()
    del result["runs"]
    levels = [
        {
            "run_id": found.points[start].run_id,
            "run_count": end - start,
            "value": median(point.value for point in found.points[start:end]),
        }
        for start, end in found.segments
        if end > start
    ]
    return Experiment(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        kind=KIND,
        name=found.name,
        started_at_ns=ns_from_utc(until),
        run_ids=tuple(point.run_id for point in found.points),
        design=asked,
        result={**result, "levels": levels},
    )


def trend_of(
    runs: Sequence[StoredRun], name: str, metric: str, smallest: float = SMALLEST_CHANGE
) -> Trend:
    """The trend of ``runs``, which are in the order of time."""
    known: list[StoredRun] = []
    left_out = []
    for run in runs:
        reason = _unusable(run, metric)
        if reason:
            left_out.append(LeftOut(run_id=run.id, started_at=run.started_at, reason=reason))
        else:
            known.append(run)
    points = [_point(run, metric) for run in known]
    breaks = list(_breaks(known))
    changes: list[TrendChange] = []
    bounds = [0, *(item.index for item in breaks), len(known)]
    for start, end in pairwise(bounds):
        found = changes_of(known[start:end], metric, smallest)
        changes += _described(points[start:end], found, metric, start)
    current = known[bounds[-2] :]
    return Trend(
        name=name,
        metric=metric,
        points=tuple(points),
        breaks=tuple(breaks),
        changes=tuple(changes),
        left_out=tuple(left_out),
        noise_floor=smallest_change(current, metric, smallest) if current else smallest,
        warnings=tuple(_warnings(current, breaks)),
        origin=origin_of(known),
    )


def _unusable(run: StoredRun, metric: str) -> str:
    if run.verdict not in ("valid", "imported"):
        return f"{run.verdict}: {run.invalid_reason}" if run.invalid_reason else run.verdict
    return "" if log_value(run, metric) is not None else f"it has no {metric}"


def _point(run: StoredRun, metric: str) -> TrendPoint:
    value = value_of(run, metric)
    assert value is not None
    return TrendPoint(
        run_id=run.id,
        started_at=run.started_at,
        git_commit=run.git_commit,
        git_dirty=run.git_dirty,
        value=value,
        low=run.figures.get(f"latency_{metric}_low_ns"),
        high=run.figures.get(f"latency_{metric}_high_ns"),
    )


def _breaks(runs: Sequence[StoredRun]) -> Iterator[TrendBreak]:
    for index, (before, after) in enumerate(pairwise(runs), 1):
        differences = [] if before.plan is after.plan else plan_differences(before, after)
        if before.environment != after.environment:
            differences += host_differences(before, after)
        if differences:
            named = [str(item) for item in differences]
            yield TrendBreak(index=index, run_id=after.id, differences=tuple(named))


def _described(
    points: Sequence[TrendPoint], changes: Sequence[Change], metric: str, offset: int
) -> Iterator[TrendChange]:
    bounds = [0, *(change.index for change in changes), len(points)]
    for number, change in enumerate(changes):
        start, index, end = bounds[number : number + 3]
        before = median(point.value for point in points[start:index])
        after = median(point.value for point in points[index:end])
        went = "up" if change.difference > 0 else "down"
        direction: Direction = "worse" if went == TREND_METRICS[metric].worse_is else "better"
        yield TrendChange(
            index=offset + index,
            direction=direction,
            before=before,
            after=after,
            ratio=after / before if before else None,
            last_good=points[change.first - 1],
            first_bad=points[change.last],
            named_at=points[change.named_at].run_id,
            p_value=change.p_value,
        )


def _warnings(current: Sequence[StoredRun], breaks: Sequence[TrendBreak]) -> Iterator[str]:
    if len(current) < _FEWEST:
        since = " since the last break" if breaks else ""
        yield (
            f"only {plural(len(current), 'run')}{since}: a change can be named from {_FEWEST} on"
        )
    if current and all(run.git_commit is None for run in current):
        yield "no run names a commit: run benchlab in the repository of the service to record it"


def _not_found(name: str, names: Sequence[str]) -> InputError:
    from difflib import get_close_matches

    if name in names:
        return InputError(
            "has no runs that match",
            field="name",
            value=name,
            remedy="leave out --tag or --since; runs of experiments are not part of a history",
        )
    nearest = get_close_matches(name, names, n=_MOST_NAMED, cutoff=0.5)
    others = nearest or list(names)[:_MOST_NAMED]
    remedy = f"there is {', '.join(map(repr, others))}" if others else "no run is stored yet"
    return InputError("is not the name of a stored run", field="name", value=name, remedy=remedy)
