"""A rate that varies in time: the area under it is a number of requests.

Requests are placed by the inverse of that area. Evenly spaced ones are due when it passes 0, 1,
2, …; a Poisson process of rate one, mapped through the inverse, is the inhomogeneous Poisson
process of the curve (time rescaling; Çinlar, *Introduction to Stochastic Processes*, 1975, §4.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.plan.shapes.base import BLOCK
from benchlab.plan.validation import check_rate, check_seconds
from benchlab.units import NS_PER_S

__all__ = ["Piece", "RateCurve", "check_levels"]

_MAX_PIECES = 10_000


class Piece(NamedTuple):
    """A straight line: the rate goes from ``start_rps`` to ``end_rps`` in ``duration_s``."""

    duration_s: float
    start_rps: float
    end_rps: float


class RateCurve:
    """Straight pieces, one after the other; between two of them the rate may jump.

    Raises:
        InputError: the rate is 0 throughout.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        lengths, starts, ends = np.array(pieces, dtype=np.float64).T
        self._starts = starts
        self._slopes = (ends - starts) / lengths
        self._times = np.concatenate([[0.0], np.cumsum(lengths)])
        self._areas = np.concatenate([[0.0], np.cumsum((starts + ends) / 2 * lengths)])
        self._ends = ends
        if not (starts.any() or ends.any()):
            raise InputError("the rate is 0 all the time, so no request would ever be sent")

    @property
    def first_rps(self) -> float:
        """The first rate that is not 0; of a rise from 0, its mean."""
        first = int(np.flatnonzero(self._starts + self._ends)[0])
        return float(self._starts[first] or self._ends[first] / 2)

    @property
    def corners(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times in s and rates in requests/s between which the curve is straight."""
        times = np.column_stack([self._times[:-1], self._times[1:]]).ravel()
        return times, np.column_stack([self._starts, self._ends]).ravel()

    def area(self, until_s: float) -> float:
        """Requests due before ``until_s``, as a real number."""
        if until_s >= self._times[-1]:
            return float(self._areas[-1])
        piece = int(np.searchsorted(self._times, until_s, side="right")) - 1
        inside = until_s - self._times[piece]
        rise = self._starts[piece] * inside + self._slopes[piece] * inside**2 / 2
        return float(self._areas[piece] + rise)

    def times_s(self, areas: NDArray[np.float64]) -> NDArray[np.float64]:
        """When the area under the curve passes ``areas``; at a pause, the end of the pause."""
        piece = np.searchsorted(self._areas, areas, side="right") - 1
        piece = np.minimum(piece, len(self._starts) - 1)
        rest = areas - self._areas[piece]
        start, slope = self._starts[piece], self._slopes[piece]
        # The root of start·x + slope·x²/2 = rest in the form that loses no digits.
        below = start + np.sqrt(np.maximum(start**2 + 2 * slope * rest, 0.0))
        inside = np.divide(2 * rest, below, out=np.zeros_like(rest), where=below > 0)
        times: NDArray[np.float64] = self._times[piece] + inside
        return times

    def offsets(self, duration_ns: int, seed: int, arrivals: str) -> Iterator[NDArray[np.int64]]:
        """Intended times; see `VaryingRate.offsets`."""
        area = self.area(duration_ns / NS_PER_S)
        areas = _even(round(area)) if arrivals == "constant" else _random(area, seed)
        last = 0
        for block in areas:
            offsets = (self.times_s(block) * NS_PER_S).astype(np.int64)
            offsets = np.maximum.accumulate(np.clip(offsets, last, duration_ns - 1))
            last = int(offsets[-1]) if len(offsets) else last
            yield offsets


def check_levels(name: str, pairs: object) -> tuple[tuple[float, float], ...]:
    """Pairs of duration in s and rate in requests/s, checked.

    Raises:
        InputError: none or too many of them, one that is not a pair, or a value out of bounds; the
            message counts from 1.
    """
    remedy = "give pairs (duration_s, rate_rps), such as [(10, 100), (30, 500)]"
    if isinstance(pairs, str) or not isinstance(pairs, Sequence):
        raise InputError("cannot be read", field=name, value=pairs, remedy=remedy)
    if not 1 <= len(pairs) <= _MAX_PIECES:
        raise InputError(
            f"{len(pairs):,} entries are given, 1 to {_MAX_PIECES:,} are possible", field=name
        )
    levels = []
    for number, pair in enumerate(pairs, start=1):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise InputError(f"entry {number} is {pair!r}", field=name, remedy=remedy)
        try:
            levels.append(
                (
                    check_seconds("duration_s", pair[0]),
                    check_rate("rate_rps", pair[1], zero=True),
                )
            )
        except InputError as exc:
            raise exc.within(f"entry {number} of {name}") from exc
    return tuple(levels)


def _even(count: int) -> Iterator[NDArray[np.float64]]:
    for start in range(0, count, BLOCK):
        yield np.arange(start, min(start + BLOCK, count), dtype=np.float64)


def _random(area: float, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    last = 0.0
    while last < area:
        areas = last + np.cumsum(rng.standard_exponential(BLOCK))
        last = float(areas[-1])
        yield areas[areas < area]
