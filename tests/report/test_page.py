from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from benchlab.display.banner import banner_of
from benchlab.display.text import floor_text
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, Replay
from benchlab.plan.tracing import trace_id
from benchlab.plots import style
from benchlab.report import write_report
from benchlab.report.figures import PLOT_COLORS
from benchlab.report.page import Section, render_page
from benchlab.report.run_page import render_run_page
from benchlab.report.sections.durations import percentile_table
from benchlab.report.sections.extra import Extra
from benchlab.report.sections.generator import generator
from benchlab.report.sections.server import client_server
from benchlab.report.sections.slowest import slowest
from benchlab.runs.health import WorkerHealth
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.examples import make_example
from benchlab.units import NS_PER_S
from tests.display.results.test_sweep import make_sweep
from tests.report.blank_figures import blank_figures
from tests.runs.floors import make_floor
from tests.runs.synthetic import (
    RUN_ID,
    URL,
    edge_cases,
    join_server,
    make_buckets,
    make_run,
    make_trace,
)
from tests.samples.long import as_if_long

HOSTILE = "\"'><script>alert(1)</script>&amp;"
VOID = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """Tags, attributes, ids and visible text of a page; fails where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script", "svg"):
            self.text += data

    def attribute(self, name: str) -> list[str]:
        return [str(attrs[name]) for _, attrs in self.tags if name in attrs]


def page_of(run: Run, server: ServerSide | None = None, **extras: Extra) -> Page:
    return Page(render_run_page(run, files=["summary.csv"], server_side=server, extras=extras))


def page_without_pictures(run: Run, server: ServerSide | None = None, **extras: Extra) -> Page:
    """The page with empty pictures."""
    with blank_figures():
        return page_of(run, server, **extras)


def text_of(section: Section | None) -> str:
    """What one section shows. Of a page, the figures are what takes time."""
    assert section is not None
    return Page(section.render()).text


@cache
def plain_page(*, errors: bool = False) -> Page:
    """That of a run without anything special, rendered once for all tests."""
    return page_of(make_run(errors=errors))


@cache
def full_page() -> Page:
    """That of a run with a stall, errors and spans, rendered once for all tests."""
    run = make_run(stall=True, errors=True)
    return page_of(run, ServerSide(join_server(run)))


@pytest.mark.parametrize("name", edge_cases())
def test_any_run_has_a_page_with_its_verdict(name: str) -> None:
    run = edge_cases()[name]
    page = page_of(run, ServerSide(join_server(run), TraceCoverage(1000, 1000)))
    assert f"verdict {banner_of(run).level}" in page.attribute("class")
    if run.invalid_reason:
        assert run.invalid_reason in page.text
    for section in ("What was run", "Against what", "Over time", "Errors", "Run it again"):
        assert section in page.text


def test_a_page_shows_what_was_run() -> None:
    run = make_run(
        stall=True,
        errors=True,
        trace_ratio=1.0,
        tags={"branch": "main"},
        environment={
            "host": "bench-1",
            "cpu_model": "Fast 9000",
            "memory_bytes": 2**34,
            "load_average_before": [0.5, 1.0],
            "packages": {"uvloop": "0.21", "httpx": None},
            "git_dirty": False,
            "cpu_governor": None,
            "target": {"server": "uvicorn"},
        },
        workers=[WorkerHealth(0, 0.23, connections_opened=12, servers=("nginx/1.27",))],
    )
    page = page_without_pictures(run, ServerSide(join_server(run), TraceCoverage(1000, 999)))
    for expected in (
        "POST http://127.0.0.1:8000/api/vector/add",
        "2026-11-03 14:02:11 UTC",
        "open loop of 100 requests/s at equal intervals",
        "10 s measured after 1 s of warm-up",
        "opened as needed, at most 1,000; 12 were opened",
        "1, driver http",
        "every request asked to be traced",
        "branch = main",
        "127.0.0.1 port 8000 (http)",
        "uvicorn",
        "Fast 9000",
        "16.0 GiB",
        "0.50, 1.00",
        "uvloop 0.21",
        "uncommitted changes there",
        "nginx/1.27",
        '{"a":[1,2],"b":[3,4]}',
        "latency, successful only",
        "Server spans for 999 of 1,000 sampled requests (99.90 %).",
        "outside the server",
        f"{RUN_ID}0000",
        "the service reset the connection",
        "23 %",
        "benchlab run http://127.0.0.1:8000/api/vector/add",
        "duration_s = 10.0",
    ):
        assert expected in page.text, expected
    assert "frequency governor" not in page.text
    assert "Spans are missing" not in page.text


def test_the_floor_is_shown_beside_the_percentiles() -> None:
    without = plain_page()
    assert "No floor: not calibrated on this host: run benchlab calibrate." in without.text
    assert "floor 0.6" not in without.text
    carried = {"calibration": {"floor": make_floor().to_dict()}}
    run = make_run(environment=carried)
    page = page_without_pictures(run)
    for expected in (
        "half of all requests took longer, floor 0.600 ms",
        "1 request in 100 took longer, floor 1.09 ms",
        f"Beside the floor of this machine: {floor_text(run)}.",
    ):
        assert expected in page.text, expected
    table = percentile_table(run)
    assert table is not None
    assert list(table.head) == [
        "ms",
        "latency",
        "95 % interval",
        "floor",
        "service time",
        "lag",
        "n_eff",
    ]
    assert "calibration" not in page.text.partition("What was run")[2]


def test_hints_warnings_and_the_proof_that_nothing_was_dropped() -> None:
    run = make_run(lag_ns=15_000_000, environment={"clock_source": "hpet"})
    text = page_without_pictures(run).text
    assert f"Hint: {run.hint}." in text
    assert "Warning: the kernel's clock source is hpet" in text
    assert (
        "No request was dropped: the 1,100 records, warm-up included, have no gap in their"
        " sequence numbers, and the schedule's 1,000 requests of the measured window all have one"
    ) in text
    short = text_of(generator(make_run(count=1_099)))
    assert "The schedule has 1,000 requests in the measured window and 999 were recorded." in short
    closed = text_of(generator(make_run(load=ClosedLoop(2))))
    assert "No request was dropped: the 1,100 records" in closed
    stopped = text_of(generator(make_run(stopped_ns=4 * NS_PER_S)))
    assert "No request was dropped: the 400 records" in stopped


def test_the_headline_numbers_are_those_of_the_run() -> None:
    run = make_run(errors=True)
    numbers = re.findall(r'class="number"><span>(.*?)</span>', plain_page(errors=True).html)
    latency = run.summary.latency_ns
    assert latency is not None
    assert numbers == [
        f"{latency.p50 / 1e6:.2f}",
        f"{latency.p99 / 1e6:.1f}",
        f"{run.summary.rate_rps:,.1f}",
        "30",
    ]


def test_nothing_is_loaded_from_anywhere() -> None:
    run = make_run(stall=True, errors=True, trace_ratio=1.0)
    page = page_of(run, ServerSide(join_server(run)), F=Figure(), T="http://x.test")
    kinds = {tag for tag, _ in page.tags}
    assert kinds.isdisjoint({"img", "iframe", "object", "embed", "base", "form"})
    for name in ("src", "srcset", "action", "data", "poster", "xlink:href"):
        assert page.attribute(name) == []
    links = {link for link in page.attribute("href") if not link.startswith("#")}
    assert links == {"summary.csv", "data:,"}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "@import" not in page.html
    assert set(re.findall(r"url\(.", page.html)) <= {"url(#"}
    assert "w3.org" not in page.html


def test_ids_are_unique_and_references_resolve() -> None:
    page = full_page()
    ids = page.attribute("id")
    assert len(ids) == len(set(ids))
    references = re.findall(r"url\(#([^)]+)\)", page.html)
    references += [link[1:] for link in page.attribute("href") if link.startswith("#")]
    assert references
    assert set(references) <= set(ids)


def test_foreign_text_is_escaped() -> None:
    requests = [
        Request(
            "GET", "http://host/<script>alert(1)</script>", headers={"X": HOSTILE}, name=HOSTILE
        ),
        Request("POST", "http://host/b", body=HOSTILE, name=HOSTILE + "2"),
    ]
    run = make_run(
        requests=requests,
        name=HOSTILE,
        tags={HOSTILE: HOSTILE},
        environment={HOSTILE: HOSTILE, "target": {HOSTILE: [HOSTILE]}},
        workers=[WorkerHealth(0, clock=HOSTILE, problem=HOSTILE)],
        errors=True,
        trace_ratio=0.5,
    )
    example = make_example("check", HOSTILE, 1, 2, 200, HOSTILE, [("X", HOSTILE)], HOSTILE.encode())
    run = replace(run, examples=(example,))
    extras: dict[str, Extra] = {HOSTILE: HOSTILE, "table": pd.DataFrame({HOSTILE: [HOSTILE]})}
    page = page_of(
        run,
        ServerSide(join_server(run), TraceCoverage(10, 1)),
        **extras,
    )
    assert page.html.count("<script") == 1
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert page.text.count(HOSTILE) >= 16


def test_foreign_text_does_not_turn_round_what_stands_beside_it() -> None:
    page = render_page("a\u202eb", [Section("result_header", {"title": "c\u202ed\x1b"})])
    assert "\u202e" not in page
    assert "<h1>c\ufffdd\ufffd</h1>" in page


def test_without_durations_the_figure_has_its_place_beside_the_text() -> None:
    assert "columns table-first" in plain_page().attribute("class")
    assert "columns table-first" not in page_without_pictures(make_run(count=0)).attribute("class")


def test_results_that_are_added_are_shown_whole() -> None:
    first, second = make_sweep(connections=[1, 2, 4]), make_sweep(workers=[1, 2, 4])
    page = page_of(make_run(), first=first, second=second)
    for text in ("sweep of x.ipynb over connections", "sweep of x.ipynb over workers"):
        assert text in page.text
    ids = page.attribute("id")
    assert len(ids) == len(set(ids))
    alone = page_of(make_run())
    added = [sum(tag == "svg" for tag, _ in each.tags) for each in (page, alone)]
    assert added[0] - added[1] == 2


def test_failures_that_are_alike_are_shown_once() -> None:
    examples = [
        make_example("status", "a", seq, NS_PER_S * 2, 503, "the status is 503", (), b"busy", 4)
        for seq in range(5)
    ]
    examples.append(make_example("connect", "a", 7, NS_PER_S * 3, 0, "refused \x1b[31m"))
    examples.append(make_example("check", "a", 8, NS_PER_S * 3, 200, "odd", (), b"x" * 4000, 9000))
    page = page_of(replace(make_run(errors=True), examples=tuple(examples)))
    assert "What went wrong" in page.text
    assert page.html.count('<article class="failure">') == 3
    assert "refused \ufffd[31m" in page.text
    assert "status 503 · request #0, intended at 2.000 s" in page.text
    assert "Body, 4 B" in page.text
    assert "Start of the body, 8.8 KiB in all" in page.text
    assert "4 more like these are stored with the run" in page.text
    assert "What went wrong" not in plain_page(errors=True).text


def test_figures_take_the_colours_of_the_page() -> None:
    page = full_page()
    for color, name in PLOT_COLORS.items():
        assert f"--plot-{name}: {color}" in page.html  # the light theme is the figures' palette
        assert page.html.count(f"--plot-{name}: ") == 2  # and the dark one has its own
    drawn = "".join(re.findall(r'style="[^"]*"', page.html))
    assert re.findall(r"#[0-9a-fA-F]{6}", drawn) == []
    plain = [c for c in vars(style).values() if str(c).startswith("#")]
    assert sorted(PLOT_COLORS) == sorted([*plain, *style.HEAT])


def test_figures_and_tables_can_be_read_aloud() -> None:
    page = full_page()
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) == 8
    for attrs in pictures:
        assert attrs["role"] == "img"
        assert len(str(attrs["aria-label"])) > 30
    tables = [tag for tag, _ in page.tags if tag in ("table", "caption")]
    assert tables.count("table") == tables.count("caption") >= 5
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags


def test_missing_spans_are_a_warning() -> None:
    run = make_run()
    assert (
        "Spans are missing"
        not in page_without_pictures(run, ServerSide(coverage=TraceCoverage(20_000, 19_998))).text
    )
    spread = text_of(client_server(run, ServerSide(coverage=TraceCoverage(20_000, 19_900))))
    assert "Spans are missing. The 100 missing ones are spread over the run" in spread
    text = text_of(client_server(run, ServerSide(coverage=TraceCoverage(20_000, 19_999))))
    assert "19,999 of 20,000 sampled requests (99.99 %)" in text  # never rounded up to 100 %
    none = text_of(client_server(run, ServerSide(coverage=TraceCoverage(10, 0))))
    assert "No server spans were found" in none
    nothing = page_without_pictures(run, ServerSide(pd.DataFrame(columns=["seq"])))
    for untraced in (plain_page(), nothing):
        assert "Client and server" not in untraced.text


def test_sections_without_content_are_left_out() -> None:
    plain = plain_page().text
    assert "None of the measured 1,000 requests failed" in plain
    assert "successful only" not in plain
    assert "By endpoint" not in plain
    assert "p99.9 is the slowest" not in plain
    few = page_without_pictures(make_run(count=50, warmup_s=0)).text
    assert "With 50 requests, p99.9 is the slowest of them" in few
    both = [Request("GET", URL), Request("GET", URL + "/b", weight=2)]
    several = page_without_pictures(make_run(requests=both)).text
    assert "By endpoint" in several
    assert "weight 2" in several
    assert "cannot express this plan" in several


def test_of_very_many_requests_the_first_are_shown_and_all_are_in_the_plan() -> None:
    requests = [Request("GET", f"{URL}{number}", name=f"r{number}") for number in range(99)]
    text = page_without_pictures(make_run(requests=requests)).text
    assert "74, all of them in the plan file below" in text
    assert "and 74 more, which have the fewest failures and requests" in text
    assert f"GET {URL}98" not in text
    assert f'url = "{URL}98"' in text


def test_of_recorded_arrivals_only_the_first_are_shown() -> None:
    text = page_without_pictures(
        make_run(load=Replay([k / 100 for k in range(1000)]), warmup_s=0)
    ).text
    assert "replay of 1,000 recorded arrivals" in text
    assert "980 more arrival times are left out" in text
    assert "put them back before use" in text


def test_the_slowest_requests_are_listed_slowest_first() -> None:
    run = make_run(stall=True, trace_ratio=0.5)
    html = page_without_pictures(run).html
    table = html[html.index("Slowest requests") :].split("</table>")[0]
    cells = re.findall(r'</th><td data-value="([\d.]+)">', table)
    latencies = [float(cell) for cell in cells]
    assert latencies == sorted(latencies, reverse=True)
    assert latencies[0] == round(run.measured.latency_ns.max() / 1e6)
    assert table.count("<tr>") == 11
    assert "not traced" in table


def test_the_slowest_requests_are_those_of_all_blocks() -> None:
    run = make_run(stall=True, equal=True)
    whole = slowest(run, ServerSide())
    assert whole is not None
    with as_if_long(16):
        assert slowest(run, ServerSide()) == whole


def test_waits_for_connections_and_closed_loops_are_explained() -> None:
    waited = text_of(generator(make_run(workers=[WorkerHealth(0, cap_wait_count=1234)])))
    assert "1,234 requests waited because every allowed connection was in use" in waited
    closed = page_without_pictures(make_run(load=ClosedLoop(8), lag_ns=0)).text
    assert "closed loop of 8 connections" in closed
    assert "what 8 connections achieved" in closed
    assert "No worker reported on itself" in text_of(generator(make_run(workers=[])))


def test_an_interrupted_run_shows_how_far_it_came() -> None:
    text = page_without_pictures(make_run(stopped_ns=4 * NS_PER_S)).text
    assert "3 s measured after 1 s of warm-up, then stopped early: 10 s were planned" in text


def test_extra_sections_hold_text_tables_and_figures() -> None:
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    long = pd.DataFrame({"n": np.arange(500), "x": [float("nan"), *np.arange(499) / 3]})
    page = page_of(make_run(), Notes="one\ntwo", Rows=long, Mine=figure)
    assert "one\ntwo" in page.text
    assert "300 more rows are left out here" in page.text
    assert "–" in page.text
    assert "Mine" in page.attribute("aria-label")


def test_a_report_of_a_million_requests_stays_small(tmp_path: Path) -> None:
    run = make_run(rate_rps=100_000, duration_s=10, warmup_s=0, stall=True, errors=True)
    assert len(run.samples) == 1_000_000
    page = write_report(run, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 500_000
    assert page.stat().st_size < 300_000


def test_the_slowest_traced_request_and_the_metric_are_shown_where_there_are_any() -> None:
    run = make_run(trace_ratio=1.0)
    text = page_of(run, ServerSide(slowest=(make_trace(run),), histogram=make_buckets(run))).text
    assert "What the service counted" in text
    assert "The slowest request with server spans" in text
    assert trace_id(run.id, 0) in text
    nothing = ServerSide(slowest=(make_trace(run, depth=0),))
    for page in (page_without_pictures(run), page_without_pictures(run, nothing)):
        assert "What the service counted" not in page.text
        assert "with server spans" not in page.text


def test_spans_that_are_longer_than_their_requests_are_explained() -> None:
    run = make_run(trace_ratio=1.0)
    joined = join_server(run)
    assert "below 0" not in page_without_pictures(run, ServerSide(joined)).text
    joined.loc[:2, "network_ms"] = -0.1
    expected = "For 3 of 1,000 requests the server's span is longer than the client's service time"
    assert expected in page_without_pictures(run, ServerSide(joined)).text
