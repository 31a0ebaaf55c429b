"""Attainment of an objective: which share of the requests, and of windows of time, met it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from benchlab.displayed import Result
from benchlab.errors import InputError
from benchlab.plan.objectives import Objective, check_objectives, parse_objectives
from benchlab.runs.objective_results import ObjectiveResult, evaluate
from benchlab.runs.request_limits import within
from benchlab.samples.samples import Samples
from benchlab.statistics.batch_means import BATCHES, batch_of
from benchlab.statistics.shares import share_interval
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import pandas as pd

    from benchlab.runs.run import Run

__all__ = ["Attainment", "attainment_of"]

_WIDTHS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3600.0)
_MOST_WINDOWS = 60
_BEYOND = 2  # requests of a window that should be beyond a percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment(Result):
    """How far a run attains an objective.

    ``within_ratio`` is the share of the ``count`` requests that were within the objective's limit;
    failed ones are not. Its interval allows for dependent requests and is None where there are too
    few. All are None for an objective that no single request can meet, such as a rate.
    ``needed_ratio`` is the share that the objective asks for: 0.99 for p99. Of ``window_count``
    complete windows of ``window_s``, ``met_count`` met the objective.
    """

    objective: str
    count: int
    within_ratio: float | None
    within_low: float | None
    within_high: float | None
    needed_ratio: float | None
    window_s: float
    window_count: int
    met_count: int
    worst: float | None
    worst_start_s: float | None

    @property
    def met_ratio(self) -> float | None:
        """The share of windows that met the objective; None without a complete window."""
        return self.met_count / self.window_count if self.window_count else None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields, with ``met_ratio``."""
        return {**asdict(self), "met_ratio": self.met_ratio}

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame of the fields; ``worst`` is in the unit of the objective's limit."""
        import pandas as pd

        return pd.DataFrame([self.to_dict()])


def attainment_of(run: Run, objective: str | Objective, window_s: float | None) -> Attainment:
    """How far the measured window of ``run`` attains ``objective``.

    Raises:
        InputError: the objective cannot be read, names an unknown endpoint, has windows of its own
            beside ``window_s``, or these are longer than the run.
    """
    (asked,) = parse_objectives(objective, "objective")
    if window_s is not None:
        if asked.window_s is not None and asked.window_s != window_s:
            raise InputError(
                f"differs from the {asked.window_s:g} s of the objective {asked}",
                field="window_s",
                value=window_s,
                remedy="give one of them",
            )
        if not window_s >= _WIDTHS_S[0]:
            raise InputError(f"is below {_WIDTHS_S[0]:g} s", field="window_s", value=window_s)
    start_ns, end_ns = run.window_ns
    length_s = (end_ns - start_ns) / NS_PER_S
    measured = run.measured
    whole = evolve(asked, window_s=None, text=asked.text.partition(" over ")[0])
    width_s = window_s or asked.window_s or _window_s(whole, length_s, len(measured))
    windowed = evolve(whole, window_s=width_s)
    check_objectives([windowed], "objective", run.samples.endpoints, max(length_s, width_s))
    if width_s > length_s and (window_s or asked.window_s):
        check_objectives([windowed], "objective", run.samples.endpoints, length_s)
    part = measured.endpoint(whole.endpoint) if whole.endpoint else measured
    found = evaluate(windowed, measured, start_ns, end_ns)
    share = _share_within(whole, part, start_ns, end_ns)
    return Attainment(
        objective=str(whole),
        count=len(part),
        within_ratio=None if share is None else share.ratio,
        within_low=None if share is None else share.low,
        within_high=None if share is None else share.high,
        needed_ratio=whole.ratio,
        window_s=width_s,
        window_count=found.window_count,
        met_count=found.window_count - found.broken_count,
        worst=found.observed,
        worst_start_s=_start_s(found),
    )


def _start_s(found: ObjectiveResult) -> float | None:
    return None if found.worst_start_ns is None else found.worst_start_ns / NS_PER_S


def _window_s(objective: Objective, length_s: float, count: int) -> float:
    """A round length of which the run has at most 60, with enough requests for a percentile."""
    beyond = 1.0 if objective.ratio is None else 1 - max(objective.ratio, 1 - objective.ratio)
    least_s = max(length_s / _MOST_WINDOWS, length_s * _BEYOND / beyond / max(count, 1))
    found = next((width for width in _WIDTHS_S if width >= least_s), _WIDTHS_S[-1])
    return found if found <= length_s else max(length_s, _WIDTHS_S[0])


def _share_within(objective: Objective, part: Samples, start_ns: int, end_ns: int) -> Any:
    """The share of requests within the limit; None if it is not a limit of single requests."""
    if objective.statistic == "rate_rps":
        return None
    counts, scores = np.zeros(BATCHES, dtype=np.int64), np.zeros(BATCHES)
    for block in part.blocks():
        batch = batch_of(block.column("intended_ns"), start_ns, end_ns)
        counts += np.bincount(batch, minlength=BATCHES)
        scores += np.bincount(batch, within(objective, block), BATCHES)
    return share_interval(counts, scores)
