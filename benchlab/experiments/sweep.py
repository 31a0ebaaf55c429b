"""A sweep as a stored experiment: saved with its runs, and read back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from benchlab.analysis.sweep import LATENCIES, Sweep, SweepPoint, SweepRun
from benchlab.runs.experiment import POINT_TAG, REPEAT_TAG, SWEPT_TAG, Experiment

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = ["KIND", "experiment_of", "runs_of_rows", "stored_sweep", "sweep_of_rows"]

KIND = "sweep"
"""The kind of the stored experiment."""


def experiment_of(sweep: Sweep, started_at_ns: int, design: Mapping[str, Any]) -> Experiment:
    """The row that a store keeps of a sweep, beside its runs."""
    return Experiment(
        id=sweep.experiment_id,
        kind=KIND,
        name=sweep.notebook,
        started_at_ns=started_at_ns,
        run_ids=sweep.run_ids,
        design=design,
        result=sweep.to_dict(),
    )


def stored_sweep(store: Store, experiment: Experiment) -> Sweep:
    """A stored sweep, as it was when it ended."""
    del store  # the experiment has all of it
    data = dict(experiment.result)
    points = tuple(SweepPoint.from_dict(point) for point in data.pop("points"))
    return Sweep(
        **{
            **data,
            "names": tuple(data["names"]),
            "warnings": tuple(data["warnings"]),
            "points": points,
        }
    )


def runs_of_rows(store: Store, rows: Sequence[Mapping[str, Any]]) -> tuple[SweepRun, ...]:
    """The runs of these rows of `Store.rows`, with the intervals of their latencies."""
    ratios = tuple(LATENCIES.values())
    with store.connect():
        return tuple(
            SweepRun.of(row, store.percentile_intervals(row["run_id"], ratios)) for row in rows
        )


def sweep_of_rows(store: Store, experiment_id: str, rows: Sequence[Mapping[str, Any]]) -> Sweep:
    """What the runs of a sweep say of it, by their tags, if it was not finished."""
    by_point: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_point[int(row["tags"][POINT_TAG])].append(row)
    points = []
    for number, found in sorted(by_point.items()):
        tags = found[0]["tags"]
        given = {
            name.removeprefix(SWEPT_TAG): text
            for name, text in tags.items()
            if name.startswith(SWEPT_TAG)
        }
        points.append(
            SweepPoint(
                number=number,
                parameters={name: _value(text) for name, text in given.items()},
                given=given,
                repeat=int(tags.get(REPEAT_TAG, "1")),
                runs=runs_of_rows(store, found),
            )
        )
    return Sweep(
        notebook=str(rows[0]["name"]),
        names=tuple(dict.fromkeys(name for point in points for name in point.parameters)),
        points=tuple(points),
        planned=0,
        experiment_id=experiment_id,
        warnings=("the sweep was not finished: these are the runs that were saved",),
    )


def _value(text: str) -> Any:
    """The number that the text of a tag is, or else the text."""
    with suppress(ValueError):
        value = json.loads(text)
        if type(value) in (int, float):
            return value
    return text
