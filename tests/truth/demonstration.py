"""Why an open loop: ``python -m tests.truth.demonstration PICTURE.png`` measures it anew.

A service that answers in 10 ms and stalls once for 1 s is measured twice. A closed loop, timed
from each send, is what most load tools report: during the stall it sends nothing, so hardly any of
its requests meet the stall. At a constant rate, timed from when each request was due, everybody
who would have come meanwhile is counted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Run, run
from benchlab.plan.shapes import LoadShape
from benchlab.plots.canvas import NotebookFigure
from benchlab.plots.style import (
    INK,
    LATENCY,
    MUTED,
    PAPER,
    SERVICE,
    SMALL_PT,
    dress,
    styled,
    thousands,
)
from tests.truth.faults import Fault
from tests.truth.server import serving_fault

__all__ = ["FAULT", "MET_MS", "SECONDS", "USERS", "draw", "measure", "p99_ms"]

SECONDS, RATE_RPS, USERS = 10.0, 200.0, 2
STALL_S, LENGTH_S = 4.0, 1.0
MET_MS = 50.0
"""A request that took longer than this met the stall."""

_TOP_MS = 1_150
_PLATE = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}

FAULT = Fault(0.010, pauses=[(STALL_S, LENGTH_S)])


def p99_ms(durations_ms: NDArray[Any]) -> float:
    """The 99th percentile."""
    return float(np.quantile(durations_ms, 0.99, method="inverted_cdf"))


def measure() -> tuple[Run, Run]:
    """The closed loop and the open loop, each against a new service with the same fault.

    Without the stall both would send the same: two users, 10 ms each, are 200 requests/s.
    """
    return _measure(ClosedLoop(USERS)), _measure(ConstantRate(RATE_RPS))


def _measure(load: LoadShape) -> Run:
    with serving_fault(FAULT) as server:
        return run(Plan([Request("GET", server.url)], load, SECONDS))


@styled
def draw(closed: Run, opened: Run) -> NotebookFigure:
    """Every request of both runs over time, and both by percentile."""
    figure = NotebookFigure(figsize=(9.6, 5.2), layout=ConstrainedLayoutEngine(h_pad=0.06))
    panels = figure.subplot_mosaic(
        [["closed", "percentiles"], ["opened", "percentiles"]], width_ratios=(1.45, 1)
    )
    ways = (
        ("closed", closed, closed.measured.service_ns, SERVICE, "closed loop, timed from the send"),
        (
            "opened",
            opened,
            opened.measured.latency_ns,
            LATENCY,
            "constant rate, timed from when due",
        ),
    )
    for key, result, durations_ns, color, name in ways:
        at_s = result.measured.column("intended_ns") / 1e9
        _draw_requests(panels[key], at_s, durations_ns / 1e6, color, name)
        _draw_percentiles(panels["percentiles"], durations_ns / 1e6, color)
    panels["closed"].tick_params(labelbottom=False)
    panels["opened"].set_xlabel("time since start (s)")
    _finish_percentiles(panels["percentiles"])
    title: dict[str, Any] = {"x": 0.01, "ha": "left", "va": "top"}
    figure.suptitle(
        "The same service, the same stall of 1 s, measured in two ways\n",
        fontsize=12,
        fontweight="bold",
        **title,
    )
    subject = (
        "every dot is a request; without the stall each takes about 10 ms, and both ways send 200/s"
    )
    figure.text(y=0.942, s=subject, color=MUTED, fontsize=SMALL_PT, **title)
    return figure


def _draw_requests(
    panel: Axes, at_s: NDArray[Any], duration_ms: NDArray[Any], color: str, name: str
) -> None:
    dress(panel)
    panel.axvspan(STALL_S, STALL_S + LENGTH_S, color=MUTED, alpha=0.16, lw=0)
    panel.plot(at_s, duration_ms, "o", color=color, markersize=3.6, mew=0, clip_on=False)
    panel.set(xlim=(0, SECONDS), ylim=(0, _TOP_MS), ylabel="each request (ms)")
    panel.yaxis.set_major_formatter(thousands())
    panel.set_title(name, loc="left", fontsize=9.5, fontweight="bold", color=color)
    note: dict[str, Any] = {"ha": "right", "va": "top", "bbox": _PLATE}
    panel.text(STALL_S - 0.15, 1_060, "the service\nstalls", color=MUTED, fontsize=8.5, **note)
    hit = int((duration_ms > MET_MS).sum())
    sizes = f"{hit:,} of {len(at_s):,} requests\nmet the stall"
    panel.text(SECONDS - 0.15, 1_060, f"p99 {p99_ms(duration_ms):,.0f} ms", color=color, **note)
    panel.texts[-1].set(fontsize=13, fontweight="bold")
    panel.text(SECONDS - 0.15, 830, sizes, linespacing=1.5, **note)


def _draw_percentiles(panel: Axes, duration_ms: NDArray[Any], color: str) -> None:
    inverse = np.geomspace(2, 1_000, 400)
    values = np.quantile(duration_ms, 1 - 1 / inverse, method="inverted_cdf")
    p99 = p99_ms(duration_ms)
    panel.plot(inverse, values, color=color, linewidth=2.4)
    panel.plot([100], [p99], "o", color=color, markersize=7)
    low = p99 < _TOP_MS / 2
    panel.annotate(
        f"{p99:,.0f} ms",
        (100, p99),
        xytext=(-9, 9 if low else 5),
        textcoords="offset points",
        ha="right",
        color=color,
        fontsize=11,
        fontweight="bold",
    )


def _finish_percentiles(panel: Axes) -> None:
    dress(panel, grid="both")
    panel.set_xscale("log")
    panel.set(xlim=(2, 1_000), ylim=(0, _TOP_MS))
    panel.set_xlabel("share of requests that were no slower")
    ticks = {2: "50 %", 10: "90 %", 100: "99 %", 1_000: "99.9 %"}
    panel.set_xticks(list(ticks), labels=list(ticks.values()))
    panel.minorticks_off()
    panel.set_title("by percentile", loc="left", fontsize=9.5, fontweight="bold", color=INK)
    panel.yaxis.set_major_formatter(thousands())
    panel.set_ylabel("ms")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.truth.demonstration PICTURE.png")
    draw(*measure()).savefig(Path(sys.argv[1]), dpi=200)
