"""Figures, axes and headings: the parts that every plot shares."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from benchlab.errors import InputError
from benchlab.plots.style import ERROR, INK, MUTED, PAPER, SMALL_PT, WARNING, dress, plain, styled
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run

__all__ = [
    "LEGEND_PT",
    "NotebookFigure",
    "check_drawable",
    "figure_of",
    "heading",
    "legend",
    "legend_pt",
    "no_samples",
    "open_axes",
]

_SHARPNESS = 2
_LINE_PT = 13

LEGEND_PT = 15.0
"""The clearance that `heading` has to leave for each row of a `legend`."""

_CHARACTER_PT = 5.4  # of small type, on average
_MARGIN_IN = 0.1
_ORIGIN_PT = 7.0
_ORIGIN_CHARACTER_PT = 4.1
_ORIGIN_LINE_PT = 10.0
_HANDLE_PT = 38  # the line or patch of an entry, and the space around


class NotebookFigure(Figure):
    """A figure that shows itself in a notebook, at twice the pixels of its size on screen.

    A bare matplotlib figure is shown only where pyplot's inline backend was set up before.
    """

    _foot_in = 0.0
    _origin: Text | None = None

    def write_origin(self, text: str) -> None:
        """Write at the foot where the numbers come from; the figure grows by the lines of it.

        So a figure that is copied or printed can still be believed, and found again.
        """
        width, height = (float(inches) for inches in self.get_size_inches())
        lines = _wrapped(plain(text, 10_000), int(width * 72 / _ORIGIN_CHARACTER_PT))
        foot_in = len(lines) * _ORIGIN_LINE_PT / 72 + _MARGIN_IN
        height += foot_in - self._foot_in
        self.set_size_inches(width, height)
        self._foot_in = foot_in
        layout = self.get_layout_engine()
        assert isinstance(layout, ConstrainedLayoutEngine)
        layout.set(rect=(0, foot_in / height, 1, 1 - foot_in / height))
        if self._origin is not None:
            self._origin.remove()
        style: dict[str, Any] = {"va": "bottom", "fontsize": _ORIGIN_PT, "color": MUTED}
        place = _MARGIN_IN / width, _MARGIN_IN / height
        self._origin = self.text(*place, "\n".join(lines), **style)
        self._origin.set_in_layout(False)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=self.dpi * _SHARPNESS)
        width, height = (round(inches * self.dpi) for inches in self.get_size_inches())
        return (
            {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": repr(self)},
            {"image/png": {"width": width, "height": height}},
        )


@styled
def open_axes(ax: Axes | None, size_inches: tuple[float, float]) -> Axes:
    """``ax``, or the only axes of a new figure."""
    if ax is not None:
        return ax
    layout = ConstrainedLayoutEngine(w_pad=_MARGIN_IN, h_pad=0.08)
    return NotebookFigure(figsize=size_inches, layout=layout).add_subplot()


def check_drawable(value: object, kind: type, *, field: str, noun: str, remedy: str) -> None:
    """Refuse a ``value`` that is not of the ``kind`` that a figure draws.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, kind):
        raise InputError(
            f"is of the type {type(value).__name__} and not {noun}", field=field, remedy=remedy
        )


def figure_of(ax: Axes) -> Figure:
    """The figure that ``ax`` belongs to."""
    return cast(Figure, ax.get_figure(root=True))


def heading(
    ax: Axes,
    title: str,
    run: Run | Sequence[Run] | None,
    subject: str,
    *,
    clearance_pt: float = 0,
    origin: str = "",
) -> None:
    """Draw the title, the subject in small type, and a conspicuous mark unless the run is valid.

    Of several runs, the first that is not valid is marked, by its name. ``clearance_pt`` is room to
    leave between these and the axes. At the foot of a figure of its own is the ``origin`` of the
    numbers, by default that of the runs.
    """
    runs = [run] if isinstance(run, Run) else list(run or ())
    figure, origin = figure_of(ax), origin or origin_of(runs)
    if origin and isinstance(figure, NotebookFigure):
        figure.write_origin(origin)
    limit = int(_width_in(ax) * 12.5)
    base = 6 + clearance_pt
    lines: list[tuple[str, str]] = [(plain(subject, limit), MUTED)]
    doubtful = next((each for each in runs if each.verdict != "valid"), None)
    if doubtful is not None:
        of = f"{doubtful.name}: " if len(runs) > 1 else ""
        lines.insert(0, (plain(f"{of}{doubtful.invalid_reason}", limit), WARNING))
        _mark(ax, doubtful.verdict.upper(), base + len(lines) * _LINE_PT)
    for line, (text, color) in enumerate(lines):
        _above(ax, text, 0.0, base + line * _LINE_PT, ha="left", color=color, fontsize=SMALL_PT)
    pad = base + 2 + len(lines) * _LINE_PT
    ax.set_title(title, loc="left", pad=pad, fontsize=11, fontweight="bold", color=INK)


