"""The page of a report: everything a reader sees, from a run to HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import jinja2
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from benchlab import plots
from benchlab.display.text import OBJECTIVE_HEAD, floor_in_words, objective_rows, verdict_in_words
from benchlab.plan.toml import plan_to_toml
from benchlab.plots.canvas import open_axes
from benchlab.redact import public_url
from benchlab.report import facts, numbers
from benchlab.report.command import command_line, command_notes
from benchlab.report.examples import exhibits, left_out_note
from benchlab.report.figures import inline_svg
from benchlab.runs.run import Run
from benchlab.runs.trace import Trace
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.units import format_count, format_ms, format_ratio
from benchlab.version import __version__

__all__ = ["Extra", "render_page"]

Extra: TypeAlias = pd.DataFrame | Figure | str

_ROWS_SHOWN = 200
_OFFSETS_SHOWN = 20
_HALF_WIDTH = (5.3, 3.9)  # inches at which text has the size of the page's small print
_WIDE = (10.6, 3.4)
_SIZES = {"timeline": (10.6, 5.0)}


def render_page(
    run: Run,
    *,
    files: Sequence[str],
    joined: pd.DataFrame | None = None,
    coverage: TraceCoverage | None = None,
    server_histogram: pd.DataFrame | None = None,
    trace: Trace | None = None,
    extra: Mapping[str, Extra] | None = None,
) -> str:
    """HTML of the report. ``files`` are the names of the tables that stand beside it."""
    template, css = _assets()
    shown = exhibits(run)
    return template.render(
        css=Markup(css),
        run=run,
        stats=run.summary,
        version=__version__,
        request_line=f"{run.plan.requests[0].method} {public_url(run.url)}",
        more_requests=len(run.plan.requests) - 1,
        started=f"{run.started_at.day} {run.started_at:%B %Y, %H:%M:%S %Z}".strip(),
        meaning=verdict_in_words(run),
        error_note=_error_note(run),
        tiles=numbers.tiles(run),
        objectives=numbers.Table(OBJECTIVE_HEAD, objective_rows(run)),
        broken_count=sum(not result.met for result in run.objectives),
        percentiles=numbers.percentile_table(run),
        percentile_note=_percentile_note(run),
        floor=floor_in_words(run),
        errors=numbers.error_rows(run),
        exhibits=shown,
        exhibits_note=left_out_note(run, shown),
        endpoints=numbers.endpoint_table(run),
        figures=_figures(run),
        phases=numbers.phase_table(run),
        reuse=numbers.reuse_in_words(run),
        slowest=numbers.slowest_table(run, joined),
        waterfall=_waterfall(run, trace),
        server=_server(run, joined, coverage),
        counted=_counted(run, server_histogram),
        plan_facts=facts.plan_facts(run),
        target_facts=facts.target_facts(run),
        machine_facts=facts.machine_facts(run),
        generator_facts=facts.generator_facts(run),
        workers=numbers.worker_table(run),
        plan_file=plan_to_toml(run.plan, _OFFSETS_SHOWN),
        command=command_line(run.plan),
        command_notes=command_notes(run.plan),
        files=files,
        extra=[
            _extra(index, title, item) for index, (title, item) in enumerate((extra or {}).items())
        ],
    )


@cache
def _assets() -> tuple[jinja2.Template, str]:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchlab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    assert environment.loader is not None
    css = environment.loader.get_source(environment, "report.css")[0]
    return environment.get_template("report.html.j2"), css


def _error_note(run: Run) -> str:
    stats = run.summary
    if stats.error_count == 0:
        return ""
    return (
        f"{format_count(stats.error_count)} of {format_count(stats.count)} requests failed"
        f" ({format_ratio(stats.error_ratio)}). Failed requests count in every number"
        " that is not marked “successful only”."
    )


def _percentile_note(run: Run) -> str:
    count = run.summary.count
    if 0 < count < 1000:
        return (
            f"With {count:,} requests, p99.9 is the slowest of them; it takes 1,000 or more"
            " to tell the two apart."
        )
    return ""


def _figures(run: Run) -> dict[str, Markup]:
    latency = run.summary.latency_ns
    numbers_said = (
        "There are no samples."
        if latency is None
        else f"Median {format_ms(latency.p50)}, 99th percentile {format_ms(latency.p99)},"
        f" maximum {format_ms(latency.max)}."
    )
    described = {
        "timeline": "Rate, latency and errors over the time of the run.",
        "histogram": "Histogram of latencies.",
        "percentiles": "Latency, service time and lag by percentile.",
    }
    return {
        name: inline_svg(
            getattr(plots, name)(run, open_axes(None, _SIZES.get(name, _HALF_WIDTH))),
            name,
            f"{description} {numbers_said}",
        )
        for name, description in described.items()
    }


def _server(
    run: Run, joined: pd.DataFrame | None, coverage: TraceCoverage | None
) -> dict[str, Any] | None:
    frame = pd.DataFrame() if joined is None else joined
    coverage = coverage or TraceCoverage(0, 0)
    if len(frame) == 0 and coverage.sampled == 0:  # nothing was traced
        return None
    figure = None
    if len(frame):
        figure = inline_svg(
            plots.client_server(frame, open_axes(None, _HALF_WIDTH), run=run),
            "server",
            "Distributions of client latency and of server span time of the same requests.",
        )
    return {
        "coverage": f"Server {coverage.describe()}." if coverage.sampled else "",
        "incomplete": not coverage.enough,
        "cause": coverage.cause(),
        "table": numbers.server_table(frame),
        "figure": figure,
    }


def _counted(run: Run, buckets: pd.DataFrame | None) -> Markup | None:
    """The service's own metric beside the client's service times; None where it has none."""
    if buckets is None or len(buckets) == 0 or len(run.measured) == 0:
        return None
    figure = plots.server_histogram(run, buckets, open_axes(None, _WIDE))
    described = "Distributions of client service time and of the durations that the service counted"
    return inline_svg(figure, "counted", f"{described}.")


def _waterfall(run: Run, trace: Trace | None) -> Markup | None:
    if trace is None or len(trace.spans) == 0:
        return None
    rows = min(1 + len(trace.spans), 31)
    figure = plots.waterfall(trace, open_axes(None, (_WIDE[0], 1.5 + 0.44 * rows)), run=run)
    described = f"The slowest traced request and the {len(trace.spans)} spans that servers made"
    return inline_svg(figure, "waterfall", f"{described} of it.")


def _extra(index: int, title: str, item: Extra) -> dict[str, Any]:
    if isinstance(item, Figure):
        return {"title": title, "figure": inline_svg(item, f"extra{index}", title)}
    if isinstance(item, pd.DataFrame):
        shown = item.head(_ROWS_SHOWN)
        cells = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
        table = numbers.Table([str(name) for name in shown.columns], cells)
        return {"title": title, "table": table, "left_out": len(item) - len(shown)}
    return {"title": title, "text": str(item)}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:,.6g}"
    return str(value)
