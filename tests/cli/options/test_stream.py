"""The options that read responses as streams."""

from __future__ import annotations

import shlex

import pytest

from benchlab.errors import InputError
from benchlab.plan.checks import Check, EventContains, EventCount, EventJson
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop
from benchlab.plan.stream import Stream
from benchlab.plan.toml.writer import plan_to_toml
from benchlab.report.command import command_line
from tests.cli.options.test_run import URL, plan_of
from tests.plan.toml.texts import plan_of as read_plan

ALL = ("--stream", "events", "--stream-events", "10", "--stream-time", "5s", "--stall", "200ms")
WHOLE = Stream("events", max_events=10, max_s=5, stall_s=0.2, rows=True)


def test_options_make_a_stream() -> None:
    assert plan_of(*ALL, "--stream-rows").requests[0].stream == WHOLE
    assert plan_of("--stream", "chunks").requests[0].stream == Stream("chunks")
    assert plan_of().requests[0].stream is None


def test_options_make_checks_of_events() -> None:
    plan = plan_of(
        "--stream", "events", "--expect-events", "3", "--expect-event", "a",
        "--expect-last-event", "[DONE]", "--expect-event-json", "n=1",
        "--expect-last-event-json", "m=x",
    )  # fmt: skip
    assert plan.requests[0].checks == (
        EventCount(3),
        EventContains("a"),
        EventJson("n", 1),
        EventContains("[DONE]", of="last"),
        EventJson("m", "x", of="last"),
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--stream-events", "10"), "add --stream events"),
        (("--stream-rows",), "add --stream events"),
        (
            ("--stream", "events", "--expect-event-json", "n"),
            "--expect-event-json 'n' has no equals",
        ),
        (("--expect-events", "1"), "read the response as a stream too"),
        (("--stream", "events", "--stream-events", "0"), "max_events|--stream-events"),
        (("--stream", "events", "--stream-time", "10s"), "give more than 10s"),
        (("--stream", "chunks", "--driver", "httpx"), "use http"),
        (("--stream", "events", "--retry", "3"), "no part of a stream is sent again"),
    ],
)
def test_what_cannot_be_read_is_refused(options: tuple[str, ...], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        plan_of(*options)


def test_a_command_line_that_reads_the_same() -> None:
    checks: list[Check] = [
        EventCount(3),
        EventContains("a", "last"),
        EventJson("n", {"x": 1}, "last"),
    ]
    request = Request("GET", URL, stream=WHOLE, checks=checks)
    plan = Plan([request], ClosedLoop(64), duration_s=10, warmup_s=2)
    command = command_line(plan)
    assert command is not None
    _benchlab, _run, url, *options = shlex.split(command.replace("\\\n", " "))
    assert url == URL
    assert plan_of(*options) == plan
    assert {"--stream-rows", "--stall"} <= set(options)


def test_a_plan_file_that_reads_the_same() -> None:
    request = Request("GET", URL, stream=WHOLE, checks=EventJson("n", 1))
    plan = Plan([request], ClosedLoop(64))
    text = plan_to_toml(plan)
    assert "max_events = 10" in text
    assert "null" not in text
    assert read_plan(text) == plan
    for written in ("max_s = 5", "stall_s = 0.2"):
        assert written in text
    assert read_plan(text.replace("max_s = 5", 'max = "5s"')) == plan
    short = '[[requests]]\nurl = "http://h/"\nstream = "chunks"\n'
    assert read_plan(short).requests[0].stream == Stream("chunks")
    with pytest.raises(InputError, match=r"did you mean max_events"):
        read_plan(text.replace("max_events", "max_event"))
