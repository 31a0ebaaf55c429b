"""Find the plateau of a series that may settle first, drift, or jump between levels.

The series is split at its level shifts, the transient at its beginning is left out, and the first
part that is long enough must show that it does not drift. The scheme follows the steady-state
detection of MLCommons endpoints (docs/steady-state-detection.md): a trend test with a floor for the
effect as the gate, the window by precision, the first plateau is the one that counts. What differs:
not finding a drift is not enough. A plateau needs data that would have shown one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchlab.statistics.mann_kendall import mann_kendall
from benchlab.statistics.mser import truncation
from benchlab.statistics.pettitt import pettitt
from benchlab.statistics.ranks import first_order_inflation, mean_ranks

__all__ = [
    "DRIFT_FLOOR_RATIO",
    "FEWEST",
    "Drift",
    "Finding",
    "Plateau",
    "Shift",
    "drift_in",
    "find_plateau",
    "level_shifts",
]

DRIFT_FLOOR_RATIO = 0.05
"""Changes below this, from end to end of the series, are too small to matter."""

FEWEST = 20
"""Values that a plateau has at least."""

_EXCLUDED_RATIO = 2 * DRIFT_FLOOR_RATIO
_DRIFT_P = 0.01
_SHIFT_P = 0.01
_EXCLUDED_LEVEL = 0.999
_FEWEST_BESIDE_A_SHIFT = 5
_UNUSUAL = 2.5  # robust deviations; two such values in a row do not fit
_GREATEST_LOG = 700.0
_MONOTONE = 0.8  # of Kendall's tau: no noise with a memory of a few values comes near
_CLEARLY = 0.8
_EVIDENCE = 9.0  # a likelihood ratio of e^4.5, as twice its logarithm
_CENTRAL = (0.02, 0.98)
_BENDS_TRIED = 20
_BLOCKS = 8
_RANGE_OF_BLOCKS = 6.1  # of 8 equal normal means: their range in deviations, exceeded once in 1,000

Finding = Literal["plateau", "drift", "noise", "wander", "short"]


@dataclass(frozen=True, slots=True)
class Drift:
    """A drift as a ratio of the level, from end to end of the whole series, and its bounds."""

    ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Shift:
    """A level shift: the first value after it, and the ratio of the new level to the old one."""

    index: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Plateau:
    """What was found from ``start`` to ``end`` (exclusive), indexes into the series.

    ``finding`` is ``plateau``; ``drift``; ``noise`` (a drift that matters could hide in it);
    ``wander`` (it goes up and down by ``wander_ratio``); or ``short``. ``drift`` is None if there
    were too few values for one.
    """

    finding: Finding
    start: int
    end: int
    drift: Drift | None = None
    wander_ratio: float = 0.0
    shifts: tuple[Shift, ...] = ()


def find_plateau(logs: NDArray[np.floating[Any]], fewest: int = FEWEST) -> Plateau:
    """The plateau in ``logs``, the logarithms of a level at equal distances.

    It has ``fewest`` values at least. A drift counts over the length of the *whole* series, however
    little of it is kept: otherwise any drift would pass if only enough of it was cropped.
    """
    count = len(logs)
    fewest = max(fewest, FEWEST)
    if count < fewest:
        return Plateau("short", 0, count)
    start = _start_of(logs)
    if start >= fewest:
        # A level that lasts as long as a plateau is one, unless latency falls from it: that is what
        # a warm-up looks like.
        settles = start < count // 2
        jumps = [
            jump
            for jump in level_shifts(logs, math.log1p(DRIFT_FLOOR_RATIO))
            if jump >= fewest and not (settles and _falls(logs, jump))
        ]
        if jumps:
            start = _start_of(logs[: jumps[0]])
        elif not settles:
            start = 0  # nothing to leave out: most of it would be
    bounds = _segments(logs, start)
    shifts = tuple(
        Shift(middle, math.exp(logs[middle:high].mean() - logs[low:middle].mean()))
        for low, middle, high in zip(bounds, bounds[1:], bounds[2:], strict=False)
    )
    for low, high in itertools.pairwise(bounds):
        if high - low >= fewest:
            later = tuple(shift for shift in shifts if shift.index > low)
            return _gate(logs, low, high, later)
    return Plateau("short", start, count, shifts=shifts)


def _start_of(logs: NDArray[np.floating[Any]]) -> int:
    """The first value that belongs to what the marginal standard error rule keeps.

    The minimum of that rule's noisy curve may lie well beyond the end of the transient, so the
    start moves back over values that fit what is kept.
    """
    start = truncation(logs)
    kept = logs[start:]
    centre = float(np.median(kept))
    apart = np.abs(logs - centre) / max(1.4826 * float(np.median(np.abs(kept - centre))), 1e-12)
    unusual = apart >= _UNUSUAL
    while start > 0 and not (unusual[start - 1] and unusual[start]):
        start -= 1
    while start < len(logs) // 2 and unusual[start]:
        start += 1
    return start if _is_transient(logs, start) else 0


def _is_transient(logs: NDArray[np.floating[Any]], end: int) -> bool:
    """Whether a transient up to ``end`` describes the series clearly better than one line does.

    A slow drift in noise can look like a long transient and a level after it, so one that lasts as
    long as a plateau must also differ from the level by more than a drift that is overlooked.
    """
    if end < _FEWEST_BESIDE_A_SHIFT:
        return True
    apart = abs(float(np.median(logs[:end])) - float(np.median(logs[end:])))
    if end >= FEWEST and math.expm1(apart) < _EXCLUDED_RATIO:
        return False
    rest = np.concatenate([_beside_line(logs[:end]), logs[end:] - logs[end:].mean()])
    return _is_clearly_better(rest, float((_beside_line(logs) ** 2).sum()))


def _is_clearly_better(
    rest: NDArray[np.floating[Any]], left_by_other: float, steps: int = 1
) -> bool:
    """Whether a model that leaves ``rest`` is better than one that leaves so many squares.

    By chance, a model with a jump or a bend describes a slow drift about as well as a line does;
    the more so, the fewer values are independent, and the more ``steps`` the model has.
    """
    left = float((rest**2).sum())
    if left >= _CLEARLY * left_by_other:
        return False
    independent = len(rest) / first_order_inflation(rest, parameters=4)
    return left <= 0 or independent * math.log(left_by_other / left) > _EVIDENCE * steps**2


def _gate(
    logs: NDArray[np.floating[Any]], start: int, end: int, shifts: tuple[Shift, ...]
) -> Plateau:
    drift = _drift_of(logs[start:end], len(logs))
    wander = _wander_of(logs[start:end])
    finding: Finding = "plateau"
    if _matters(drift):
        finding = "drift"
    elif max(-drift.low, drift.high) >= _EXCLUDED_RATIO:
        finding = "noise"
    elif wander >= DRIFT_FLOOR_RATIO:
        finding = "wander"
    return Plateau(finding, start, end, drift, wander, shifts)


def _falls(logs: NDArray[np.floating[Any]], place: int) -> bool:
    return float(np.median(logs[place:])) < float(np.median(logs[:place]))


def drift_in(logs: NDArray[np.floating[Any]], length: int) -> Drift | None:
    """The drift in ``logs`` over ``length`` values, if it is significant and large enough."""
    drift = _drift_of(logs, length)
    return drift if _matters(drift) else None


def _matters(drift: Drift) -> bool:
    return drift.p_value < _DRIFT_P and abs(drift.ratio) >= DRIFT_FLOOR_RATIO


def _drift_of(part: NDArray[np.floating[Any]], length: int) -> Drift:
    least = first_order_inflation(mean_ranks(_beside_line(part)), parameters=2)
    trend = mann_kendall(part, least_inflation=least, level=_EXCLUDED_LEVEL)
    p_value = trend.p_value
    if abs(trend.score) >= _MONOTONE * len(part) * (len(part) - 1) / 2:
        # The bend of a curve that only rises looks like dependence, and is none.
        p_value = mann_kendall(part, dependent=False).p_value
    ratio, low, high = (
        math.expm1(slope * length) if slope * length < _GREATEST_LOG else math.inf
        for slope in (trend.slope, trend.slope_low, trend.slope_high)
    )
    return Drift(ratio, low, high, p_value)


def _segments(logs: NDArray[np.floating[Any]], start: int) -> list[int]:
    """Bounds of the parts between level shifts, from ``start`` to the end."""
    bounds, open_parts = {start, len(logs)}, [(start, len(logs))]
    while open_parts:
        low, high = open_parts.pop()
        found = level_shifts(logs[low:high], math.log1p(DRIFT_FLOOR_RATIO))
        if found:
            inner = [low, *(low + place for place in found), high]
            bounds.update(inner)
            open_parts += itertools.pairwise(inner)
    return sorted(bounds)


def level_shifts(part: NDArray[np.floating[Any]], least: float) -> list[int]:
    """The first value after a significant shift by ``least`` or more, or after each of two.

    A drift passes a test for a shift as well, so steps must describe the values clearly better than
    a straight line, and than one with a bend. Far values do not decide.
    """
    count = len(part)
    if count < 2 * _FEWEST_BESIDE_A_SHIFT:
        return []
    values = np.clip(part, *np.quantile(part, _CENTRAL))
    # Pettitt's own place of the shift is drawn to the middle; least squares are not.
    candidates = [_best_step(values)] if pettitt(part, dependent=True).p_value < _SHIFT_P else []
    if count >= FEWEST + 2 * _FEWEST_BESIDE_A_SHIFT:
        candidates.append(_best_two_steps(values))  # up and down again is no shift to Pettitt
    for places in candidates:
        levels = [float(np.median(level)) for level in np.split(part, places)]
        if min(abs(high - low) for low, high in itertools.pairwise(levels)) < least:
            continue
        rest = _beside_steps(values, places)
        if _is_clearly_better(rest, _left_by_bends(values), len(places)):
            return places
    return []


def _best_step(values: NDArray[np.floating[Any]]) -> list[int]:
    """Where one step leaves the fewest squares."""
    places = np.arange(_FEWEST_BESIDE_A_SHIFT, len(values) - _FEWEST_BESIDE_A_SHIFT + 1)
    explained = _explained(values)
    gain = explained(0, places) + explained(places, len(values))
    return [int(places[int(np.argmax(gain))])]


def _best_two_steps(values: NDArray[np.floating[Any]]) -> list[int]:
    """Where two steps leave the fewest squares; what is between them lasts as long as a plateau."""
    count, least = len(values), _FEWEST_BESIDE_A_SHIFT
    first, second = np.triu_indices(count + 1, k=FEWEST)
    fits = (first >= least) & (second <= count - least)
    first, second = first[fits], second[fits]
    explained = _explained(values)
    gain = explained(0, first) + explained(first, second) + explained(second, count)
    best = int(np.argmax(gain))
    return [int(first[best]), int(second[best])]


def _explained(
    values: NDArray[np.floating[Any]],
) -> Callable[[int | NDArray[Any], int | NDArray[Any]], NDArray[np.float64]]:
    """The squares that the mean of the values from one place to another explains."""
    sums = np.concatenate([[0.0], np.cumsum(values - values.mean())])

    def explained(start: int | NDArray[Any], end: int | NDArray[Any]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = (sums[end] - sums[start]) ** 2 / (end - start)
        return total

    return explained


def _beside_steps(values: NDArray[np.floating[Any]], places: list[int]) -> NDArray[np.float64]:
    """What the levels between these places leave."""
    return np.concatenate([part - part.mean() for part in np.split(values, places)])


def _beside_line(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """What a straight line leaves."""
    index = np.arange(len(values), dtype=np.float64)
    rest: NDArray[np.float64] = values - np.polyval(np.polyfit(index, values, 1), index)
    return rest


def _left_by_bends(values: NDArray[np.floating[Any]]) -> float:
    """The fewest squares that a line with a bend leaves, which may be none: a straight line."""
    count = len(values)
    index = np.arange(count, dtype=np.float64)
    left = []
    for bend in range(0, count - _FEWEST_BESIDE_A_SHIFT, max(1, count // _BENDS_TRIED)):
        basis = np.stack([np.ones(count), index, np.maximum(index - bend, 0)], axis=1)
        fitted = basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
        left.append(float(((values - fitted) ** 2).sum()))
    return min(left)


def _wander_of(part: NDArray[np.floating[Any]]) -> float:
    """By how much the levels of eight equal parts differ beyond what their noise explains.

    The noise is that within the parts, where a slow rise and fall does not show.
    """
    length = len(part) // _BLOCKS
    if length < 3:
        return 0.0
    blocks = part[: length * _BLOCKS].reshape(_BLOCKS, length)
    index = np.arange(length) - (length - 1) / 2
    slopes = blocks @ index / (index @ index)
    rest = blocks - blocks.mean(axis=1, keepdims=True) - slopes[:, None] * index
    variance = float((rest**2).sum()) / (_BLOCKS * (length - 2))
    inflation = first_order_inflation(rest.ravel(), parameters=2 * _BLOCKS)
    error = math.sqrt(variance / length * inflation)
    levels = blocks.mean(axis=1)
    return math.expm1(max(float(np.ptp(levels)) - _RANGE_OF_BLOCKS * error, 0.0))
