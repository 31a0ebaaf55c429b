from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchlab import plots
from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.plots.canvas import legend_pt, open_axes
from benchlab.plots.series import labels_of
from benchlab.plots.style import LOOKS
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from tests.plots.examples import mixed_run
from tests.plots.test_figures import texts
from tests.runs.synthetic import URL, join_server, make_run

SIDE_BY_SIDE = [plots.histogram, plots.in_flight, plots.percentiles, plots.timeline]
each_figure = pytest.mark.parametrize("draw", SIDE_BY_SIDE, ids=lambda draw: draw.__name__)


def other(number: int, **changes: object) -> Run:
    return replace(make_run(**changes), id=f"0193f0a1b2c3d4{number:02x}")  # type: ignore[arg-type]


def legend_of(figure: Figure) -> list[str]:
    for ax in figure.findobj(Axes):
        assert isinstance(ax, Axes)
        if legend := ax.get_legend():
            return [text.get_text() for text in legend.get_texts()]
    return []


def looks_of(figure: Figure) -> list[str]:
    for ax in figure.findobj(Axes):
        assert isinstance(ax, Axes)
        if legend := ax.get_legend():
            handles = [handle for handle in legend.legend_handles if handle is not None]
            return [
                to_hex(handle.get_color() if isinstance(handle, Line2D) else handle.get_edgecolor())  # type: ignore[attr-defined]
                for handle in handles
            ]
    return []


@each_figure
def test_drawing_again_on_an_axes_gives_what_drawing_together_gives(
    draw: Callable[..., Figure],
) -> None:
    first, second = other(1, name="first"), other(2, name="second", lag_ns=900_000)
    together = draw([first, second])
    ax = open_axes(None, (7.2, 3.9))
    mine = ax.axvline(1, color="k")
    draw(first, ax)
    after = draw(second, ax)
    assert legend_of(after) == legend_of(together) == ["first", "second"]
    assert looks_of(after) == looks_of(together) == [LOOKS[0].color, LOOKS[1].color]
    kinds = [sorted(type(item).__name__ for item in fig.findobj()) for fig in (after, together)]
    assert len(kinds[0]) == len(kinds[1]) + 1
    assert mine in ax.lines
    assert legend_of(draw(first, ax)) == ["first", "second"]  # not a third


@each_figure
def test_endpoints_are_series_with_a_limit(draw: Callable[..., Figure]) -> None:
    figure = draw(mixed_run(), by="endpoint")
    assert legend_of(figure) == [f"GET /api/v1/customers/orders/{name}" for name in "abcdef"]
    assert "2 more not drawn" in texts(figure)
    with pytest.raises(InputError, match="7 series are too many for one axes: 6 is the most"):
        draw([other(number) for number in range(7)])
    with pytest.raises(InputError, match="by='route' must be 'endpoint' or 'target'"):
        draw(mixed_run(), by="route")


@pytest.mark.parametrize(
    "draw", [*SIDE_BY_SIDE, plots.heatmap, plots.ecdf], ids=lambda draw: draw.__name__
)
def test_a_figure_of_one_endpoint_has_its_requests_alone(draw: Callable[..., Figure]) -> None:
    run = mixed_run(2)
    runs = [run, run] if draw is plots.ecdf else [run]
    name = "GET /api/v1/customers/orders/b"
    shown = texts(draw(*runs, endpoint=name))
    assert name in shown
    assert "1,000 " in shown
    with pytest.raises(InputError, match=r"endpoint='/c' is not an .*orders/a', .*orders/b'\]"):
        draw(*runs, endpoint="/c")


def test_of_many_endpoints_those_with_most_requests_are_drawn_in_their_order() -> None:
    run = mixed_run()
    records = run.samples.records.copy()
    records["endpoint"][:1500][records["endpoint"][:1500] == 2] = 7
    seldom = replace(run, samples=Samples(records, run.samples.endpoints))
    drawn = legend_of(plots.percentiles(seldom, by="endpoint"))
    assert [label[-1] for label in drawn] == list("abdefh")


def test_targets_are_series() -> None:
    run = make_run(
        requests=[
            Request("GET", f"http://127.0.0.1:{port}/{path}", name=f"{path}{target}")
            for port, target in ((1, " @ old"), (2, " @ new"))
            for path in "ab"
        ]
    )
    assert legend_of(plots.percentiles(run, by="target")) == ["old", "new"]
    addresses = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    plain = make_run(requests=[Request("GET", each, name=each[-1]) for each in addresses])
    assert legend_of(plots.percentiles(plain, by="target")) == addresses
    mixed = make_run(requests=[Request("GET", each, name="same") for each in addresses])
    with pytest.raises(InputError, match="requests named 'same' go to several"):
        plots.percentiles(mixed, by="target")


