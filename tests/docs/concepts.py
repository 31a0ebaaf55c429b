"""The figures of docs/concepts.md: ``python -m tests.docs.concepts`` draws them anew.

They are simulated, so that everyone gets the same: seeds are fixed, and the verdicts, percentiles
and intervals in them are those that benchlab computes. Numbers on the page are those of `numbers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from scipy import stats

from benchlab import Run
from benchlab.plots.canvas import NotebookFigure
from benchlab.plots.style import (
    ERROR,
    INK,
    LAG,
    LATENCY,
    MUTED,
    PAPER,
    SERVICE,
    SMALL_PT,
    dress,
    styled,
    thousands,
)
from benchlab.samples.percentile_interval import PercentileInterval, percentile_intervals
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_S
from tests.docs.pages import DOCS
from tests.runs.synthetic import make_run
from tests.statistics.dependent import AutoRegression, samples_of
from tests.truth.faults import Fault

__all__ = ["FIGURES", "draw_all", "numbers"]

IMAGES = DOCS / "images"
_STALL_S, _STALL_LENGTH_S = 0.75, 0.6
_EVERY_S, _SHOWN_S = 0.1, 1.9
_SERVICE = Fault(0.06, pauses=[(_STALL_S, _STALL_LENGTH_S)])
_PROCESS, _REQUESTS, _RUNS = AutoRegression(0.9, "exponential"), 20_000, 60
_LABEL: dict[str, Any] = {"fontsize": 9.5, "fontweight": "bold", "loc": "left"}
_TITLE: dict[str, Any] = {"fontsize": 11.5, "fontweight": "bold", "x": 0.01, "ha": "left"}


@styled
def loops() -> NotebookFigure:
    """Each request as a bar from when it was due until it was done, in both kinds of loop."""
    figure = _figure(3.5)
    panels = figure.subplots(1, 2, sharey=True)
    for panel, requests, name in zip(
        panels, (_closed(), _open()), ("closed loop of one user", "open loop, 10 requests/s"),
        strict=True,
    ):  # fmt: skip
        _draw_requests(panel, requests)
        slowest_ms = max(done - due for due, done in requests) * 1e3
        late = sum(done - due > 0.1 for due, done in requests)
        panel.set_title(name, **_LABEL)
        text = f"{len(requests)} requests\n{late} met the stall\nslowest {slowest_ms:.0f} ms"
        panel.text(0.02, 0.03, text, transform=panel.transAxes, color=MUTED, fontsize=SMALL_PT)
    panels[0].set_ylabel("request")
    figure.suptitle("The same service, which stalls once for 0.6 s", **_TITLE)
    return figure


@styled
def request() -> NotebookFigure:
    """The four times of a request, and the three durations between them."""
    figure = _figure(1.75)
    panel = figure.subplots()
    times = {"intended": 0.0, "sent": 12.0, "first byte": 42.0, "done": 50.0}
    for name, at in times.items():
        panel.plot([at, at], [0.25, 2.62], color=MUTED, linewidth=0.8, zorder=1)
        panel.text(at, 2.78, name, ha="center", color=INK, fontsize=9.5, fontweight="bold")
    for row, name, begin, end, color in (
        (2.0, "latency: what a user felt", "intended", "done", LATENCY),
        (1.0, "lag", "intended", "sent", LAG),
        (1.0, "service: the service and its network", "sent", "done", SERVICE),
    ):
        panel.barh(row, times[end] - times[begin], left=times[begin], height=0.72, color=color)
        middle = (times[begin] + times[end]) / 2
        ink = INK if color == LAG else PAPER
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "fontweight": "bold"}
        panel.text(middle, row, name, color=ink, **look)
    panel.set(xlim=(-3, 53), ylim=(0.2, 3.2))
    panel.axis("off")
    return figure


@styled
def intervals() -> NotebookFigure:
    """Intervals of the median of many runs, with and without regard to dependence."""
    figure = _figure(3.1)
    panels = figure.subplots(1, 2, sharey=True)
    for panel, found, name in zip(
        panels, (_as_if_independent(), _by_benchlab()), ("as if independent", "benchlab"),
        strict=True,
    ):  # fmt: skip
        true_ms = _PROCESS.true_ns(0.5) / 1e6
        dress(panel)
        panel.axhline(true_ms, color=INK, linewidth=0.9)
        for place, (low, high) in enumerate(found):
            missed = not low <= true_ms <= high
            panel.plot(
                [place, place], [low, high], color=ERROR if missed else LATENCY, linewidth=2.0
            )
        panel.set_title(f"{name}: {_held(found)} of {len(found)} hold the true median", **_LABEL)
        panel.set_xticks([])
        panel.set_xlabel(f"{len(found)} runs of the same service")
    panels[0].set_ylabel("95 % interval of p50 (ms)")
    figure.suptitle("Requests that depend on each other", **_TITLE)
    return figure


@styled
def verdicts() -> NotebookFigure:
    """The same latencies, once from a stall of the service and once from one of the generator."""
    figure = _figure(3.5)
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for column, (run, name) in enumerate(zip(_runs(), ("service", "generator"), strict=True)):
        at_s = run.measured.column("intended_ns") / NS_PER_S - run.plan.warmup_s
        _draw_dots(panels[0, column], at_s, run.measured.latency_ns, LATENCY)
        _draw_dots(panels[1, column], at_s, run.measured.service_ns, SERVICE, "service")
        _draw_dots(panels[1, column], at_s, run.measured.lag_ns, LAG, "lag")
        color = INK if run.verdict == "valid" else ERROR
        panels[0, column].set_title(f"the {name} stalls: {run.verdict}", color=color, **_LABEL)
        panels[1, column].legend(loc="upper right", handlelength=1.0)
        panels[1, column].set_xlabel("time since start (s)")
    panels[0, 0].set_ylabel("latency (ms)")
    panels[1, 0].set_ylabel("its parts (ms)")
    figure.suptitle(
        "The same latencies, and only one run says something about the service", **_TITLE
    )
    return figure


FIGURES: Mapping[str, Callable[[], NotebookFigure]] = {
    "open-and-closed-loop.svg": loops,
    "four-times.svg": request,
    "intervals.svg": intervals,
    "verdicts.svg": verdicts,
}
"""By file below docs/images, what draws it."""


def numbers() -> list[str]:
    """What the page says in words about the figures."""
    closed, opened = _closed(), _open()
    service, generator = _runs()
    return [
        f"{sum(done - due > 0.1 for due, done in closed)} of {len(closed)} requests",
        f"{sum(done - due > 0.1 for due, done in opened)} of {len(opened)} requests",
        f"{_held(_as_if_independent())} of {_RUNS}",
        f"{_held(_by_benchlab())} of {_RUNS}",
        f"about {_effective_requests():,} independent ones",
        f"p99 of {_p99_ms(service):.0f} ms",
        f"p99 of {_p99_ms(generator):.0f} ms",
        str(generator.invalid_reason),
        *{service.verdict, generator.verdict},
    ]


def draw_all(place: Path = IMAGES) -> None:
    """Write all figures into ``place``, the same bytes each time."""
    with mpl.rc_context({"svg.hashsalt": "benchlab", "svg.fonttype": "path"}):
        for name, draw in FIGURES.items():
            draw().savefig(place / name, metadata={"Date": None})


def _figure(height: float) -> NotebookFigure:
    return NotebookFigure(figsize=(8.6, height), layout=ConstrainedLayoutEngine(h_pad=0.05))


def _closed() -> list[tuple[float, float]]:
    """When each request of the only user was sent and done."""
    finish, found, now = _SERVICE.finisher(), [], 0.0
    while now < _SHOWN_S:
        done = finish(now)
        found.append((now, done))
        now = max(done, now + _EVERY_S)  # a pause, so that both loops send the same rate
    return found


def _open() -> list[tuple[float, float]]:
    """When each request was due and done."""
    finish = _SERVICE.finisher()
    return [(due, finish(due)) for due in np.arange(0, _SHOWN_S, _EVERY_S).tolist()]


def _draw_requests(panel: Axes, requests: list[tuple[float, float]]) -> None:
    dress(panel, grid="x")
    panel.axvspan(_STALL_S, _STALL_S + _STALL_LENGTH_S, color=MUTED, alpha=0.14, lw=0)
    for place, (due, done) in enumerate(requests, 1):
        panel.barh(place, done - due, left=due, height=0.62, color=LATENCY)
    panel.set(xlim=(0, 2.05), ylim=(len(_open()) + 0.8, 0.2), xlabel="time (s)")
    panel.tick_params(axis="y", length=0, labelleft=False)
    panel.text(
        _STALL_S + _STALL_LENGTH_S / 2, 0.62, "stall", ha="center", va="center", color=MUTED,
        fontsize=SMALL_PT,
    )  # fmt: skip


def _draw_dots(
    panel: Axes, at_s: NDArray[Any], durations_ns: NDArray[Any], color: str, label: str = ""
) -> None:
    dress(panel)
    panel.plot(at_s, durations_ns / 1e6, "o", color=color, markersize=3.2, mew=0, label=label)
    panel.yaxis.set_major_formatter(thousands())


@cache
def _runs() -> tuple[Run, Run]:
    """The same plan against a service that stalls, and by a generator that does."""
    whole = make_run(rate_rps=25, duration_s=10, warmup_s=1, lag_ns=60_000)
    records = whole.samples.records.copy()
    service_ns = records["done_ns"] - records["sent_ns"]
    begin, end = 6 * NS_PER_S, 6 * NS_PER_S + NS_PER_S // 2
    held = (records["intended_ns"] >= begin) & (records["intended_ns"] < end)
    stalled, late = records.copy(), records.copy()
    stalled["done_ns"][held] = end + service_ns[held]
    late["sent_ns"][held] = end
    late["done_ns"][held] = end + service_ns[held]
    for changed in (stalled, late):
        changed["first_byte_ns"] = changed["done_ns"] - 20_000
    first, second = (
        replace(whole, samples=Samples(changed, whole.samples.endpoints))
        for changed in (stalled, late)
    )
    return first, second


def _p99_ms(run: Run) -> float:
    return float(np.quantile(run.measured.latency_ns, 0.99, method="inverted_cdf")) / 1e6


@cache
def _series() -> list[tuple[Samples, int]]:
    drawn = [_PROCESS.draw(np.random.default_rng(seed), _REQUESTS) for seed in range(_RUNS)]
    return [(samples_of(series), series.end_ns) for series in drawn]


@cache
def _found() -> list[PercentileInterval]:
    return [percentile_intervals(samples, 0, end, [0.5])[0] for samples, end in _series()]


def _effective_requests() -> int:
    """The median of n_eff, to hundreds."""
    return int(np.median([interval.n_eff for interval in _found()]).round(-2))


def _by_benchlab() -> list[tuple[float, float]]:
    return [
        (interval.low_ns / 1e6, interval.high_ns / 1e6)
        for interval in _found()
        if interval.low_ns is not None and interval.high_ns is not None
    ]


@cache
def _as_if_independent() -> list[tuple[float, float]]:
    """Order statistics by the binomial distribution, which takes requests to be independent."""
    low, high = np.asarray(stats.binom.ppf([0.025, 0.975], _REQUESTS, 0.5)).astype(int)
    ordered = [np.sort(samples.latency_ns) / 1e6 for samples, _ in _series()]
    return [(float(values[low - 1]), float(values[high])) for values in ordered]


def _held(found: list[tuple[float, float]]) -> int:
    true_ms = _PROCESS.true_ns(0.5) / 1e6
    assert math.isfinite(true_ms)
    return sum(low <= true_ms <= high for low, high in found)


if __name__ == "__main__":
    draw_all()
