"""Style of all figures: colours, type, lines."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, Literal, NamedTuple, ParamSpec, TypeAlias, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter

from benchlab.errors import InputError
from benchlab.runs.run import check_run

__all__ = [
    "CONNECTION",
    "ERROR",
    "FONT",
    "GRID",
    "HEAT",
    "INK",
    "LAG",
    "LATENCY",
    "LOOKS",
    "MUTED",
    "PAPER",
    "SERVER",
    "SERVICE",
    "SMALL_PT",
    "WARNING",
    "Dashes",
    "Look",
    "dress",
    "plain",
    "styled",
    "thousands",
]

Dashes: TypeAlias = Literal["-", "--", "-."] | tuple[float, Sequence[float]]
"""A line style as matplotlib takes it."""

# The palette of Okabe and Ito (2008), distinguishable with any colour vision; each colour
# has one meaning throughout, except where a figure has several series, which its legend names.
# All are distinct strings, so that a page may restyle them.
LATENCY = "#0072b2"
SERVICE = "#009e73"
LAG = "#e69f00"
SERVER = "#cc79a7"
ERROR = "#d55e00"
CONNECTION = "#56b4e9"

INK = "#1f2933"
MUTED = "#5c6773"
GRID = "#dde2e7"
PAPER = "#ffffff"
WARNING = "#a33d00"


class Look(NamedTuple):
    """What tells a series from the others: a colour, and dashes for prints without any."""

    color: str
    dashes: Dashes


LOOKS = (
    Look(LATENCY, "-"),
    Look(LAG, (0, (5, 1.5))),
    Look(SERVICE, (0, (1.2, 1.2))),
    Look(SERVER, (0, (7, 1.5, 1.5, 1.5))),
    Look(INK, (0, (3, 1.5, 1, 1.5, 1, 1.5))),
    Look(CONNECTION, (0, (2.5, 3))),
)
"""Of the series of a figure, in their order: there are no more. Failures have their own colour."""

HEAT = ("#a39a74", "#888578", "#6f7073", "#565c6d", "#3b496c", "#123570", "#00224e")
"""Few to many, in even steps of lightness: the darker two thirds of cividis (Nuñez et al. 2018),
which is perceptually uniform with any colour vision. The few stand out from the paper."""

FONT = "DejaVu Sans"  # comes with matplotlib, so text looks and measures the same everywhere
SMALL_PT = 8.5

_RC: dict[Any, Any] = {
    "font.family": [FONT],
    "font.size": 9.5,
    "text.usetex": False,
    "text.color": INK,
    "text.parse_math": False,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.grid": False,
    "axes.unicode_minus": True,
    "axes.xmargin": 0.02,
    "axes.ymargin": 0.05,
    "figure.facecolor": PAPER,
    "figure.dpi": 100.0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0.0,
    "legend.frameon": False,
    "legend.fontsize": SMALL_PT,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "path.sketch": None,
}

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def styled(draw: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Run ``draw`` under benchlab's settings, whatever the user's own matplotlib settings are.

    They are put back afterwards. An argument ``run`` that is neither a run nor a sequence of runs
    is refused.
    """
    signature = inspect.signature(draw)

    @wraps(draw)
    def wrapper(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        given = signature.bind(*args, **kwargs).arguments
        if "run" in given and given["run"] is not signature.parameters["run"].default:
            runs = given["run"]
            if isinstance(runs, list | tuple) and not runs:
                raise InputError("has no runs", field="run", remedy="give a run, or a list of runs")
            for run in runs if isinstance(runs, list | tuple) else [runs]:
                check_run(run)
        with mpl.rc_context(_RC):
            return draw(*args, **kwargs)

    return wrapper


def dress(ax: Axes, *, grid: str = "y") -> None:
    """Quiet frame, small ticks and a light grid along ``grid`` ("x", "y" or "both")."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=MUTED, linewidth=0.8)
    # Ticks are made when a figure is drawn, so what they look like has to be left with the axes.
    ax.tick_params(which="both", color=MUTED, labelcolor=INK, labelsize=SMALL_PT)
    ax.tick_params(which="both", labelfontfamily=FONT, width=0.8)
    ax.tick_params(which="major", length=3.5)
    ax.tick_params(which="minor", length=2)
    ax.grid(visible=True, which="major", axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def thousands() -> FuncFormatter:
    """Tick labels as plain decimals with thousands separators."""
    return FuncFormatter(lambda value, _: f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}")


def plain(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters, as the figure's font can draw it.

    Whitespace is collapsed; a character that the font lacks becomes U+FFFD, since matplotlib
    would warn about it when the figure is drawn.
    """
    known = _characters()
    line = "".join(char if ord(char) in known else "\ufffd" for char in " ".join(text.split()))
    return line if len(line) <= limit else line[: max(limit - 1, 0)].rstrip() + "…"


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=[FONT]))).get_charmap())
