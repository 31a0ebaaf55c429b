"""The normal distribution, without the start-up time of SciPy."""

from __future__ import annotations

__all__ = ["normal_deviations"]


def normal_deviations(level: float) -> float:
    """Within how many deviations of the mean the share ``level`` of normal values lies.

    >>> round(normal_deviations(0.95), 4)
    1.96
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2)
