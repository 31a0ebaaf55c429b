"""The forest plot of a comparison."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from benchlab import plots
from tests.display.results.test_comparison import MORE_ERRORS, comparison

SLOWER = comparison("slower", 1.123, 1.101, 1.142)
CASES = {
    "slower": SLOWER,
    "faster": comparison("faster", 0.5, 0.4, 0.6),
    "same": comparison("same", 1.003, 0.995, 1.011),
    "inconclusive": comparison("inconclusive", 1.01, 0.97, 1.05),
    "no interval": comparison("inconclusive", 1.3, design="single_runs"),
    "undefined": comparison("inconclusive", None),
    "beyond the axis": comparison("slower", 3.0, 1.1, 1e9),
    "errors": comparison("slower", 0.5, 0.4, 0.6, errors=MORE_ERRORS, reason="errors"),
}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def lines(figure: Figure) -> list[Line2D]:
    return [item for item in figure.findobj(Line2D) if isinstance(item, Line2D)]


@pytest.mark.parametrize("name", CASES)
def test_any_comparison_can_be_drawn_and_names_its_verdicts(name: str) -> None:
    result = CASES[name]
    figure = plots.comparison(result)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
    shown = texts(figure)
    assert result.metrics["p50"].verdict in shown
    assert any(result.verdict in text for text in shown)
    assert "p50 (primary)" in shown


def test_intervals_and_threshold_are_where_they_belong() -> None:
    figure = plots.comparison(SLOWER)
    interval = next(line for line in lines(figure) if len(np.asarray(line.get_xdata())) == 2
                    and list(np.asarray(line.get_ydata())) == [0, 0])  # fmt: skip
    assert list(np.asarray(interval.get_xdata())) == [1.101, 1.142]
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    band = ax.patches[0].get_window_extent().transformed(ax.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((1 / 1.02, 1.02))
    assert ax.get_xlabel() == "ratio, new ÷ base (change in %)"


def test_an_interval_beyond_the_axis_ends_in_an_arrow() -> None:
    markers = [line.get_marker() for line in lines(plots.comparison(CASES["beyond the axis"]))]
    assert ">" in markers


def test_verdicts_differ_in_form_and_not_by_colour_alone() -> None:
    marks = set()
    for name in ("slower", "faster", "same", "inconclusive"):
        drawn = lines(plots.comparison(CASES[name]))
        marks.add(next(line.get_marker() for line in drawn if _is_estimate(line)))
    assert len(marks) == 4


def _is_estimate(line: Line2D) -> bool:
    return (
        list(np.atleast_1d(np.asarray(line.get_ydata()))) == [0]
        and str(line.get_marker()) in "^voD"
    )
