"""The result of a stored experiment, as a value that shows itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from benchlab.displayed import Result
from benchlab.errors import InputError
from benchlab.experiments.ab import KIND as AB
from benchlab.experiments.ab import stored_comparison
from benchlab.experiments.capacity import KIND as CAPACITY
from benchlab.experiments.capacity import stored_capacity
from benchlab.experiments.sweep import KIND as SWEEP
from benchlab.experiments.sweep import stored_sweep
from benchlab.experiments.trend import KIND as TREND
from benchlab.experiments.trend import stored_trend
from benchlab.runs.experiment import Experiment

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = ["STORED_RESULTS", "stored_result"]

STORED_RESULTS: Mapping[str, Callable[[Store, Experiment], Result]] = {
    AB: stored_comparison,
    CAPACITY: stored_capacity,
    SWEEP: stored_sweep,
    TREND: stored_trend,
}
"""What gives the result of an experiment, by its kind."""


def stored_result(store: Store, experiment: Experiment) -> Result:
    """The result of ``experiment``, computed again from its stored runs.

    Raises:
        InputError: it was given up, so it has none; or a newer benchlab made it.
        RunNotFoundError: one of its runs is not in the store any more.
    """
    if not experiment.result:
        problem = experiment.design.get("problem") or "it was not finished"
        raise InputError(
            f"experiment {experiment.id} has no result: {problem}",
            remedy=f"see its runs with benchlab history --experiment {experiment.id}",
        )
    if experiment.kind not in STORED_RESULTS:
        raise InputError(
            f"experiment {experiment.id} is of the kind {experiment.kind!r}, which this benchlab"
            " does not know",
            remedy="use the version that made it, or read Store.load_experiment(id).result",
        )
    return STORED_RESULTS[experiment.kind](store, experiment)
