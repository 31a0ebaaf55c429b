"""Two sides of a comparison as cumulative distributions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.plots.canvas import figure_of, heading, legend, legend_pt, no_samples, open_axes
from benchlab.plots.scale import FLOOR_MS, log_ms
from benchlab.plots.series import labels_of
from benchlab.plots.style import INK, LOOKS, PAPER, SMALL_PT, dress, plain, styled
from benchlab.runs.run import Run, check_run
from benchlab.samples.curve import values_at
from benchlab.samples.percentiles import Extent, exact_percentiles
from benchlab.samples.samples import Endpoints, Samples
from benchlab.samples.statistics import DURATIONS
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_ms

__all__ = ["ecdf"]

_POINTS = 2_000
_MARKED = (0.5, 0.99)


@dataclass(frozen=True)
class _Side:
    """The measured requests of one run, or of several together."""

    label: str
    parts: tuple[Samples, ...]

    duration: str

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        """The durations in ns, in blocks."""
        return chain.from_iterable(part.in_blocks(f"{self.duration}_ns") for part in self.parts)


@styled
def ecdf(
    base: Run | Sequence[Run],
    new: Run | Sequence[Run],
    ax: Axes | None = None,
    *,
    endpoint: Endpoints | None = None,
    duration: Literal["latency", "service", "lag"] = "latency",
) -> Figure:
    """Share of requests that took no longer, of two sides: the curve on the left is faster.

    Several runs on a side are drawn as one distribution of all their requests. The gap at the
    median and at the 99th percentile is marked, exact, as new ÷ base; it says nothing about
    whether two runs would differ that much by themselves, which `benchlab.compare` does. Each curve
    has at most 2,000 points.
    """
    if duration not in DURATIONS:
        raise InputError(
            "is not a duration", field="duration", value=duration, remedy=f"use {DURATIONS}"
        )
    ax = open_axes(ax, (7.2, 3.9))
    runs = [_runs(side, field) for side, field in ((base, "base"), (new, "new"))]
    labels = _labels(runs)
    sides = [
        _Side(label, tuple(run.measured_of(endpoint) for run in side), duration)
        for label, side in zip(labels, runs, strict=True)
    ]
    every = [run for side in runs for run in side]
    name = {"latency": "Latency", "service": "Service time", "lag": "Lag"}[duration]
    heading(
        ax, f"{name}, base and new", every, _subject(every, endpoint, sides),
        clearance_pt=legend_pt(ax, labels),
    )  # fmt: skip
    ax.set_xlabel(f"{name.lower()} (ms, log scale)")
    ax.set_ylabel("requests that took no longer (%)")
    if not any(map(len, sides)):
        no_samples(ax)
        return figure_of(ax)
    low, high = [], []
    for side, (color, dashes) in zip(sides, LOOKS, strict=False):
        if not len(side):
            ax.plot([], [], color=color, linestyle=dashes, label=side.label)
            continue
        values_ms, shares = _points(side)
        ax.plot(
            values_ms, shares, drawstyle="steps-post", label=side.label,
            color=color, linestyle=dashes, linewidth=1.8,
        )  # fmt: skip
        low.append(float(values_ms[0]))
        high.append(float(values_ms[-1]))
    log_ms(ax, "x", min(low) / 1.05, max(high) * 1.05)
    ax.set_ylim(0, 104)
    ax.yaxis.set_major_locator(MultipleLocator(25))
    if all(map(len, sides)):
        _mark_gaps(ax, sides)
    legend(ax)
    dress(ax, grid="both")
    return figure_of(ax)


def _runs(side: Run | Sequence[Run], field: str) -> list[Run]:
    runs: list[Run] = [*side] if isinstance(side, list | tuple) else [cast(Run, side)]
    if not runs:
        raise InputError("has no runs", field=field, remedy="give a run, or a list of runs")
    for run in runs:
        check_run(run)
    return runs


def _labels(sides: Sequence[Sequence[Run]]) -> list[str]:
    """The role of each side, and what tells it from the other."""
    names = labels_of([side[0] for side in sides], ["", ""])
    return [
        f"{role}: {name if len(side) == 1 else plural(len(side), 'run')}"
        for role, name, side in zip(("base", "new"), names, sides, strict=True)
    ]


def _subject(runs: Sequence[Run], endpoint: Endpoints | None, sides: Sequence[_Side]) -> str:
    names = list(dict.fromkeys(run.name for run in runs))
    chosen = [] if endpoint is None else [endpoint] if isinstance(endpoint, str) else list(endpoint)
    limit = 26 if chosen else 44
    parts = [plain(names[0], limit) if len(names) == 1 else plural(len(runs), "run")]
    parts += [plain(", ".join(chosen), 44)] if chosen else []
    noun = runs[0].plan.sample_noun
    return " · ".join([*parts, f"{len(sides[0]):,} and {plural(len(sides[1]), noun)}"])


def _points(side: _Side) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Durations in ms and the share (%) that took no longer: all, or as many as can be seen."""
    count = len(side)
    ranks = np.unique(np.linspace(0, count - 1, min(count, _POINTS)).astype(np.int64))
    found = values_at(side, count, ranks)
    values_ms = np.maximum(found / NS_PER_MS, FLOOR_MS)
    # Starts on the axis, at the lowest.
    return np.append(values_ms[0], values_ms), np.append(0, 100 * (ranks + 1) / count)


def _mark_gaps(ax: Axes, sides: Sequence[_Side]) -> None:
    exact = []
    for side in sides:
        extent = Extent.of(side)
        assert extent is not None
        exact.append(exact_percentiles(side, extent, _MARKED))
    few = min(map(len, sides))
    shown = [  # without those that are the slowest of so few
        (ratio, base_ns, new_ns)
        for ratio, base_ns, new_ns in zip(_MARKED, *exact, strict=True)
        if few * (1 - ratio) >= 1
    ]
    for line, (ratio, base_ns, new_ns) in enumerate(reversed(shown)):
        ends_ms = [max(value / NS_PER_MS, FLOOR_MS) for value in (base_ns, new_ns)]
        ax.plot(ends_ms, [100 * ratio] * 2, "|-", color=INK, linewidth=1.1, markersize=7)
        change = f" ({new_ns / base_ns:.3g} ×)" if base_ns > 0 else ""
        # A cumulative curve never comes near the lower right corner.
        ax.annotate(
            f"p{100 * ratio:g}: {format_ms(base_ns)} → {format_ms(new_ns)}{change}",
            xy=(1, 0),
            xycoords="axes fraction",
            xytext=(-6, 8 + 14 * line),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=SMALL_PT,
            color=INK,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
        )