def legend(
    ax: Axes,
    handles: Sequence[Artist] | None = None,
    columns: int | None = None,
    **options: float,
) -> None:
    """Draw the legend between heading and axes, in ``columns`` or else in one row if it fits.

    ``options`` are matplotlib's, such as ``columnspacing``.
    """
    shown = ax.get_legend_handles_labels()[0] if handles is None else list(handles)
    if columns is None:
        columns, _ = _arrange(ax, [str(handle.get_label()) for handle in shown])
    ax.legend(
        handles=shown,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0,
        borderpad=0.35,
        **options,
    ).set_in_layout(False)


def legend_pt(ax: Axes, labels: Sequence[str]) -> float:
    """The clearance that `heading` has to leave for a legend with these ``labels``."""
    return LEGEND_PT + 12.5 * (_arrange(ax, labels)[1] - 1) if labels else 0


def _arrange(ax: Axes, labels: Sequence[str]) -> tuple[int, int]:
    """Columns and rows of a legend with these ``labels``: as few rows as fit in the width."""
    room_pt = _width_in(ax) * 72 - 60
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(np.array([len(label) for label in labels]), columns)
        if sum(_HANDLE_PT + int(part.max()) * _CHARACTER_PT for part in parts) <= room_pt:
            return -(-len(labels) // len(parts[0])), len(parts[0])
    return 1, max(len(labels), 1)


def _width_in(ax: Axes) -> float:
    """The width that belongs to ``ax``: that of its figure, or of its columns of a grid."""
    width = float(figure_of(ax).get_size_inches()[0])
    place = ax.get_subplotspec()
    if place is None:
        return width * min(1.0, ax.get_position().width / 0.85)
    return width * len(place.colspan) / place.get_gridspec().ncols


def no_samples(ax: Axes, text: str = "no samples") -> None:
    """Write that there is nothing to draw on empty axes."""
    center: dict[str, Any] = {"ha": "center", "va": "center", "transform": ax.transAxes}
    ax.text(0.5, 0.36, text, color=MUTED, fontsize=13, **center)
    ax.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
    dress(ax)


def _wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines, broken between its parts where they fit."""
    lines: list[str] = []
    for part in text.split(" · "):
        joined = f"{lines[-1]} · {part}" if lines else ""
        if lines and len(joined) <= width:
            lines[-1] = joined
        else:
            lines += wrap(part, width)
    return lines


def _mark(ax: Axes, word: str, height_pt: float) -> None:
    chip = {"boxstyle": "round,pad=0.35", "facecolor": WARNING, "edgecolor": "none"}
    style: dict[str, Any] = {"fontsize": SMALL_PT, "fontweight": "bold", "color": PAPER}
    _above(ax, word, 1.0, height_pt + 3, ha="right", bbox=chip, **style)
    watermark: dict[str, Any] = {"ha": "center", "va": "center", "transform": ax.transAxes}
    watermark |= {"fontsize": 44, "fontweight": "bold", "color": ERROR, "alpha": 0.15}
    ax.text(0.5, 0.5, word, zorder=6, **watermark).set_in_layout(False)


def _above(ax: Axes, text: str, x: float, points: float, **style: Any) -> None:
    # Not part of the layout: a long line would squeeze the axes. The title reserves the space.
    ax.annotate(
        text,
        xy=(x, 1),
        xycoords="axes fraction",
        xytext=(0, points),
        textcoords="offset points",
        va="bottom",
        annotation_clip=False,
        **style,
    ).set_in_layout(False)
