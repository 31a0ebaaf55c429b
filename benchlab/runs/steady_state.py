"""Whether a run reached a steady state: where it starts, its level, and what speaks against one.

Latency is looked at in up to 100 batches of equal time, warm-up included: the mean of its logarithm
in each, so that every request counts by its relative change, and a mixture of fast and slow ones is
as good as one kind. `benchlab.statistics.plateau` has the method and its source.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchlab.displayed import Result
from benchlab.samples.percentile_interval import percentile_intervals
from benchlab.samples.samples import Samples
from benchlab.statistics.plateau import (
    DRIFT_FLOOR_RATIO,
    FEWEST,
    Drift,
    Plateau,
    drift_in,
    find_plateau,
    level_shifts,
)
from benchlab.text import plural
from benchlab.units import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    import pandas as pd

    from benchlab.runs.run import Run

__all__ = [
    "LatencyBatches",
    "LevelShift",
    "SteadyState",
    "SteadyStateVerdict",
    "find_steady_state",
    "latency_batches",
]

SteadyStateVerdict: TypeAlias = Literal["plateau", "drifting up", "drifting down", "none"]

_MOST_BATCHES = 100
_FEWEST_BATCHES = 2 * FEWEST  # a plateau starts in the first half
_FEWEST_PER_BATCH = 10
_SHORTEST_S = 1.0
_RELAXATION_P99S: Final = 5
_LEVEL = 0.95
_MOST_TIMES = 50  # as long as a run, that anybody would wait
_WIDEST = 10.0  # an interval of a drift, beyond which its ends say nothing
_DIGITS = 9  # of ratios: beyond them, logarithms depend on the processor


@dataclass(frozen=True, slots=True)
class LevelShift:
    """A jump of the latency: when, and the ratio of the new level to the one before."""

    at_s: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyState(Result):
    """Whether latency was steady, and where.

    ``verdict`` is ``plateau``, ``drifting up``, ``drifting down`` or ``none``, and ``why`` a
    sentence. A plateau goes from ``start_s`` to ``end_s`` after the start of the run, warm-up
    included; ``median_ns`` is the median latency of its requests, with the interval from
    ``median_low_ns`` to ``median_high_ns`` at ``level``; ``warmup_s`` is the warm-up to ask for
    next time. ``drift_ratio`` is the change over the whole run, with its 99.9 % interval; None if
    it cannot be computed. ``level_shifts`` are jumps between levels, wherever they are in the run.
    """

    verdict: SteadyStateVerdict
    why: str
    endpoint: str | None
    start_s: float | None = None
    end_s: float | None = None
    median_ns: int | None = None
    median_low_ns: int | None = None
    median_high_ns: int | None = None
    level: float = _LEVEL
    warmup_s: float | None = None
    drift_ratio: float | None = None
    drift_low: float | None = None
    drift_high: float | None = None
    level_shifts: tuple[LevelShift, ...] = ()
    batch_s: float = 0.0
    batch_count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields."""
        return {**asdict(self), "level_shifts": [asdict(shift) for shift in self.level_shifts]}

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame: the fields, with the median in ms; the level shifts are a text."""
        import pandas as pd

        row = self.to_dict()
        for name in ("median_ns", "median_low_ns", "median_high_ns"):
            value = row.pop(name)
            row[name.removesuffix("ns") + "ms"] = None if value is None else value / NS_PER_MS
        row["level_shifts"] = "; ".join(
            f"{shift.ratio:.3g} at {shift.at_s:.6g} s" for shift in self.level_shifts
        )
        return pd.DataFrame([row])


@dataclass(frozen=True)
class LatencyBatches:
    """Batches of equal time from the start of a run: one value of each array for a batch.

    ``counts`` are its requests, ``errors`` the failed ones, and ``logs`` the mean logarithm of the
    latency in ns, NaN without requests.
    """

    width_ns: int
    counts: NDArray[np.int64]
    errors: NDArray[np.int64]
    logs: NDArray[np.float64]


def find_steady_state(run: Run, endpoint: str | None = None) -> SteadyState:
    """The steady state of ``run``, or of one of its endpoints.

    Raises:
        InputError: the run has no endpoint of this name.
    """
    samples = run.samples.requests.endpoint(endpoint)
    end_ns = run.window_ns[1]
    if _load_varies(run):
        return SteadyState(
            verdict="none",
            why="the load itself changes over the run, and the latency with it: a plateau needs a"
            " constant load",
            endpoint=endpoint,
        )
    batches = latency_batches(samples, end_ns)
    if batches is None:
        return SteadyState(
            verdict="none",
            why=f"{plural(len(samples), run.plan.sample_noun)} say too little: it takes"
            f" {_FEWEST_BATCHES * _FEWEST_PER_BATCH} or more",
            endpoint=endpoint,
        )
    part = run.summary if endpoint is None else run.by_endpoint()[endpoint]
    p99_ns = 0 if part.latency_ns is None else part.latency_ns.p99
    shortest_ns = max(_RELAXATION_P99S * p99_ns, round(_SHORTEST_S * NS_PER_S))
    return _SteadyStateOf(run, samples, endpoint, batches, shortest_ns).found()


class _SteadyStateOf:
    """The verdict on batches, and the sentence for it."""

    def __init__(
        self,
        run: Run,
        samples: Samples,
        endpoint: str | None,
        batches: LatencyBatches,
        shortest_ns: int,
    ) -> None:
        self._run = run
        self._samples = samples
        self._endpoint = endpoint
        self._batches = batches
        self._shortest_ns = shortest_ns
        self._filled = np.flatnonzero(batches.counts)

    def found(self) -> SteadyState:
        batches = self._batches
        empty = len(batches.counts) - len(self._filled)
        if empty > len(batches.counts) // 10:
            return self._none(
                f"no request was sent in {empty} of {plural(len(batches.counts), 'batch')[:-1]}es"
                " of time"
            )
        fewest = max(FEWEST, math.ceil(self._shortest_ns / batches.width_ns))
        too_short = 2 * fewest > len(self._filled)
        found = find_plateau(batches.logs[self._filled], FEWEST if too_short else fewest)
        if too_short and found.finding != "drift":
            return self._none(
                f"the run is too short: a plateau takes {self._seconds(fewest * batches.width_ns)}"
                " at least, and starts in the first half"
            )
        return self._plateau(found) if found.finding == "plateau" else self._other(found)

    def _plateau(self, found: Plateau) -> SteadyState:
        assert found.drift is not None
        part = self._filled[found.start : found.end]
        if (problem := self._problem_in(part)) is not None:
            return self._none(problem, found)
        start, end = int(part[0]), int(part[-1]) + 1
        width_ns = self._batches.width_ns
        start_ns, end_ns = start * width_ns, end * width_ns
        if end == len(self._batches.counts):
            end_ns = self._run.window_ns[1]
        inside = self._samples.choose(
            lambda records: (records["intended_ns"] >= start_ns) & (records["intended_ns"] < end_ns)
        )
        (median,) = percentile_intervals(inside, start_ns, end_ns, [0.5], _LEVEL)
        reach = max(-found.drift.low, found.drift.high)
        ends = "" if end == len(self._batches.counts) else f" to {self._seconds(end_ns)}"
        why = (
            f"latency is steady from {self._seconds(start_ns)}{ends}: a drift of"
            f" {max(reach, 0.0001):.2%} or more over the run is ruled out"
        ).replace("%", " %")
        return self._make(
            "plateau",
            why + self._shifted(found),
            found,
            start_s=start_ns / NS_PER_S,
            end_s=end_ns / NS_PER_S,
            median_ns=median.value_ns,
            median_low_ns=median.low_ns,
            median_high_ns=median.high_ns,
            warmup_s=_rounded_up_s(start_ns),
        )

    def _other(self, found: Plateau) -> SteadyState:
        drift = found.drift
        if drift is None:
            return self._none("no level lasts long enough" + self._shifted(found), found)
        if found.finding == "drift":
            verb = "rises" if drift.ratio > 0 else "falls"
            why = f"latency {verb} by {_percent(abs(drift.ratio))} over the run" + self._bounds(
                drift
            )
            up: SteadyStateVerdict = "drifting up" if drift.ratio > 0 else "drifting down"
            return self._make(up, why + self._shifted(found), found)
        if found.finding == "wander":
            return self._none(
                f"latency rises and falls by {_percent(found.wander_ratio)} beyond its noise"
                + self._shifted(found),
                found,
            )
        reach = max(-drift.low, drift.high)
        times = (reach / (2 * DRIFT_FLOOR_RATIO)) ** 2
        remedy = "find what makes it vary, since a longer run alone would hardly do"
        if times <= _MOST_TIMES:
            remedy = f"measure for about {max(math.ceil(times), 2)} times as long"
        return self._none(
            "latency varies too much to rule out a drift of"
            f" {_percent(2 * DRIFT_FLOOR_RATIO)} over the run{self._bounds(drift)}: {remedy}"
            + self._shifted(found),
            found,
        )

    def _problem_in(self, part: NDArray[np.intp]) -> str | None:
        """What else changes where latency is steady; None if nothing does."""
        batches = self._batches
        counts = batches.counts[part]
        share = batches.errors[part] / counts
        if places := level_shifts(share, DRIFT_FLOOR_RATIO):
            place = places[0]
            before, after = (
                float(batches.errors[level].sum() / batches.counts[level].sum())
                for level in np.split(part, places)[:2]
            )
            return (
                f"latency is steady, but the share of failed requests changes from"
                f" {_percent(before)} to {_percent(after)} at"
                f" {self._seconds(int(part[place]) * batches.width_ns)}"
            )
        load = self._run.plan.load
        if load.has_schedule and load.duration_s is None:
            return None  # its rate is constant by plan
        rate = drift_in(np.log(counts), len(batches.counts))
        if rate is None:
            return None
        verb = "rises" if rate.ratio > 0 else "falls"
        return (
            f"the median latency is steady, but the rate {verb} by {_percent(abs(rate.ratio))}"
            f" over the run{self._bounds(rate)}"
        )

    def _none(self, why: str, found: Plateau | None = None) -> SteadyState:
        return self._make("none", why, found)

    def _make(
        self,
        verdict: SteadyStateVerdict,
        why: str,
        found: Plateau | None,
        **plateau: Any,
    ) -> SteadyState:
        width_ns = self._batches.width_ns
        drift = found.drift if found is not None else None
        shifts = found.shifts if found is not None else ()
        made = self._run.verdict
        if made in ("invalid", "degraded") and verdict != "none":
            why += f"; the run is {made}, so this may be the generator and not the service"
        return SteadyState(
            verdict=verdict,
            why=why,
            endpoint=self._endpoint,
            drift_ratio=None if drift is None else _rounded(drift.ratio),
            drift_low=None if drift is None else _rounded(drift.low),
            drift_high=None if drift is None else _rounded(drift.high),
            level_shifts=tuple(
                LevelShift(
                    int(self._filled[shift.index]) * width_ns / NS_PER_S,
                    round(shift.ratio, _DIGITS),
                )
                for shift in shifts
            ),
            batch_s=width_ns / NS_PER_S,
            batch_count=len(self._batches.counts),
            **plateau,
        )

    def _shifted(self, found: Plateau) -> str:
        if not found.shifts:
            return ""
        listed = [
            f"by {'+' if shift.ratio > 1 else '−'}{_percent(abs(shift.ratio - 1))} at"
            f" {self._seconds(int(self._filled[shift.index]) * self._batches.width_ns)}"
            for shift in found.shifts
        ]
        return f"; its level shifts {', '.join(listed)}"

    def _bounds(self, drift: Drift) -> str:
        if not drift.high - drift.low <= _WIDEST:
            return ""
        return f" ({100 * drift.low:+.3g} % to {100 * drift.high:+.3g} %)".replace("-", "−")

    @staticmethod
    def _seconds(time_ns: int) -> str:
        return f"{time_ns / NS_PER_S:.3g} s"


def _load_varies(run: Run) -> bool:
    curve = run.plan.load.curve()
    if curve is None:
        return False
    rates = curve.corners[1]
    return bool(rates.max() - rates.min() > DRIFT_FLOOR_RATIO * rates.max())


def latency_batches(samples: Samples, end_ns: int) -> LatencyBatches | None:
    """``samples`` up to ``end_ns`` in batches of equal time; None if there are too few."""
    inside = sum(
        int(np.count_nonzero((times >= 0) & (times < end_ns)))
        for times in samples.in_blocks("intended_ns")
    )
    count = min(_MOST_BATCHES, inside // _FEWEST_PER_BATCH)
    if count < _FEWEST_BATCHES or end_ns < count:
        return None
    width_ns = -(-end_ns // count)
    counts, errors = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    sums = np.zeros(count)
    for block in samples.blocks():
        times = block.column("intended_ns")
        here = (times >= 0) & (times < end_ns)
        batch = times[here] // width_ns
        counts += np.bincount(batch, minlength=count)
        errors += np.bincount(batch, block.column("error")[here] != 0, count).astype(np.int64)
        sums += np.bincount(batch, np.log(np.maximum(block.latency_ns[here], 1)), count)
    with np.errstate(invalid="ignore"):
        return LatencyBatches(width_ns, counts, errors, sums / counts)


def _rounded(ratio: float) -> float | None:
    """A ratio without the digits that depend on the processor; None if it has no bound."""
    return round(ratio, _DIGITS) if math.isfinite(ratio) else None


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.3g} %"


def _rounded_up_s(time_ns: int) -> float:
    """Seconds, rounded up to two significant digits: a warm-up that people would write."""
    seconds = time_ns / NS_PER_S
    if seconds <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(seconds))
    scale = 10.0**digits
    return round(math.ceil(round(seconds * scale, 6)) / scale, 9)
