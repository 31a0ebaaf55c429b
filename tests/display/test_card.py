from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from attrs import evolve

from benchlab.display.card import run_card
from benchlab.display.text import floor_text
from benchlab.plan.request import Request
from benchlab.samples.examples import make_example
from tests.runs.floors import make_floor
from tests.runs.synthetic import URL, edge_cases, make_run

HOSTILE = '<script>alert("1")</script>'


class Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong place; collects names and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Balance:
    parser = Balance()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("name", edge_cases())
def test_every_run_has_a_card_that_names_its_verdict(name: str) -> None:
    run = edge_cases()[name]
    card = read(run_card(run))
    assert run.verdict in card.text
    assert run.id in card.text
    if run.invalid_reason:
        assert run.invalid_reason in card.text


def test_only_results_are_coloured() -> None:
    requests = [Request("GET", URL, name=name) for name in ("met", "broken")]
    card = run_card(make_run(requests=requests, slo=["p99[met]<9s", "error_count<0"]))
    assert card.count('bl-good"') == card.count('bl-bad"') == 1
    assert '<td class="bl-text bl-good">met</td>' in card
    assert '<td class="bl-text bl-bad">broken</td>' in card


def test_a_card_has_hint_warnings_and_floor() -> None:
    environment = {"clock_source": "hpet", "calibration": {"floor": make_floor().to_dict()}}
    run = make_run(lag_ns=15_000_000, environment=environment)
    text = read(run_card(run)).text
    assert f"Hint: {run.hint}" in text
    assert len(run.warnings) == 1
    assert all(warning in text for warning in run.warnings)
    assert floor_text(run) in text
    assert "not calibrated on this host" in read(run_card(make_run())).text


def test_a_card_has_plan_numbers_and_picture() -> None:
    card = read(run_card(make_run(stall=True, errors=True)))
    for expected in (
        "POST http://127.0.0.1:8000/api/vector/add",
        "open loop of 100 requests/s",
        "10 s measured after 1 s of warm-up",
        "1,000",
        "30 (3.00 %)",
        "status 20, reset 10",
        "p99.9",
        "service time",
    ):
        assert expected in card.text
    assert {"table", "svg"} <= card.seen


def test_texts_are_escaped_and_nothing_is_loaded() -> None:
    request = Request("GET", "http://host/<script>", name=HOSTILE)
    example = make_example("check", HOSTILE, 1, 2, 200, HOSTILE, (), HOSTILE.encode())
    run = make_run(requests=[request, evolve(request, name="b")], name=HOSTILE)
    html = run_card(replace(run, examples=(example,)))
    assert read(html).seen.isdisjoint({"script", "img", "link", "iframe"})
    assert read(html).text.count(HOSTILE) == 5
    assert "url(" not in html
    assert "href" not in html


def test_a_mix_is_named_by_its_requests() -> None:
    both = [Request("GET", f"http://host/{part}") for part in "ab"]
    text = read(run_card(make_run(requests=both, name=""))).text
    assert "GET /a, GET /b" in text
    assert "mix of 2 requests at http://host" in text


def test_passwords_are_hidden() -> None:
    run = make_run(requests=[Request("GET", "http://me:secret@host/")])
    assert "secret" not in run_card(run)


def test_each_of_several_requests_has_a_row() -> None:
    requests = [Request("GET", URL, name="read"), Request("POST", URL, name="<write>")]
    card = run_card(make_run(requests=requests))
    assert '<th scope="row">read</th>' in card
    assert '<th scope="row">&lt;write&gt;</th>' in card
    assert "endpoint" not in run_card(make_run())
