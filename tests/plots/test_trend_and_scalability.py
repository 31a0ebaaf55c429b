"""The figures of a history and of scalability: what is drawn, and that any result can be."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from benchlab import plots
from benchlab.analysis.scalability import scalability
from benchlab.experiments.trend import trend_of
from tests.experiments.histories import ENVIRONMENT, drawn_ms, history_of
from tests.plots.test_figures import png, texts
from tests.statistics.test_usl import RAYTRACER, SDM91


def test_the_law_is_drawn_with_its_interval_peak_and_points() -> None:
    figure = plots.scalability(scalability(*SDM91))
    (axes,) = figure.axes
    assert png(figure).startswith(b"\x89PNG")
    assert "peak at 96.5" in texts(figure)
    assert any(isinstance(item, PolyCollection) for item in axes.collections)
    points = next(line for line in axes.lines if line.get_label() == "measured")
    assert list(np.asarray(points.get_xdata())) == list(SDM91[0])
    assert axes.get_xlim()[1] > 216


@pytest.mark.parametrize(
    ("load", "throughput", "has_peak"),
    [
        (*RAYTRACER, False),
        (RAYTRACER[0][:6], RAYTRACER[1][:6], True),
        ([1, 2, 4], [10, 18, 28], True),
        ([1, 2, 4, 8], [10, 21, 44, 90], False),
        ([100, 200, 300, 400], [50, 40, 30, 20], True),
    ],
    ids=["no peak", "peak beyond", "no interval", "no contention", "falling"],
)
def test_any_scalability_can_be_drawn(
    load: list[float], throughput: list[float], has_peak: bool
) -> None:
    figure = plots.scalability(scalability(load, throughput))
    assert png(figure)
    assert ("peak" in texts(figure)) == has_peak


def test_a_trend_marks_changes_and_breaks() -> None:
    values = drawn_ms(60, step=1.2, at=30)
    runs = history_of(values, environments={10: {**ENVIRONMENT, "cpu_count": 8}})
    result = trend_of(runs, "nightly", "p99")
    figure = plots.trend(result)
    assert png(figure)
    shown = texts(figure)
    for expected in ("regression", "nightly", "latency p99 (ms)", "worse", "another host or plan"):
        assert expected in shown
    assert f"{100 * (result.changes[0].ratio - 1):+.1f} %" in shown  # type: ignore[operator]
    (axes,) = figure.axes
    mark = next(line for line in axes.lines if line.get_label() == "worse")
    assert list(np.asarray(mark.get_xdata())) == [30]


@pytest.mark.parametrize("metric", ["p50", "rate_rps", "error_ratio"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_any_trend_can_be_drawn(metric: str, count: int) -> None:
    figure = plots.trend(trend_of(history_of(drawn_ms(count)), "nightly", metric))
    assert png(figure)
    assert ("no samples" in texts(figure)) == (count == 0)


def test_intervals_of_runs_are_drawn_where_they_are_known() -> None:
    runs = history_of(drawn_ms(5))
    for run in runs:
        figures = dict(run.figures)
        figures |= {"latency_p99_low_ns": 9e6, "latency_p99_high_ns": 11e6}
        object.__setattr__(run, "figures", figures)
    assert "run, with its interval" in texts(plots.trend(trend_of(runs, "nightly", "p99")))