def test_runs_are_told_apart_by_name_or_tags_or_id() -> None:
    named = [other(1, name="a"), other(2, name="b")]
    assert labels_of(named, ["", ""]) == ["a", "b"]
    tags: list[dict[str, str]] = [{"branch": "main", "n": "1"}, {"branch": "fast", "n": "1"}]
    tagged = [other(number, tags=each) for number, each in enumerate(tags)]
    assert labels_of(tagged, ["", ""]) == ["branch=main", "branch=fast"]
    same = [other(1), other(2)]
    assert labels_of(same, ["", ""]) == ["run 0193f0a1b2c3d401", "run 0193f0a1b2c3d402"]
    assert labels_of([*named, named[0]], ["x", "x", ""]) == ["a · x", "b · x", "a"]
    long = [f"GET /{'long/' * 20}{name}" for name in "ab"]
    labels = labels_of([same[0]] * 2, long)
    assert [label[-2:] for label in labels] == ["/a", "/b"]
    assert max(map(len, labels)) <= 30


def test_a_legend_takes_as_few_rows_as_fit() -> None:
    wide, narrow = (open_axes(None, (width, 4)) for width in (9.6, 3))
    labels = ["GET /api/orders"] * 6
    assert legend_pt(wide, labels[:1]) == legend_pt(wide, labels[:4]) < legend_pt(wide, labels)
    assert legend_pt(wide, labels) < legend_pt(narrow, labels)
    assert legend_pt(wide, []) == 0


def test_a_figure_that_cannot_be_drawn_beside_another_replaces_it() -> None:
    ax = open_axes(None, (7.2, 3.9))
    plots.heatmap(other(1, name="first"), ax)
    shown = texts(plots.heatmap(other(2, name="second"), ax))
    assert "second" in shown
    assert "first" not in shown


def test_an_ecdf_marks_the_gap_exactly() -> None:
    base, new = make_run(warmup_s=0), other(1, lag_ns=1_040_000, warmup_s=0)
    figure = plots.ecdf(base, new)
    gap = [np.sort(run.measured.latency_ns)[[500, 990]] / 1e6 for run in (base, new)]
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert [list(line.get_xdata()) for line in reversed(lines)] == np.transpose(gap).tolist()  # type: ignore[arg-type]
    assert f"p50: {gap[0][0]:.2f} ms → {gap[1][0]:.2f} ms" in texts(figure)
    few = plots.ecdf(make_run(count=50, warmup_s=0), make_run(count=50, warmup_s=0))
    assert "p99" not in texts(few)


def test_an_ecdf_pools_the_runs_of_a_side_and_stays_small() -> None:
    runs = [other(number, rate_rps=250) for number in range(3)]
    figure = plots.ecdf(runs[:2], runs[2])
    assert legend_of(figure)[0] == "base: 2 runs"
    assert "5,000 and 2,500 requests" in texts(figure)
    assert max(len(line.get_xdata()) for line in figure.axes[0].lines) <= 2_001  # type: ignore[arg-type]
    with pytest.raises(InputError, match="new: has no runs"):
        plots.ecdf(runs, [])
    with pytest.raises(InputError, match="duration='p99' is not a duration"):
        plots.ecdf(runs, runs, duration="p99")  # type: ignore[arg-type]


def test_a_join_of_one_endpoint_is_drawn_alone() -> None:
    run = make_run(requests=[Request("GET", URL, name=name) for name in ("even", "odd")])
    joined = join_server(run)
    shown = texts(plots.client_server(joined, endpoint="odd"))
    assert "odd · 500 requests with a server span" in shown
    with pytest.raises(InputError, match=r"there are \['even', 'odd'\]"):
        plots.client_server(joined, endpoint="other")


def test_bars_of_percentiles_are_their_intervals() -> None:
    run = make_run(rate_rps=900)
    rng = np.random.default_rng(5)
    records = run.samples.records.copy()
    records["done_ns"] = records["sent_ns"] + rng.exponential(2e6, len(records)).astype(np.int64)
    run = replace(run, samples=Samples(records, run.samples.endpoints))
    figure = plots.percentiles(run)
    bars = {
        round(float(line.get_xdata()[0]), 6): list(line.get_ydata())  # type: ignore[index,arg-type]
        for line in figure.axes[0].lines
        if len(line.get_xdata()) == 2  # type: ignore[arg-type]
    }
    for ratio in (0.5, 0.9, 0.99):
        interval = run.percentile_interval(ratio)
        assert interval.high_ns is not None
        assert bars[round(1 / (1 - ratio), 6)] == [interval.low_ns / 1e6, interval.high_ns / 1e6]  # type: ignore[operator]
    assert "95 % interval" in texts(figure)
    assert "95 % interval" not in texts(plots.percentiles(make_run(count=3, warmup_s=0)))


def test_the_limit_of_connections_is_drawn_where_it_is_near() -> None:
    near = make_run(stall=True, max_connections=110)
    assert "limit of 110 connections" in texts(plots.in_flight(near))
    assert "limit" not in texts(plots.in_flight(make_run(stall=True)))
