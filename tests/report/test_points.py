"""The points of figures that a page shows beside the pointer."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchlab import plots
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import inline_svg
from benchlab.report.points import points_of
from tests.report.kinds import result_of
from tests.runs.synthetic import make_run


def drawn(figure: Figure) -> list[dict[str, Any]]:
    figure.savefig(io.StringIO(), format="svg")
    return points_of(figure)


@pytest.fixture
def ax() -> Axes:
    """Of a figure of 4 by 2 inches that its axes fill."""
    ax = Figure(figsize=(4, 2)).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 4), ylim=(0, 2), xlabel="time (s, since the start)", ylabel="rate (ms)\nthin")
    return ax


def test_places_are_points_from_the_upper_left_corner_and_texts_have_units(ax: Axes) -> None:
    ax.plot([0, 2, 3, 9], [0, 1, np.nan, 1], label="a")
    assert drawn(ax.figure) == [  # type: ignore[arg-type]
        {
            "x": "time",
            "y": "rate",
            "series": [["a", [[0, 144, "0 s", "0 ms"], [144, 72, "2 s", "1 ms"]]]],
        }
    ]


def test_steps_are_ranges_and_lines_across_the_axes_and_those_without_a_name_are_left_out(
    ax: Axes,
) -> None:
    ax.stairs([1, 2], [0, 1000, 2000], label="steps")
    ax.set_xlim(0, 4000)
    ax.axvline(1, label="median")
    ax.plot([1], [1])
    ((name, points),) = drawn(ax.figure)[0]["series"]  # type: ignore[arg-type]
    assert name == "steps"
    assert [point[2] for point in points] == ["0 to 1,000 s", "1,000 to 2,000 s"]
    assert points[0][0] == 36


def test_of_many_points_some_are_left_out_and_never_the_highest(ax: Axes) -> None:
    values = np.full(1000, 0.5)
    values[123] = 1.75
    ax.plot(np.linspace(0, 4, 1000), values, label="many")
    ((_, points),) = drawn(ax.figure)[0]["series"]  # type: ignore[arg-type]
    assert 60 <= len(points) <= 61
    assert "1.75 ms" in [point[3] for point in points]


def test_a_figure_writes_its_own_values(ax: Axes) -> None:
    ax.fmt_xdata = lambda value: f"run {value:.0f}"
    ax.plot([1], [1], label="a")
    assert drawn(ax.figure)[0]["series"][0][1][0][2] == "run 1"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("attribution", ("the server itself", "50.72 %", "p50–90, 4,000 requests")),
        ("capacity", ("good", "90 requests/s", "20 ms", "within limit")),
        ("comparison", ("p50: same", "95 % interval +0 % to +0 %")),
        ("scalability", ("measured", "64", "310")),
        ("trend", ("worse", "0000000000000014, 2026-01-21 02:00", "13 ms")),
    ],
)
def test_the_figures_of_results_have_points(name: str, texts: tuple[str, ...]) -> None:
    figure = getattr(plots, name)(result_of(name))
    shown = json.dumps(drawn(figure), ensure_ascii=False)
    for text in texts:
        assert text in shown


def test_percentiles_are_written_as_such() -> None:
    ((panel),) = drawn(plots.percentiles(make_run()))
    assert panel["x"] == "percentile of requests"
    names = [name for name, _ in panel["series"]]
    assert names == ["latency", "service time", "lag of the generator"]
    assert panel["series"][0][1][0][2:] == ["0 %", "1.046 ms"]


def test_names_cannot_leave_the_attribute() -> None:
    name = "\"'><script>alert(1)</script>&amp;"
    figure = Figure()
    figure.add_subplot().plot([1, 2], label=name)
    html = inline_svg(figure, "a", "described")
    (data,) = re.findall(r" data-points='([^']*)'", html)
    assert "<" not in data
    assert ">" not in data
    plain = data.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
    assert json.loads(plain.replace("&amp;", "&"))[0]["series"][0][0] == name


def test_a_figure_says_at_its_foot_where_its_numbers_come_from() -> None:
    run = make_run()
    for axes in (open_axes(None, (5.6, 3.7)), open_axes(None, (10, 3))):
        figure = plots.histogram(run, axes)
        height = figure.get_size_inches()[1]
        assert plots.histogram(run, axes).get_size_inches()[1] == height  # drawn again: once
        (foot,) = figure.texts
        assert foot.get_text().replace("\n", " · ").startswith(f"run {run.id} (valid) · POST ")
    _, own = plt.subplots()
    plots.histogram(run, own)
    assert not own.figure.texts  # a figure of the user's has the room that they gave it
    plt.close("all")
