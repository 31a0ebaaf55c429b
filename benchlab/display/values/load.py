"""A load shape, as people see it: in words, and its rate over time."""

from __future__ import annotations

import numpy as np

from benchlab.display.result_view import ResultView
from benchlab.display.spark import Spark
from benchlab.display.table import Table
from benchlab.plan.shapes.base import LoadShape
from benchlab.units import NS_PER_S, format_rate

__all__ = ["rate_table", "view"]

_POINTS = 24
_SEED = 1  # of arrivals that are only counted in slices


def view(load: LoadShape) -> ResultView:
    """What the load is, and its rate over time if that varies."""
    options = load.options()
    command = " ".join(f"{option} {value}" for option, value in options or ())
    return ResultView(
        title=load.describe(),
        banner="imported load" if load.is_imported else "load",
        level="neutral",
        sentence=f"benchlab run URL {command}".rstrip() if options is not None else "",
        tables=(rate_table(load),),
    )


def rate_table(load: LoadShape) -> Table:
    """The rate over time of a shape of its own length; no row for another one."""
    head = ["load", "rate over time", "highest", "length, s"]
    length_s, highest = load.duration_s, load.highest_rps
    if not load.has_schedule or not length_s or highest is None:
        return Table(head)
    rates = _rates(load, length_s)
    spark = Spark(rates, f"rate over {length_s:g} s, up to {format_rate(highest)}")
    return Table(head, [[load.kind, spark, format_rate(highest), f"{length_s:g}"]])


def _rates(load: LoadShape, length_s: float) -> list[float]:
    """The rates at equal distances, or those of a replay in equal slices."""
    curve = load.curve()
    edges = np.linspace(0, length_s, _POINTS + 1)
    if curve is not None:
        times, rates = curve.corners
        return [float(rate) for rate in np.interp(edges, times, rates)]
    counts = np.zeros(_POINTS, dtype=np.int64)
    for block in load.offsets(int(length_s * NS_PER_S), _SEED):
        counts += np.histogram(block / NS_PER_S, edges)[0]
    return [float(count * _POINTS / length_s) for count in counts]
