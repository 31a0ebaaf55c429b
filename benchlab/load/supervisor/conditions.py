"""The value of a plan's conditions while the run goes on: of its ``abort_on``, and of its ``slo``.

Only the measured window counts. A condition without a window covers everything so far, and its
percentiles have the histogram's precision. One with a window covers the requests that ended within
the last seconds, exactly; where only sums of samples are known (`benchlab.load.supervisor.tally`),
those that ended in the last whole slices of them. A condition has a value only with enough requests
(`enough`), so that a slow first response does not stop a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from benchlab.load.supervisor.sums import ConditionSums, sparse_of
from benchlab.plan.objectives import Objective
from benchlab.plan.plan import Plan
from benchlab.runs.objective_results import observe
from benchlab.samples.histogram import LatencyHistogram
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

__all__ = [
    "FROM_HOSTS_AFTER_NS",
    "IN_THE_FILE_AFTER_NS",
    "MIN_COUNT",
    "MIN_RATE_NS",
    "Conditions",
    "enough",
]

MIN_COUNT: Final = 20
"""With fewer requests than this, only extremes and the number of errors are evaluated."""

MIN_RATE_NS: Final = NS_PER_S
"""A rate without a window is evaluated after measuring for this long."""

IN_THE_FILE_AFTER_NS: Final = 500 * NS_PER_MS
"""Workers write their samples within this time, so a rate is computed up to this long ago."""

FROM_HOSTS_AFTER_NS: Final = 2 * NS_PER_S
"""The same for samples, or their sums, of the hosts of a cluster."""

_SLICES = (20, 16, 10, 8, 5, 4, 3, 2, 1)
"""How many slices a window may be divided into."""


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

    def __init__(
        self,
        conditions: Sequence[Objective],
        plan: Plan,
        *,
        merged: bool = False,
        late_ns: int = IN_THE_FILE_AFTER_NS,
    ) -> None:
        """``merged``: their samples are known by their sums alone, which `merge` adds. All of them
        are known after ``late_ns``.
        """
        view = _merged_view if merged else _view
        self._views = [(item, view(item, plan, late_ns)) for item in conditions]

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

    def merge(self, parts: Sequence[Mapping[int, ConditionSums]]) -> None:
        """Add the `sums` of the same conditions on another part of the run."""
        for (_, view), part in zip(self._views, parts, strict=True):
            view.merge(part)

    def sums(self) -> list[dict[int, ConditionSums]]:
        """The sums of each condition, for `merge`."""
        return [view.sums() for _, view in self._views]

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

    def merge(self, part: Mapping[int, ConditionSums]) -> None:
        """Add the sums of another view."""

    def sums(self) -> dict[int, ConditionSums]:
        """Its sums, by number of slice."""


def _view(condition: Objective, plan: Plan, late_ns: int) -> _View:
    if condition.window_s is None:
        return _Everything(condition, plan.warmup_ns, late_ns)
    return _Trailing(condition, plan.warmup_ns, seconds_to_ns(condition.window_s), late_ns)


def _merged_view(condition: Objective, plan: Plan, late_ns: int) -> _View:
    if condition.window_s is None:
        return _Everything(condition, plan.warmup_ns, late_ns)
    return _Slices(condition, plan.warmup_ns, seconds_to_ns(condition.window_s), late_ns)


class _Everything:
    """All of the measured window so far, in bounded memory."""

    def __init__(self, condition: Objective, start_ns: int, late_ns: int) -> None:
        self._condition = condition
        self._start_ns = start_ns
        self._late_ns = late_ns
        self._enough = enough(condition)
        self._histogram = LatencyHistogram() if condition.ratio is not None else None
        self.count = self._failed = self._sum_ns = self._max_ns = 0
        self._min_ns: int | None = None

    def take(self, samples: Samples) -> None:
        self.count += len(samples)
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

    def merge(self, part: Mapping[int, ConditionSums]) -> None:
        for sums in part.values():
            self.add(sums)

    def sums(self) -> dict[int, ConditionSums]:
        return {0: self.whole()}

    def add(self, sums: ConditionSums) -> None:
        self.count += sums.count
        self._failed += sums.failed
        self._sum_ns += sums.sum_ns
        self._max_ns = max(self._max_ns, sums.max_ns)
        if sums.min_ns is not None:
            low = sums.min_ns
            self._min_ns = low if self._min_ns is None else min(self._min_ns, low)
        if self._histogram is not None and sums.histogram is not None:
            sums.histogram.add_to(self._histogram.counts)

    def whole(self) -> ConditionSums:
        histogram = None if self._histogram is None else sparse_of(self._histogram.counts)
        return ConditionSums(
            self.count, self._failed, self._sum_ns, self._max_ns, self._min_ns, histogram
        )

    def value(self, run_ns: int) -> float | None:
        if self.count < self._enough:
            return None
        match self._condition.statistic:
            case "error_ratio":
                return self._failed / self.count
            case "error_count":
                return self._failed
            case "rate_rps":
                seen_ns = run_ns - self._late_ns - self._start_ns
                return self.count * NS_PER_S / seen_ns if seen_ns >= MIN_RATE_NS else None
            case "mean":
                return self._sum_ns / self.count
            case "min":
                return self._min_ns
            case "max":
                return self._max_ns
        assert self._histogram is not None
        assert self._condition.ratio is not None
        return self._histogram.percentile_ns(self._condition.ratio)


class _Trailing:
    """The requests that ended within the last ``length_ns``."""

    def __init__(self, condition: Objective, start_ns: int, length_ns: int, late_ns: int) -> None:
        self._condition = condition
        self._start_ns = start_ns
        self._length_ns = length_ns
        self._late_ns = late_ns if condition.statistic == "rate_rps" else 0
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

    def merge(self, part: Mapping[int, ConditionSums]) -> None:
        raise TypeError("its samples are exact: sums cannot be added")

    def sums(self) -> dict[int, ConditionSums]:
        raise TypeError("it has samples and no sums")

    def _window_ns(self, run_ns: int) -> tuple[int, int]:
        end_ns = run_ns - self._late_ns
        return end_ns - self._length_ns, end_ns


class _Slices:
    """The requests that ended within the last whole slices of ``length_ns``, by their sums."""

    def __init__(self, condition: Objective, start_ns: int, length_ns: int, late_ns: int) -> None:
        self._condition = condition
        self._start_ns = start_ns
        self._length_ns = length_ns
        self._late_ns = late_ns if condition.statistic == "rate_rps" else 0
        self._count = next(count for count in _SLICES if length_ns % count == 0)
        self._slice_ns = length_ns // self._count
        self._slices: dict[int, _Everything] = {}

    def take(self, samples: Samples) -> None:
        numbers = samples.column("done_ns") // self._slice_ns
        for number in np.unique(numbers).tolist():
            self._slice(number).take(samples.where(numbers == number))

    def forget(self, run_ns: int) -> None:
        first = self._end(run_ns) - self._count
        self._slices = {n: found for n, found in self._slices.items() if n >= first}

    def value(self, run_ns: int) -> float | None:
        self.forget(run_ns)
        end = self._end(run_ns)
        begin_ns = (end - self._count) * self._slice_ns
        if begin_ns < self._start_ns:
            return None
        window = _Everything(self._condition, begin_ns, self._late_ns)
        for number in range(end - self._count, end):
            if number in self._slices:
                window.add(self._slices[number].whole())
        if self._condition.statistic == "rate_rps":
            return window.count * NS_PER_S / self._length_ns
        return window.value(run_ns)

    def merge(self, part: Mapping[int, ConditionSums]) -> None:
        for number, sums in part.items():
            self._slice(number).add(sums)

    def sums(self) -> dict[int, ConditionSums]:
        return {number: found.whole() for number, found in self._slices.items()}

    def _slice(self, number: int) -> _Everything:
        return self._slices.setdefault(number, _Everything(self._condition, 0, self._late_ns))

    def _end(self, run_ns: int) -> int:
        """The number of the first slice after the window."""
        return (run_ns - self._late_ns) // self._slice_ns
