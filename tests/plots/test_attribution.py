"""The figure of an attribution."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle

import benchlab as bl
from benchlab.analysis.attribution import Attribution, attribution_of
from benchlab.analysis.client_parts import client_parts
from benchlab.errors import InputError
from benchlab.runs.latency_parts import LatencyClass, LatencyParts, PartSum
from tests.runs.synthetic import make_run


def attribution(spans: int = 3) -> Attribution:
    """A slow tail below p99, in a span of the service."""
    classes = []
    for number, count in enumerate((4_000, 1_000, 1_000, 3_000, 900, 90, 10)):
        tail_ns = 9_000_000 if number > 4 else 0
        sums = {
            "lag": PartSum(count * 50_000, count),
            "connect": PartSum(count * 100_000, count // 9),
            "before_server": PartSum(count * 300_000, count),
            "server": PartSum(count * 700_000, count),
            "way_back": PartSum(count * 200_000, count),
        }
        below = {
            ("db", f"SELECT {each}"): PartSum(count * (tail_ns + 10_000), count)
            for each in range(spans)
        }
        total = sum(part.sum_ns for part in [*sums.values(), *below.values()])
        classes.append(LatencyClass(count, total, count, total, count, sums=sums, spans=below))
    return attribution_of(
        LatencyParts(
            run_id="0" * 16,
            name="orders",
            trace_ratio=1.0,
            classes=tuple(classes),
            thresholds_ns=(1, 2, 3, 4, 5, 6),
            tail_count=100,
            middle_count=2_000,
        )
    )


def bars(ax: Axes) -> Iterator[Rectangle]:
    yield from (patch for patch in ax.patches if isinstance(patch, Rectangle))


def test_a_bar_per_band_is_divided_into_all_of_its_latency() -> None:
    found = attribution()
    (ax,) = bl.plots.attribution(found).get_axes()
    ends: dict[float, float] = {}
    for bar in bars(ax):
        place = bar.get_y()
        assert bar.get_x() == pytest.approx(ends.get(place, 0.0))
        ends[place] = bar.get_x() + bar.get_width()
    assert list(ends.values()) == pytest.approx([100.0] * 5)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[3] == "p99–99.9\n90 requests"
    assert "28.4 ms" in [text.get_text() for text in ax.texts]
    assert "(%)" in ax.get_xlabel()


def _legend(figure: Figure) -> Legend:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return legend


def test_spans_beyond_the_first_few_are_drawn_as_one() -> None:
    figure = bl.plots.attribution(attribution(spans=9))
    names = [text.get_text() for text in _legend(figure).get_texts()]
    assert names.count("other spans") == 1
    assert len([name for name in names if name.startswith("db · ")]) == 5
    assert _legend(figure).get_texts()[0].get_text() == "generator lag"


def test_parts_of_one_colour_differ_in_grey_by_their_pattern() -> None:
    figure = bl.plots.attribution(attribution(spans=6))
    handles = _legend(figure).get_patches()
    looks = [(patch.get_facecolor(), patch.get_hatch()) for patch in handles]
    assert len(set(looks)) == len(looks)


def test_without_spans_and_without_requests() -> None:
    alone = attribution_of(client_parts(make_run(rate_rps=400)))
    (ax,) = bl.plots.attribution(alone).get_axes()
    assert "without spans" in " ".join(text.get_text() for text in ax.texts)
    empty = attribution_of(client_parts(make_run(count=100), force=True), force=True)
    (ax,) = bl.plots.attribution(empty).get_axes()
    assert "no samples" in [text.get_text() for text in ax.texts]
    with pytest.raises(InputError, match="not an attribution"):
        bl.plots.attribution(make_run())  # type: ignore[arg-type]
