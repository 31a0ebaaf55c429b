"""Bands of the times at which faults were on, the same on every figure over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from benchlab.plots.style import PAPER, SMALL_PT, WARNING, plain

__all__ = ["BAND_ALPHA", "FaultBand", "name_bands", "shade_bands"]

BAND_ALPHA = 0.11

_MOST_NAMES = 6
_LONGEST = 32  # characters
_NAME_ROWS = 3
_NAME_ROW_PT = SMALL_PT + 2


class FaultBand(NamedTuple):
    """A fault and the time, in s from the start of the run, at which it was on."""

    name: str
    begin_s: float
    end_s: float


def shade_bands(ax: Axes, bands: Sequence[FaultBand]) -> None:
    """Shade each band, with a line where it begins."""
    for band in bands:
        ax.axvspan(band.begin_s, band.end_s, color=WARNING, alpha=BAND_ALPHA, lw=0, zorder=0.5)
        ax.axvline(band.begin_s, color=WARNING, alpha=0.5, linewidth=0.8, zorder=0.6)


def name_bands(ax: Axes, bands: Sequence[FaultBand]) -> None:
    """Name the bands at the top of ``ax``, neighbours on different rows; of many only the first."""
    for place, band in enumerate(bands[:_MOST_NAMES]):
        ax.annotate(
            plain(band.name, _LONGEST),
            xy=(band.begin_s, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -2 - _NAME_ROW_PT * (place % _NAME_ROWS)),
            textcoords="offset points",
            va="top",
            fontsize=SMALL_PT,
            color=WARNING,
            path_effects=[withStroke(linewidth=2.2, foreground=PAPER)],
            annotation_clip=True,
        )
