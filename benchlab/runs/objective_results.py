"""Evaluation of objectives: the observed numbers, and whether they meet the limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.objectives import Objective
from benchlab.samples.percentiles import Extent, percentile_of
from benchlab.samples.records import join_records
from benchlab.samples.samples import Samples
from benchlab.text import plural
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["ObjectiveResult", "evaluate", "observe"]

_MOST_ORDERED = 500_000  # samples


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """Result of evaluating an objective.

    ``observed`` is in the unit of the objective's limit. It is None if there was nothing to
    observe; then the objective is not met. For a windowed objective ``observed`` is the worst of
    ``window_count`` windows, which starts ``worst_start_ns`` after the start of the run;
    ``broken_count`` windows broke the limit, the first one at ``first_broken_ns``.
    """

    objective: Objective
    observed: float | None
    met: bool
    worst_start_ns: int | None = None
    window_count: int = 0
    broken_count: int = 0
    first_broken_ns: int | None = None

    @property
    def outcome(self) -> str:
        """``met`` or ``broken``."""
        return "met" if self.met else "broken"

    @property
    def observed_text(self) -> str:
        """The observed value with its unit; a dash if there is none."""
        return "–" if self.observed is None else self.objective.show(self.observed)

    @property
    def window_text(self) -> str:
        """Which window was worst and how many were broken; empty for one without windows."""
        window_s = self.objective.window_s
        if window_s is None:
            return ""
        if self.worst_start_ns is None:
            return f"no window of {window_s:g} s was complete"
        start_s = self.worst_start_ns / NS_PER_S
        worst = f"worst from {start_s:.6g} s to {start_s + window_s:.6g} s"
        windows = plural(self.window_count, "window")
        if self.first_broken_ns is None:
            return f"{worst}, of {windows}"
        first = f", first at {self.first_broken_ns / NS_PER_S:.6g} s"
        return (
            f"{worst}; broken in {self.broken_count:,} of {windows}"
            f"{first if self.first_broken_ns != self.worst_start_ns else ''}"
        )

    def describe(self) -> str:
        """The whole result in one line."""
        if self.observed is None:
            return f"{self.objective}: broken, there was nothing to observe"
        windows = f" ({self.window_text})" if self.window_text else ""
        return f"{self.objective}: {self.outcome}, {self.observed_text}{windows}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "objective": str(self.objective),
            "met": self.met,
            "observed": self.observed,
            "limit": self.objective.limit,
            "unit": self.objective.quantity,
            "worst_window_start_ns": self.worst_start_ns,
            "window_count": self.window_count,
            "broken_window_count": self.broken_count,
            "first_broken_window_start_ns": self.first_broken_ns,
        }


def evaluate(
    objective: Objective, measured: Samples, start_ns: int, end_ns: int
) -> ObjectiveResult:
    """Evaluate ``objective`` over the samples of the window ``start_ns`` to ``end_ns``.

    Percentiles are exact. The objective's own windows follow each other from ``start_ns`` on and
    hold the requests intended in them. An incomplete last one is left out; so is one without
    requests, except for counts and rates. A rate counts the responses that completed in a window.
    For an endpoint that the samples do not have, nothing is observed.
    """
    samples = measured
    if objective.endpoint:
        if objective.endpoint not in measured.endpoints:
            return ObjectiveResult(objective, None, met=False)
        samples = measured.endpoint(objective.endpoint)
    if objective.window_s is None:
        value = observe(objective, samples, start_ns, end_ns)
        return ObjectiveResult(objective, value, value is not None and objective.holds(value))
    length_ns = seconds_to_ns(objective.window_s)
    found = [
        (value, start)
        for start, part in _windows(objective, samples, start_ns, end_ns, length_ns)
        if (value := observe(objective, part, start, start + length_ns)) is not None
    ]
    if not found:
        return ObjectiveResult(objective, None, met=False)
    upper = objective.operator.startswith("<")
    worst, worst_start = (max if upper else min)(
        found, key=lambda item: (item[0], -item[1] if upper else item[1])
    )
    broken = [start for value, start in found if not objective.holds(value)]
    return ObjectiveResult(
        objective,
        worst,
        not broken,
        worst_start,
        len(found),
        len(broken),
        broken[0] if broken else None,
    )


def observe(objective: Objective, samples: Samples, start_ns: int, end_ns: int) -> float | None:
    """The statistic of ``objective`` over these samples; None if it has no value."""
    if objective.statistic == "error_count":
        return samples.error_count
    if objective.statistic == "rate_rps":
        if end_ns <= start_ns:
            return None
        return samples.done_by(end_ns) * NS_PER_S / (end_ns - start_ns)
    if len(samples) == 0:
        return None
    if objective.statistic == "error_ratio":
        return samples.error_count / len(samples)
    values = samples.in_blocks(f"{objective.of}_ns")
    if objective.ratio is not None:
        return percentile_of(values, objective.ratio)
    extent = Extent.of(values)
    assert extent is not None  # there are samples
    return {"mean": extent.mean, "min": extent.low, "max": extent.high}[objective.statistic]


def _windows(
    objective: Objective, samples: Samples, start_ns: int, end_ns: int, length_ns: int
) -> Iterator[tuple[int, Samples]]:
    """Start and samples of each complete window, in order.

    Small windows are slices of one sorted copy of several windows' samples.
    """
    by = "done_ns" if objective.statistic == "rate_rps" else "intended_ns"
    starts = range(start_ns, end_ns - length_ns + 1, length_ns)
    # A response exactly at the boundary of two windows belongs to the first.
    first_ns = start_ns + (by == "done_ns")
    counts = np.zeros(len(starts), dtype=np.int64)
    bounds = []
    for block in samples.blocks():
        window = (block.column(by) - first_ns) // length_ns
        counts += np.bincount(window[(window >= 0) & (window < len(starts))], minlength=len(starts))
        bounds.append((window.min(initial=len(starts)), window.max(initial=-1)))

    def between(first: int, last: int) -> Samples:
        def inside(records: NDArray[np.void]) -> NDArray[np.bool_]:
            window = (records[by] - first_ns) // length_ns
            found: NDArray[np.bool_] = (window >= first) & (window <= last)
            return found

        if counts[first : last + 1].sum() > _MOST_ORDERED:
            return samples.choose(inside)
        near = [
            block.where(inside(block.records)).records
            for (lowest, highest), block in zip(bounds, samples.blocks(), strict=True)
            if lowest <= last and highest >= first
        ]
        found = Samples(join_records(near), samples.endpoints)
        return found.where(np.argsort(found.column(by), kind="stable"))

    for group in _groups(counts):
        part = between(group.start, group.stop - 1)
        ends = np.cumsum(counts[group.start : group.stop]).tolist()
        for number, start, end in zip(group, [0, *ends], ends, strict=False):
            yield starts[number], part if len(group) == 1 else part.where(slice(start, end))


def _groups(counts: NDArray[np.int64]) -> Iterator[range]:
    """Group adjacent windows that may be copied together; a large one is a group of its own."""
    first = held = 0
    for window, count in enumerate(counts.tolist()):
        if window > first and held + count > _MOST_ORDERED:
            yield range(first, window)
            first, held = window, 0
        held += count
    yield range(first, len(counts))
