"""The value of a plan's conditions while the run goes on: of its ``abort_on``, and of its ``slo``.

Only the measured window counts. A condition without a window covers everything so far, and its
percentiles have the histogram's precision. One with a window covers the requests that ended within
the last seconds, exactly. A condition has a value only with enough requests (`enough`), so that a
slow first response does not stop a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.objectives import Objective
from benchlab.plan.plan import Plan
from benchlab.runs.objective_results import observe
from benchlab.samples.histogram import LatencyHistogram
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

__all__ = ["IN_THE_FILE_AFTER_NS", "MIN_COUNT", "MIN_RATE_NS", "Conditions", "enough"]

MIN_COUNT: Final = 20
"""With fewer requests than this, only extremes and the number of errors are evaluated."""

MIN_RATE_NS: Final = NS_PER_S
"""A rate without a window is evaluated after measuring for this long."""

IN_THE_FILE_AFTER_NS: Final = 500 * NS_PER_MS
"""Workers write their samples within this time, so a rate is computed up to this long ago."""


def enough(condition: Objective) -> int:
    """The minimum number of requests for evaluating ``condition``.

    A percentile needs at least one request beyond it: 100 requests for p99, 1,000 for p99.9.
    """
    if condition.statistic in ("error_count", "max", "min"):
        return 1
    if condition.statistic == "rate_rps":
        return 0
    if condition.ratio is None:
        return MIN_COUNT
    return max(MIN_COUNT, math.ceil(round(1 / (1 - condition.ratio), 6)))


class Conditions:
    """Evaluates conditions of a plan on records as they arrive."""

    def __init__(self, conditions: Sequence[Objective], plan: Plan) -> None:
        self._views = [(item, _view(item, plan)) for item in conditions]

    def take(self, records: NDArray[np.void], endpoints: Sequence[str]) -> None:
        """Add records of any worker; those of the warm-up are ignored."""
        if not self._views:
            return
        measured = Samples(records, endpoints).measured
        for condition, view in self._views:
            if condition.endpoint and condition.endpoint not in measured.endpoints:
                continue  # a step of the scenario that did not occur yet
            part = measured.endpoint(condition.endpoint) if condition.endpoint else measured
            if len(part):
                view.take(part)

    def forget(self, run_ns: int) -> None:
        """Drop what no value at run time ``run_ns`` or later needs: a reader that is far behind
        the run would hold all of it otherwise."""
        for _, view in self._views:
            view.forget(run_ns)

    def values(self, run_ns: int) -> Iterator[tuple[Objective, float | None]]:
        """Each condition with its value at run time ``run_ns``; None with too few requests."""
        for condition, view in self._views:
            yield condition, view.value(run_ns)


class _View(Protocol):
    """The samples that one condition covers."""

    def take(self, samples: Samples) -> None: ...

    def forget(self, run_ns: int) -> None:
        """Drop what no value at run time ``run_ns`` or later needs."""

    def value(self, run_ns: int) -> float | None:
        """The value of the condition's statistic; None while there are too few samples."""


def _view(condition: Objective, plan: Plan) -> _View:
    if condition.window_s is None:
        return _Everything(condition, plan.warmup_ns)
    return _Trailing(condition, plan.warmup_ns, seconds_to_ns(condition.window_s))


class _Everything:
    """All of the measured window so far, in bounded memory."""

    def __init__(self, condition: Objective, start_ns: int) -> None:
        self._condition = condition
        self._start_ns = start_ns
        self._enough = enough(condition)
        self._histogram = LatencyHistogram() if condition.ratio is not None else None
        self._count = self._failed = self._sum_ns = self._max_ns = 0
        self._min_ns: int | None = None

    def take(self, samples: Samples) -> None:
        self._count += len(samples)
        self._failed += samples.error_count
        if not self._condition.of:
            return
        values = getattr(samples, f"{self._condition.of}_ns")
        if self._histogram is not None:
            self._histogram.record(values)
        self._sum_ns += int(values.sum())
        self._max_ns = max(self._max_ns, int(values.max()))
        low = int(values.min())
        self._min_ns = low if self._min_ns is None else min(self._min_ns, low)

    def forget(self, run_ns: int) -> None:
        pass  # it holds no samples

    def value(self, run_ns: int) -> float | None:
        if self._count < self._enough:
            return None
        match self._condition.statistic:
            case "error_ratio":
                return self._failed / self._count
            case "error_count":
                return self._failed
            case "rate_rps":
                seen_ns = run_ns - IN_THE_FILE_AFTER_NS - self._start_ns
                return self._count * NS_PER_S / seen_ns if seen_ns >= MIN_RATE_NS else None
            case "mean":
                return self._sum_ns / self._count
            case "min":
                return self._min_ns
            case "max":
                return self._max_ns
        assert self._histogram is not None
        assert self._condition.ratio is not None
        return self._histogram.percentile_ns(self._condition.ratio)


class _Trailing:
    """The requests that ended within the last ``length_ns``."""

    def __init__(self, condition: Objective, start_ns: int, length_ns: int) -> None:
        self._condition = condition
        self._start_ns = start_ns
        self._length_ns = length_ns
        self._enough = enough(condition)
        self._recent = np.empty(0, dtype=SAMPLE_DTYPE)

    def take(self, samples: Samples) -> None:
        held = len(self._recent)
        grown = np.empty(held + len(samples), dtype=SAMPLE_DTYPE)
        grown[:held], grown[held:] = self._recent, samples.records
        self._recent = grown

    def forget(self, run_ns: int) -> None:
        begin_ns, _ = self._window_ns(run_ns)
        self._recent = self._recent[self._recent["done_ns"] > begin_ns]

    def value(self, run_ns: int) -> float | None:
        self.forget(run_ns)
        begin_ns, end_ns = self._window_ns(run_ns)
        if begin_ns < self._start_ns or len(self._recent) < self._enough:
            return None
        return observe(self._condition, Samples(self._recent), begin_ns, end_ns)

    def _window_ns(self, run_ns: int) -> tuple[int, int]:
        late_ns = IN_THE_FILE_AFTER_NS if self._condition.statistic == "rate_rps" else 0
        end_ns = run_ns - late_ns
        return end_ns - self._length_ns, end_ns
