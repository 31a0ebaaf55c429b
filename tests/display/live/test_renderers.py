"""A live view as text, HTML and on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from html.parser import HTMLParser

from rich.console import Console

from benchlab.display.live import LiveView, live_html, live_line, live_markdown, live_text
from benchlab.display.live.live_view import Chart, Line, Number, Row
from benchlab.display.live.terminal import live_rich

VIEW = LiveView(
    title="GET /<b>",
    phase="measuring",
    done_ratio=0.25,
    done="5/20 s",
    left_s=14.2,
    numbers=(Number("rate", "50 requests/s"), Number("errors", "3", "bad")),
    charts=(
        Chart(
            title="latency",
            x=[0, 1],
            lines=(Line("p50", [1.0, 2.0]), Line("p99", [4.0, 9.0], "second")),
        ),
    ),
    rows=(Row("p99<5ms", "9 ms", False), Row("rate_rps>1", "–"), Row("a note")),
)


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def on_a_terminal(view: LiveView, width: int) -> list[str]:
    out = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with out.capture() as capture:
        out.print(live_rich(view))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_as_text() -> None:
    assert live_text(VIEW).splitlines() == [
        "GET /<b> · measuring",
        "█████░░░░░░░░░░░░░░░ 5/20 s · 15 s left",
        "rate 50 requests/s · errors 3",
        "latency p50 ▅█ 2",
        "latency p99 ▄█ 9",
        "✗ p99<5ms 9 ms",
        "· rate_rps>1 –",
        "a note",
    ]


def test_in_one_line_for_a_log() -> None:
    assert live_line(VIEW) == (
        "GET /<b> · measuring · 5/20 s · 15 s left · rate 50 requests/s · errors 3"
    )
    assert "\x1b" not in live_line(replace(VIEW, title="\x1b[31m"))


def test_as_html_everything_is_escaped_and_nothing_is_left_open() -> None:
    html = live_html(VIEW)
    assert "GET /&lt;b&gt;" in html
    assert "<b>GET" not in html
    parser = _Balance()
    parser.feed(html)
    assert parser.open == []
    assert 'aria-valuenow="25"' in html
    assert html.count("aria-label") == 3  # of the view, its progress and its charts
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_as_markdown_a_title_cannot_end_the_block() -> None:
    text = live_markdown(replace(VIEW, title="```\n# title"))
    assert text.count("```") == 2


def test_a_requested_stop_is_said_until_the_end() -> None:
    stopping = replace(VIEW, stop_requested=True)
    assert "stopping …" in live_html(stopping)
    assert "left" not in live_line(stopping)
    assert "stopped early" in live_text(replace(stopping, finished=True, phase="done"))


def test_on_a_terminal_lines_are_cut_not_wrapped() -> None:
    wide = on_a_terminal(VIEW, 100)
    narrow = on_a_terminal(replace(VIEW, title="x" * 200), 30)
    assert len(wide) == len(narrow)
    assert wide[0] == "GET /<b>"
    assert " measuring · " in wide[1], "whatever the length of the title"
    assert any("p99<5ms" in line for line in wide)
