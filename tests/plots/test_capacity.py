"""The figure of a capacity."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from benchlab import plots
from benchlab.analysis.capacity import CurvePoint
from benchlab.errors import InputError
from tests.display.results.test_capacity import make_capacity
from tests.plots.test_figures import texts

CURVE = (CurvePoint(20, 1.0, 1.0, 1.0), CurvePoint(90, 1.0, 0.9, 1.0), CurvePoint(110, 0.4, 0, 0.5))


def drawn(**options: Any) -> Figure:
    figure = plots.capacity(make_capacity(curve=CURVE, **options))
    figure.savefig(io.BytesIO(), format="png")
    return figure


def test_axes_have_units_and_probes_their_marks() -> None:
    figure = drawn()
    for text in (
        "latency (ms)",
        "within limit (%)",
        "rate (requests/s)",
        "limit 50 ms",
        "GET /items",
    ):
        assert text in texts(figure)
    top = figure.axes[0].child_axes[0]
    legend = top.get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["good", "bad", "load generator gave way"]
    markers = {line.get_label(): line.get_marker() for line in top.get_lines()}
    assert markers["good"] != markers["bad"] != markers["load generator gave way"]


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({}, "Capacity: 99.88 requests/s (98.4 to 101.2)"),
        ({"rate_high": None, "limited_by": "budget"}, "Capacity: 99.88 requests/s or more"),
        ({"rate_high": None, "limited_by": "budget"}, "limited by: budget · GET /items"),
        ({"rate_rps": None, "rate_low": 0.0}, "no good probe"),
        ({"rate_rps": None, "rate_low": 0.0, "rate_high": None, "probes": ()}, "no good probe"),
        ({"limit_ns": None, "rate_high": 9e4}, "99.88"),
    ],
)
def test_any_capacity_can_be_drawn(options: dict[str, Any], title: str) -> None:
    assert title in texts(drawn(**options))


def test_the_axis_ends_at_the_probes_and_not_at_a_wide_interval() -> None:
    top = drawn(rate_high=1e6).axes[0].child_axes[0]
    assert top.get_xlim()[1] < 300


def test_the_arrow_to_higher_rates_lies_within_the_axes() -> None:
    probes = make_capacity().probes
    last = max(probe.rate_rps for probe in probes)
    probes = (replace(probes[0], rate_rps=last / 100), *probes)
    figure = drawn(rate_rps=last, rate_high=None, probes=probes)
    top = figure.axes[0].child_axes[0]
    (arrow,) = (text for text in top.texts if isinstance(text, Annotation) and text.arrow_patch)
    start = top.transData.transform((last, 1.0))[0]
    assert start + arrow.get_position()[0] * figure.dpi / 72 <= top.bbox.x1


def test_a_given_axes_is_drawn_on() -> None:
    ax = Figure(figsize=(8, 5)).add_subplot()
    assert plots.capacity(make_capacity(), ax) is ax.get_figure()


def test_what_is_no_capacity_is_refused() -> None:
    with pytest.raises(InputError, match="of the type int and not a capacity"):
        plots.capacity(3)  # type: ignore[arg-type]
