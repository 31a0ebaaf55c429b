"""An experiment of which the store has the runs alone: its process ended before its result."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchlab.errors import RunNotFoundError
from benchlab.experiments.ab_design import ARM_TAG, PAIR_TAG
from benchlab.experiments.sweep import experiment_of, sweep_of_rows
from benchlab.runs.experiment import EXPERIMENT_TAG, POINT_TAG, Experiment
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = ["find_experiment"]

_DEFAULTS = {"metric": "p50", "threshold": 0.02, "arm_names": ["A", "B"]}


def find_experiment(store: Store, experiment_id: str) -> Experiment:
    """The stored experiment with this id; or, with the whole id, what its runs say of it.

    After a crash, ``benchlab recover`` saves the runs of an experiment. The tags of those of an A/B
    or of a sweep say how they belong together; what only the experiment itself knew, such as its
    metric, is as by default. Others have no result.

    Raises:
        RunNotFoundError: there is neither.
    """
    with store.connect():
        try:
            return store.load_experiment(experiment_id)
        except RunNotFoundError:
            rows = store.rows(tags={EXPERIMENT_TAG: experiment_id})
            if not rows:
                raise
    rows.reverse()  # in the order they were made
    whole = Experiment(
        id=experiment_id,
        kind="",
        name=rows[0]["name"],
        started_at_ns=int(rows[0]["started_at"].timestamp() * 1e9),
        run_ids=tuple(row["run_id"] for row in rows),
    )
    if POINT_TAG in rows[0]["tags"]:
        return experiment_of(sweep_of_rows(store, experiment_id, rows), whole.started_at_ns, {})
    return _ab(whole, rows) if ARM_TAG in rows[0]["tags"] else whole


def _ab(whole: Experiment, rows: list[dict[str, Any]]) -> Experiment:
    """The A/B that these runs belong to, with those of its blocks that are complete."""
    arms: dict[int, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row["verdict"] == "valid":
            arms[int(row["tags"][PAIR_TAG])][row["tags"][ARM_TAG]] = row["run_id"]
    pairs = [[found["a"], found["b"]] for _, found in sorted(arms.items()) if len(found) == 2]
    warning = (
        f"the experiment was not finished: the result is of {plural(len(pairs), 'complete block')}"
    )
    return replace(
        whole,
        kind="ab",
        design={**_DEFAULTS, "pairs": pairs, "problem": "none of its blocks is complete"},
        result={"warnings": [warning]} if pairs else {},
    )
