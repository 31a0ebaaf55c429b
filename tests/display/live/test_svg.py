"""The charts of a live view."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from benchlab.display.live import LiveView, live_svg
from benchlab.display.live.live_view import (
    MOST_POINTS,
    Axis,
    Band,
    Chart,
    Line,
    Mark,
    Point,
    Span,
    thinned,
)

NAN = math.nan
NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(*charts: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(live_svg(LiveView(title="", phase="", charts=charts)))


def lines(chart: Chart) -> list[str]:
    """The paths of the lines, which are the only ones with round ends."""
    paths = drawn(chart).iter(f"{NAMESPACE}path")
    return [path.attrib["d"] for path in paths if path.get("stroke-linecap") == "round"]


def texts(chart: Chart) -> list[str]:
    return ["".join(text.itertext()) for text in drawn(chart).iter(f"{NAMESPACE}text")]


def heights(path: str) -> list[float]:
    return [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_it_is_well_formed_and_escaped_whatever_the_names() -> None:
    name = "<script>&\"'"
    chart = Chart(
        title=name,
        x=[0.0, 1.0],
        lines=(Line(name, [1.0, 2.0]), Line(name, [2.0, NAN])),
        marks=(Mark(name, y=1.0), Mark(name, x=0.5)),
        x_axis=Axis(name),
        y_axis=Axis(name),
    )
    assert texts(chart)[0].startswith(name)
    assert "<script" not in live_svg(LiveView(title=name, phase=name, charts=(chart,)))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("points", [0, 1, 300, 10_000])
def test_its_size_is_always_the_same(count: int, points: int) -> None:
    chart = Chart(
        title="rate",
        x=[float(at) for at in range(points)],
        lines=(Line("rate", [at % 7.0 for at in range(points)]),),
    )
    svg = drawn(*[chart] * count)
    assert svg.attrib["viewBox"] == "0 0 900 264"
    assert len(svg) == count
    (path,) = lines(chart)
    assert len(heights(path)) <= MOST_POINTS


def test_peaks_stay_when_points_are_thinned() -> None:
    values = [1.0] * 1000
    values[777] = 50.0
    assert max(thinned(values)) == 50.0
    assert len(thinned(values)) <= MOST_POINTS


def test_a_line_has_gaps_where_nothing_was_measured() -> None:
    (path,) = lines(Chart(title="", x=[0.0, 1, 2, 3, 4], lines=(Line("", [1, 2, NAN, 3, NAN]),)))
    assert path.count("M") == 2
    assert len(heights(path)) == 3


def test_an_axis_covers_what_is_known_beforehand() -> None:
    half = Chart(
        title="", x=[0.0, 5.0], lines=(Line("", [0.0, 40.0]),), x_axis=Axis("s", most=10.0)
    )
    (path,) = lines(half)
    right = max(float(x) for x, _ in re.findall(r"([\d.]+) ([\d.]+)", path))
    assert right < 500  # in the middle of 900
    assert "10 s" in texts(half)
    low, high = sorted(heights(path))
    assert low > 22  # there is room above
    assert high == 246  # 0 is at the bottom


def test_without_values_there_are_axes_that_say_so() -> None:
    assert "nothing measured yet" in texts(Chart(title="rate", lines=(Line("", []),)))
    assert "nothing measured yet" in texts(Chart(title="rate", x=[1.0], lines=(Line("", [NAN]),)))


def test_a_limit_far_above_leaves_something_to_see() -> None:
    def highest(limit: float) -> float:
        measured = Line("", [3.0, 4.0])
        chart = Chart(title="", x=[0.0, 1.0], lines=(measured,), marks=(Mark("limit", y=limit),))
        return min(heights(lines(chart)[0]))

    assert highest(10.0) > highest(500.0)  # which is not shown
    assert highest(500.0) < 134  # in the upper half


def test_logarithmic_axes_take_what_is_above_zero() -> None:
    chart = Chart(
        title="",
        points=(Point(10, 2.0, "good"), Point(90, 70.0, "bad"), Point(50, 0.0)),
        marks=(Mark("limit", y=50.0), Mark("nowhere", x=-1.0)),
        x_axis=Axis("requests/s", log=True),
        y_axis=Axis("ms", log=True),
    )
    shown = texts(chart)
    assert {"10", "20", "50", "100 requests/s", "2", "limit"} <= set(shown)
    assert "nowhere" not in shown
    assert len(list(drawn(chart).iter(f"{NAMESPACE}circle"))) == 2


def test_a_band_is_cut_where_the_chart_ends() -> None:
    band = Band([-900.0, -3.0, NAN], [900.0, 3.0, NAN])
    chart = Chart(
        title="", x=[1, 2, 3], lines=(Line("", [0, 1, 1]),), band=band, y_axis=Axis("%", -10, 10)
    )
    (area,) = (p for p in drawn(chart).iter(f"{NAMESPACE}path") if p.get("fill-opacity"))
    assert min(heights(area.attrib["d"])) == 22
    assert max(heights(area.attrib["d"])) == 246


def test_spans_are_shaded_as_far_as_the_chart_goes() -> None:
    chart = Chart(
        title="",
        x=[0, 10],
        lines=(Line("", [0, 1]),),
        spans=(Span(2, 4, "<latency>"), Span(8, name="error"), Span(11, 12, "later")),
        x_axis=Axis("s", most=10),
    )
    shaded = [p for p in drawn(chart).iter(f"{NAMESPACE}path") if p.get("fill-opacity")]
    edges = [[float(x) for x in re.findall(r"[MH]([\d.]+)", p.attrib["d"])] for p in shaded]
    first, second = edges
    assert first[1] - first[0] == pytest.approx(second[1] - second[0], abs=0.2)  # 2 s each
    assert {"<latency>", "error"} <= set(texts(chart))
    assert "later" not in texts(chart)
