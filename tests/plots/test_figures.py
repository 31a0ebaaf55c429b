from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from benchlab import plots
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, Stages
from benchlab.plots import style
from benchlab.plots.canvas import NotebookFigure
from tests.runs.synthetic import (
    RUN_ID,
    URL,
    edge_cases,
    join_server,
    make_buckets,
    make_run,
    make_trace,
)

OF_A_RUN = [
    plots.heatmap,
    plots.histogram,
    plots.in_flight,
    plots.percentiles,
    plots.steady_state,
    plots.timeline,
]
names_and_functions = pytest.mark.parametrize("draw", OF_A_RUN, ids=lambda draw: draw.__name__)


def texts(figure: Figure) -> str:
    return "\n".join(
        text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()
    )


def png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


@names_and_functions
@pytest.mark.parametrize("name", edge_cases())
def test_any_run_can_be_drawn(draw: Callable[..., Figure], name: str) -> None:
    run = edge_cases()[name]
    shown = texts(draw(run))  # pages of the same runs render them, in tests/report
    assert run.name in shown
    assert ("INVALID" in shown) == (run.verdict == "invalid")
    assert ("INTERRUPTED" in shown) == (run.verdict == "interrupted")
    if run.verdict != "valid":
        assert str(run.invalid_reason)[:30] in shown
    if len(run.samples) == 0:
        assert "no samples" in shown


@pytest.mark.parametrize("name", edge_cases())
def test_any_join_can_be_drawn(name: str) -> None:
    run = edge_cases()[name]
    joined = join_server(run)
    shown = texts(plots.client_server(joined, run=run))
    assert run.name in shown
    assert ("no samples" in shown) == (len(joined) == 0)
    figure = plots.client_server(joined)
    figure.draw_without_rendering()
    assert (RUN_ID in texts(figure)) == (len(joined) > 0)


@pytest.mark.parametrize("name", edge_cases())
def test_the_metric_beside_any_run_can_be_drawn(name: str) -> None:
    run = edge_cases()[name]
    buckets = make_buckets(run)
    figure = plots.server_histogram(run, buckets)
    assert png(figure)
    shown = texts(figure)
    assert run.name in shown
    assert ("no samples" in shown) == (len(run.measured) == 0)
    assert "no samples" in texts(plots.server_histogram(run, buckets.iloc[:0]))


