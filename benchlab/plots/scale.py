"""Logarithmic axes for durations in ms, with decimal labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from benchlab.plots.style import thousands

__all__ = ["FLOOR_MS", "log_counts", "log_ms", "log_shares"]

FLOOR_MS = 0.001
"""Durations below 1 µs, and zero, are drawn here: a logarithm has no zero."""

_NARROWEST = 1.5


def log_ms(ax: Axes, which: Literal["x", "y"], low_ms: float, high_ms: float) -> None:
    """Make axis ``which`` logarithmic over ``low_ms`` to ``high_ms``, which may be equal."""
    low, high = max(low_ms, FLOOR_MS), max(high_ms, FLOOR_MS)
    if high / low < _NARROWEST:
        middle = math.sqrt(low * high)
        low, high = middle / _NARROWEST, middle * _NARROWEST
    axis = ax.xaxis if which == "x" else ax.yaxis
    if which == "x":
        ax.set_xscale("log")
        ax.set_xlim(low, high)
    else:
        ax.set_yscale("log")
        ax.set_ylim(low, high)
    major, minor = _ticks(low, high)
    axis.set_major_locator(FixedLocator(major))
    axis.set_minor_locator(FixedLocator(minor))
    axis.set_major_formatter(thousands())
    axis.set_minor_formatter(NullFormatter())


def log_counts(ax: Axes, highest: int) -> None:
    """Make the y axis logarithmic for whole numbers from 1 to ``highest``, with room above."""
    low, high = 0.7, max(highest, 2) ** 1.3 * 1.2
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    steps = [10**power for power in range(1 + math.floor(math.log10(max(highest, 1))))]
    if highest < 50:
        steps = [step for step in (1, 2, 5, 10, 20, 50) if step <= max(highest, 2)]
    ax.yaxis.set_major_locator(FixedLocator([float(step) for step in steps]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(thousands())


def log_shares(ax: Axes, least: float) -> None:
    """Make the y axis logarithmic for shares in % from ``least`` to 100."""
    first = math.floor(math.log10(least))
    ax.set_yscale("log")
    ax.set_ylim(least * 0.7, 160)
    steps = [10.0**power for power in range(first, 3) if 10.0**power >= least * 0.7]
    ax.yaxis.set_major_locator(FixedLocator(steps[-1::-2] if len(steps) > 6 else steps))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(thousands())


def _ticks(low: float, high: float) -> tuple[list[float], list[float]]:
    """Positions of labelled and of small ticks: 1-2-5 steps, or even steps in a narrow range."""
    decades = math.log10(high / low)
    if decades < 0.7:
        even = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        return [float(tick) for tick in even if low <= tick <= high], []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = [10.0**power for power in range(first, last + 1)]
    steps = (1,) if decades > 3.2 else (1, 2, 5) if decades > 1.2 else (1, 2, 3, 5, 7)
    return _inside(powers, steps, low, high), _inside(powers, range(1, 10), low, high)


def _inside(powers: Sequence[float], steps: Sequence[int], low: float, high: float) -> list[float]:
    return [step * power for power in powers for step in steps if low <= step * power <= high]
