"""What figures over the time of a run share: its steps, its warm-up, its faults, the axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchlab.analysis.timeseries import choose_bucket_s, rates_and_latencies
from benchlab.plan.faults import Fault
from benchlab.plots.fault_bands import FaultBand, name_bands, shade_bands
from benchlab.plots.series import Series
from benchlab.plots.style import MUTED, SMALL_PT
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.run import Run
from benchlab.units import NS_PER_S

__all__ = [
    "end_s_of",
    "name_faults",
    "name_warmup",
    "shade_faults",
    "shade_warmup",
    "step_s_of",
    "whole_run",
    "windows_of",
]


def step_s_of(series: Sequence[Series]) -> float:
    """A round width of steps, the same for all ``series``."""
    count = min(len(each.samples) for each in series)
    return choose_bucket_s(end_s_of([each.run for each in series]), count)


def end_s_of(runs: Sequence[Run]) -> float:
    """The end of the longest of ``runs``."""
    return max(run.window_ns[1] for run in runs) / NS_PER_S


def windows_of(run: Run) -> list[tuple[int, int]]:
    """Start and end, in ns, of the warm-up and of the measured window, as far as there are any."""
    windows = ((0, min(run.window_ns)), run.window_ns)
    return [(start_ns, end_ns) for start_ns, end_ns in windows if end_ns > start_ns]


def whole_run(series: Series, step_s: float) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """A time series in steps that never mix warm-up and measured window, and their edges in s."""
    windows = windows_of(series.run)
    parts = [rates_and_latencies(series.samples, *window, step_s) for window in windows]
    table = pd.concat(parts, ignore_index=True)
    return table, np.append(table["start_s"], series.run.window_ns[1] / NS_PER_S)


def shade_warmup(ax: Axes, runs: Sequence[Run]) -> None:
    """Shade the warm-up if it is that of all ``runs``."""
    lengths_s = {run.plan.warmup_s for run in runs}
    if len(lengths_s) == 1 and (warmup_s := lengths_s.pop()) > 0:
        ax.axvspan(0, min(warmup_s, end_s_of(runs)), color=MUTED, alpha=0.14, lw=0)


def name_warmup(ax: Axes, runs: Sequence[Run]) -> None:
    """Name what `shade_warmup` shaded, just above ``ax``."""
    lengths_s = {run.plan.warmup_s for run in runs}
    if len(lengths_s) == 1 and lengths_s.pop() > 0:
        ax.annotate(
            "warm-up (not counted)",
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 2),
            textcoords="offset points",
            va="bottom",
            fontsize=SMALL_PT,
            color=MUTED,
        )


def shade_faults(ax: Axes, runs: Sequence[Run]) -> None:
    """Shade the times at which faults were on, if all of ``runs`` had the same."""
    shade_bands(ax, _bands(runs))


def name_faults(ax: Axes, runs: Sequence[Run]) -> None:
    """Name what `shade_faults` shaded, at the top of ``ax``; of very many only the first."""
    name_bands(ax, _bands(runs))


def _bands(runs: Sequence[Run]) -> list[FaultBand]:
    """The faults that were on in ``runs``."""
    if len({run.plan.faults for run in runs}) != 1:
        return []
    last_s = end_s_of(runs)
    faults = runs[0].plan.faults
    return [
        FaultBand(
            _name(faults, record),
            record.began_ns / NS_PER_S,
            last_s if record.ended_ns is None else min(last_s, record.ended_ns / NS_PER_S),
        )
        for record in runs[0].faults
        if record.began_ns / NS_PER_S < last_s and record.began_ns != record.ended_ns
    ]


def _name(faults: Sequence[Fault], record: FaultRecord) -> str:
    """Kind and amount of a fault; a file may hold a record of none of ``faults``."""
    if record.number >= len(faults):
        return record.kind
    return f"{faults[record.number].kind} {faults[record.number].amount}".strip()
