"""Quantiles of Student's t distribution, without the start-up time of SciPy.

For whole degrees of freedom the distribution function is a finite sum: Abramowitz and Stegun,
*Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.
"""

from __future__ import annotations

import functools
import math

__all__ = ["student_quantile"]


@functools.lru_cache
def student_quantile(probability: float, degrees: int) -> float:
    """The t that a variable of Student's distribution stays below with this ``probability``.

    ``probability`` is between 0 and 1, both excluded; ``degrees`` of freedom are at least 1.

    >>> round(student_quantile(0.975, 15), 4)
    2.1314
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    low, high = 0.0, math.pi / 2  # of the angle whose tangent is t / √degrees
    while (middle := (low + high) / 2) not in (low, high):
        if (1 + _within(middle, degrees)) / 2 < probability:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan(low)


def _within(angle: float, degrees: int) -> float:
    """The probability that |t| / √degrees is below the tangent of ``angle``."""
    square = math.cos(angle) ** 2
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for step in range(degrees // 2):
        total += term
        factor = 2 * step + 1 + odd
        term *= square * factor / (factor + 1)
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total
