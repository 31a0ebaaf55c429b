"""Where the latency comes from: a bar per band, divided into its parts."""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from benchlab.analysis.attribution import Attribution, Band
from benchlab.plots.canvas import (
    check_drawable,
    figure_of,
    heading,
    no_samples,
    open_axes,
)
from benchlab.plots.style import (
    CONNECTION,
    INK,
    LAG,
    LATENCY,
    PAPER,
    SERVER,
    SERVICE,
    SMALL_PT,
    dress,
    plain,
    styled,
)
from benchlab.runs.latency_parts import Part
from benchlab.text import plural
from benchlab.units import format_ms

__all__ = ["attribution"]

_MOST_SPANS = 5
_OTHERS = Part("span:others", "other spans", "service")
_BAR = 0.62
_LABELLED = 0.09
"""Parts of at least this share of their bar have it written in them."""


class _Look(NamedTuple):
    """How a part is drawn: those of one colour differ by their pattern, also in grey."""

    color: str
    hatch: str = ""


_LOOKS = {
    "earlier_tries": _Look(LAG, "////"),
    "lag": _Look(LAG, ".."),
    "connection_wait": _Look(CONNECTION),
    "dns": _Look(CONNECTION, ".."),
    "connect": _Look(CONNECTION, "////"),
    "tls": _Look(CONNECTION, "xxxx"),
    "before_server": _Look(LATENCY),
    "server": _Look(SERVER),
    "way_back": _Look(LATENCY, r"\\\\"),
    "first_byte": _Look(SERVICE),
    "body": _Look(SERVICE, r"\\\\"),
}
_LEGEND_BELOW_IN = 0.5  # what the labels of the axis take
_SPAN_HATCHES = ("////", r"\\\\", "..", "xxxx", "oo", "++++")


@styled
def attribution(result: Attribution, ax: Axes | None = None) -> Figure:
    """A bar per band of percentiles, fast requests on top, divided into the parts of its latency.

    The bars are of one length, 100 % of the band's mean latency, which is written beside each. Of
    many spans, the five that take longest in the tail are drawn by name.
    """
    check_drawable(
        result,
        Attribution,
        field="result",
        noun="an attribution",
        remedy="give what bl.attribute(run) returns",
    )
    bands = [band for band in result.bands if band.split_mean_ns > 0]
    parts = _drawn(result)
    rows = -(-len(parts) // 2)
    ax = open_axes(ax, (7.2, 1.6 + 0.52 * max(len(bands), 2) + 0.2 * rows))
    subject = [result.name, *([result.endpoint] if result.endpoint else [])]
    title = "Where the latency comes from"
    subject.append(_joined(result))
    heading(ax, title, None, " · ".join(subject), origin=result.origin)
    if not bands:
        no_samples(ax)
        return figure_of(ax)
    looks = _looks(parts)
    for place, band in enumerate(bands):
        _bar(ax, place, band, parts, looks)
    ax.set_xlim(0, 100)
    ax.set_ylim(len(bands) - 0.45, -0.55)
    ax.set_yticks(
        range(len(bands)), [f"{band.label}\n{plural(band.count, 'request')}" for band in bands]
    )
    ax.set_xlabel("share of the mean latency (%)")
    dress(ax, grid="x")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    figure = figure_of(ax)
    below = ScaledTranslation(0, -_LEGEND_BELOW_IN, figure.dpi_scale_trans)
    ax.legend(
        handles=[_handle(part, looks[part]) for part in parts],
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=blended_transform_factory(figure.transFigure, ax.transAxes) + below,
        ncols=2,
        handleheight=1.1,
    )
    return figure


def _joined(result: Attribution) -> str:
    if not result.span_count:
        return "without spans"
    return f"{result.span_count:,} of {result.split_count:,} joined with spans"


def _drawn(result: Attribution) -> list[Part]:
    """The parts that are drawn, with `_OTHERS` for spans beyond the first few."""
    spans = [part for part in result.parts if part.key not in _LOOKS]
    left_out = set(spans[_MOST_SPANS:])
    drawn: list[Part] = []
    for part in result.parts:
        shown = _OTHERS if part in left_out else part
        if shown not in drawn:
            drawn.append(shown)
    return drawn


def _looks(parts: list[Part]) -> dict[Part, _Look]:
    hatches = iter(_SPAN_HATCHES)
    return {
        part: _LOOKS[part.key] if part.key in _LOOKS else _Look(SERVER, next(hatches))
        for part in parts
    }


def _bar(ax: Axes, place: int, band: Band, parts: list[Part], looks: dict[Part, _Look]) -> None:
    means = {part: band.mean_of(part) for part in parts}
    if _OTHERS in means:
        means[_OTHERS] = band.split_mean_ns - sum(means.values())
    start = 0.0
    for part in parts:
        width = 100 * means[part] / band.split_mean_ns
        look = looks[part]
        ax.barh(
            place, width, _BAR, start, color=look.color, hatch=look.hatch, edgecolor=PAPER,
            linewidth=0.8, label=part.label,
        )  # fmt: skip
        if width >= 100 * _LABELLED:
            ax.annotate(
                f"{width:.0f} %",
                xy=(start + width / 2, place),
                ha="center",
                va="center",
                fontsize=SMALL_PT,
                color=INK,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none"},
            )
        start += width
    ax.annotate(
        format_ms(round(band.split_mean_ns)),
        xy=(100, place),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL_PT,
        color=INK,
        annotation_clip=False,
    )


def _handle(part: Part, look: _Look) -> Patch:
    return Patch(
        facecolor=look.color, hatch=look.hatch, edgecolor=PAPER, label=plain(part.label, 44)
    )