def test_the_metric_and_the_samples_are_both_drawn_whole() -> None:
    run = make_run(stall=True)
    figure = plots.server_histogram(run, make_buckets(run))
    shown = texts(figure)
    assert "1,000 measured by the client" in shown
    assert "1,100 counted by the service" in shown
    filled = [patch.get_data().values.sum() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert filled == pytest.approx([100] * 4)


def test_a_bucket_of_the_metric_is_drawn_where_it_is() -> None:
    run = make_run(equal=True)
    buckets = make_buckets(run)
    (axes,) = plots.server_histogram(run, buckets).axes
    counts, edges, _ = axes.patches[0].get_data()  # type: ignore[attr-defined]
    (place,) = np.flatnonzero(counts)
    bounds = [buckets["lower_ms"][0], buckets["upper_ms"][0]]
    assert list(edges[place : place + 2]) == pytest.approx(bounds)
    median_ms = axes.lines[0].get_xdata()[0]  # type: ignore[index]
    assert axes.get_xlim()[0] <= bounds[0] < median_ms < bounds[1]


def test_a_service_so_fast_that_it_counts_zeros_can_be_drawn() -> None:
    buckets = pd.DataFrame({"lower_ms": [0.0], "upper_ms": [0.0], "count": [7]})
    assert png(plots.server_histogram(make_run(), buckets))


@pytest.mark.parametrize("name", [name for name, run in edge_cases().items() if len(run.samples)])
def test_any_trace_can_be_drawn(name: str) -> None:
    run = edge_cases()[name]
    trace = make_trace(run)
    figure = plots.waterfall(trace, run=run)
    assert png(figure)
    shown = texts(figure)
    assert run.name in shown
    assert ("INVALID" in shown) == (run.verdict == "invalid")
    for expected in (trace.trace_id, "client · add", "vector.add", "error: unequal", "(ms)"):
        assert expected in shown
    assert png(plots.waterfall(make_trace(run, depth=0)))


def test_spans_of_another_clock_are_drawn_within_the_request() -> None:
    run = make_run()
    ours, theirs = (plots.waterfall(make_trace(run, late_ms=late_ms)) for late_ms in (0.2, 5_000))
    assert "clocks" not in texts(ours)
    assert "clocks" in texts(theirs)
    assert theirs.axes[0].get_xlim()[1] < 100


def test_a_waterfall_stays_within_its_bounds() -> None:
    figure = plots.waterfall(make_trace(make_run(), depth=50))
    assert "20 more spans are left out" in texts(figure)
    assert figure.get_size_inches()[1] < 20


def test_of_many_spans_those_that_failed_or_took_longest_are_drawn() -> None:
    trace = make_trace(make_run(), depth=100)
    spans = trace.spans.assign(
        parent_span_id=["", *[trace.spans["span_id"][0]] * 99],
        span_name=["all of it", *(f"part {number}." for number in range(1, 100))],
        duration_ms=[0.9, *[0.001] * 97, 0.8, 0.0005],  # the last one failed
    )
    shown = texts(plots.waterfall(replace(trace, spans=spans)))
    order = [shown.index(name) for name in ("client", "all of it", "part 98.", "part 99.")]
    assert order == sorted(order)
    assert "part 97." not in shown


def test_spans_without_a_request_or_in_a_circle_are_drawn() -> None:
    trace = make_trace(make_run(), depth=3)
    alone = replace(trace, request=None)
    shown = texts(plots.waterfall(alone))
    assert "the first span began" in shown
    assert "client" not in shown
    circle = trace.spans.assign(parent_span_id=list(trace.spans["span_id"][[2, 0, 1]]))
    assert texts(plots.waterfall(replace(alone, spans=circle))).count("vector.add") == 2
    assert png(plots.waterfall(trace, Figure().add_subplot()))


def test_a_failed_request_names_its_error() -> None:
    run = make_run(errors=True)
    assert "status 503" in texts(plots.waterfall(make_trace(run, seq=0)))
    assert "reset" in texts(plots.waterfall(make_trace(run, seq=25)))


def test_axes_name_their_units() -> None:
    run = make_run(errors=True)
    assert "latency (ms)" in texts(plots.histogram(run))
    assert "duration (ms)" in texts(plots.percentiles(run))
    for expected in ("requests/s", "latency (ms)", "errors/s", "time since start (s)", "warm-up"):
        assert expected in texts(plots.timeline(run))
    assert "duration (ms)" in texts(plots.client_server(join_server(run)))


def test_percentiles_go_as_deep_as_the_count_supports() -> None:
    for count, last in ((5, "50 %"), (10, "90 %"), (999, "99 %"), (1000, "99.9 %"), (1, "50 %")):
        run = make_run(count=count, warmup_s=0)
        labels = [label.get_text() for label in plots.percentiles(run).axes[0].get_xticklabels()]
        assert labels[-1] == last


def test_a_varying_rate_is_drawn_beside_the_achieved_one() -> None:
    shape = Stages([(4, 200), (6, 0)], start_rps=50, arrivals="poisson")
    figure = plots.timeline(make_run(load=shape, warmup_s=1))
    assert "planned" in texts(figure)
    drawn = [
        np.asarray(line.get_xydata()).tolist()
        for line in figure.findobj(Line2D)
        if isinstance(line, Line2D) and line.get_label() == "planned"
    ]
    assert [[1, 50], [5, 200], [5, 200], [11, 0]] in drawn
    assert "planned" not in texts(plots.timeline(make_run()))


def test_the_histogram_draws_every_request() -> None:
    run = make_run(stall=True, errors=True)
    steps = plots.histogram(run).axes[0].patches
    assert [int(step.get_data().values.sum()) for step in steps] == [1000, 30]  # type: ignore[attr-defined]


def test_a_closed_loop_has_no_curve_of_lag() -> None:
    run = make_run(load=ClosedLoop(4), lag_ns=0, equal=True)
    assert "lag" not in texts(plots.percentiles(run))
    assert "sent" in texts(plots.timeline(run))


@names_and_functions
def test_a_given_axes_is_drawn_on_and_its_figure_returned(draw: Callable[..., Figure]) -> None:
    figure = Figure(figsize=(12, 4))
    left, right = figure.subplots(1, 2)
    assert draw(make_run(), ax=right) is figure
    assert right.get_title(loc="left")
    assert not left.get_title(loc="left")
    assert png(figure)


def test_a_join_is_drawn_on_a_given_axes() -> None:
    figure = Figure()
    assert plots.client_server(join_server(make_run()), figure.add_subplot()) is figure


@names_and_functions
def test_markup_in_a_name_is_drawn_as_text(draw: Callable[..., Figure]) -> None:
    names = ["$x^{", "日本 \U0001f680", "a\nb\tc", "x" * 500, "%s {0} \\frac"]
    run = make_run(name="$x^{\\frac", requests=[Request("GET", URL, name=name) for name in names])
    is_of_one = draw in (plots.heatmap, plots.steady_state)
    figure = draw(run, endpoint=names[0]) if is_of_one else draw(run, by="endpoint")
    assert png(figure)


def test_text_is_fitted_to_what_the_font_has() -> None:
    assert style.plain("a\n  b", 10) == "a b"
    assert style.plain("日本", 10) == "\ufffd\ufffd"
    assert style.plain("abcdef", 4) == "abc…"
    assert style.plain("µs – “quoted” … × ≥", 40) == "µs – “quoted” … × ≥"


@names_and_functions
def test_the_users_settings_neither_matter_nor_change(draw: Callable[..., Figure]) -> None:
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "figure.dpi": 31, "lines.color": "r"}):
        before = dict(mpl.rcParams)
        figure = draw(make_run())
        assert dict(mpl.rcParams) == before
    assert figure.dpi == 100


