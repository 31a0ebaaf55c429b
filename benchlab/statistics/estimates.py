"""Estimates with a standard error: their intervals by Student's t distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Student", "half_samples", "halves", "pooled_difference", "welch", "welch_error"]

_HALVES = 256


@dataclass(frozen=True, slots=True)
class Student:
    """An estimate, its standard error, and the degrees of freedom that the error was found with."""

    estimate: float
    error: float
    freedom: float

    def interval(self, level: float) -> tuple[float, float]:
        """The interval that covers the true value with probability ``level``."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.freedom, (1 + level) / 2)) * self.error
        return self.estimate - half, self.estimate + half

    def p_value(self, center: float = 0.0) -> float:
        """Two-sided p-value of ``center``."""
        from scipy.special import stdtr

        distance = abs(self.estimate - center)
        if self.error == 0:
            return 1.0 if distance == 0 else 0.0
        return float(2 * stdtr(self.freedom, -distance / self.error))


def welch(base: ArrayLike, new: ArrayLike) -> Student:
    """The difference of two means, new minus base, of 2 or more values each.

    The variances may differ. It is chosen for a few independent runs over the rank-sum
    distribution, which has no 95 % interval below 4 runs of each, and no more than one for 4: there
    the interval is the whole range of differences.

    Source: Welch, Biometrika 34 (1947); degrees of freedom by Satterthwaite, Biometrics 2 (1946).

    >>> found = welch([1.0, 2.0, 3.0], [4.0, 6.0, 8.0])
    >>> found.estimate, round(found.error, 4), round(found.freedom, 4)
    (4.0, 1.291, 2.9412)
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (base, new)]
    variances = [float(side.var(ddof=1)) for side in sides]
    error, freedom = welch_error(variances, [len(side) for side in sides])
    return Student(float(sides[1].mean() - sides[0].mean()), error, freedom)


def welch_error(variances: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """The standard error of a difference of two means, and its degrees of freedom, as in `welch`.

    Of values that do not vary, the degrees are the limit for two sides that vary equally.
    """
    parts = [variance / count for variance, count in zip(variances, counts, strict=True)]
    divisor = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    freedom = sum(parts) ** 2 / divisor if divisor > 0 else float(sum(counts) - len(counts))
    return math.sqrt(sum(parts)), freedom


def pooled_difference(base: ArrayLike, new: ArrayLike, *others: ArrayLike) -> Student:
    """The difference of two means, new minus base, of values that all have the same variance.

    ``base`` and ``new`` may be a single value each; the variance is that within all of the groups,
    ``others`` included, which must have 2 values in at least one.

    Source: Student's two-sample interval, with the pooled variance of an analysis of variance.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (base, new, *others)]
    squares = sum(float(np.square(side - side.mean()).sum()) for side in sides)
    freedom = sum(len(side) - 1 for side in sides)
    per_value = 1 / len(sides[0]) + 1 / len(sides[1])
    error = math.sqrt(squares / freedom * per_value)
    return Student(float(sides[1].mean() - sides[0].mean()), error, freedom)


def halves(count: int) -> NDArray[np.bool_]:
    """Which of ``count`` groups, 2 or more, each half sample keeps: a row for each half.

    These are all halves if there are few, else as many as are drawn, always the same ones. Of an
    odd number of groups, a half is the larger part.
    """
    kept = count - count // 2
    found = np.zeros((min(math.comb(count, kept), _HALVES), count), dtype=np.bool_)
    if len(found) < _HALVES:
        chosen = np.array(list(combinations(range(count), kept)))
    else:
        chosen = np.random.default_rng(count).random(found.shape).argsort(axis=1)[:, :kept]
    np.put_along_axis(found, chosen, values=True, axis=1)
    return found


def half_samples(whole: float, of_halves: ArrayLike, count: int) -> Student:
    """A statistic of ``count`` groups and its error, from its values ``of_halves`` of the groups.

    ``whole`` is its value with all groups. It is a jackknife that leaves out half of the groups at
    a time instead of one: a percentile does not change smoothly, and with one of many groups left
    out it moves by so few values that its error is mostly chance.

    Source: Shao and Wu, Annals of Statistics 17 (1989): the delete-d jackknife.
    """
    values = np.asarray(of_halves, dtype=np.float64)
    left_out = count // 2
    scale = (count - left_out) / left_out
    return Student(whole, math.sqrt(scale * float(np.square(values - whole).mean())), count - 1)