def test_a_figure_shows_itself_at_twice_its_pixels() -> None:
    figure = plots.histogram(make_run())
    assert isinstance(figure, NotebookFigure)
    data, metadata = figure._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")
    height = 390 + round(100 * figure._foot_in)
    assert metadata["image/png"] == {"width": 720, "height": height}


def test_an_empty_join_needs_no_columns() -> None:
    assert "no samples" in texts(plots.client_server(pd.DataFrame()))


def test_the_public_names() -> None:
    assert plots.__all__ == [
        "attribution",
        "capacity",
        "client_server",
        "comparison",
        "ecdf",
        "explanation",
        "fidelity",
        "heatmap",
        "histogram",
        "in_flight",
        "percentiles",
        "resilience",
        "scalability",
        "server_histogram",
        "steady_state",
        "streams",
        "sweep",
        "sweep_heatmap",
        "timeline",
        "trend",
        "waterfall",
    ]


@pytest.mark.parametrize(("rate_rps", "drawn"), [(100, ["p50", "p99"]), (60, ["p50"])])
def test_a_p99_is_drawn_where_it_is_not_the_maximum(rate_rps: int, drawn: list[str]) -> None:
    run = make_run(rate_rps=rate_rps, duration_s=10, warmup_s=0)
    curves = [
        line for line in plots.timeline(run).findobj(Line2D) if np.size(line.get_xdata()) == 10
    ]
    assert {"p50", "p99"} & {line.get_label() for line in curves} == set(drawn)
