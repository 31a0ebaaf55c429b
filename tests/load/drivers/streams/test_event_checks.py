"""Checks on the events of a stream."""

from __future__ import annotations

import pytest

from benchlab.load.drivers.streams.event_checks import EventChecker, EventChecks
from benchlab.plan.checks import Check, EventContains, EventCount, EventJson, StatusIn
from benchlab.plan.request import Request

JSON = [b'{"n": 1}', b'{"n": 1, "last": true}']

CASES: list[tuple[list[Check], list[bytes], str]] = [
    ([], [b"x"], ""),
    ([], [], "the stream has no event"),
    ([StatusIn(200)], [b""], ""),
    ([EventCount(2)], [b"x", b"y"], ""),
    ([EventCount(2), EventCount(1)], [b"x"], "the stream has 1 event, and at least 2 must come"),
    ([EventContains("x")], [b"xx", b"ax"], ""),
    ([EventContains("x")], [b"x", b"y", b"z"], 'event 2: the event does not contain "x"'),
    ([EventContains("z", of="last")], [b"x", b"y", b"z"], ""),
    (
        [EventContains("x", "last")],
        [b"x", b"y"],
        'the last event, number 2: the event does not contain "x"',
    ),
    ([EventJson("n", 1), EventJson("last", True, of="last")], JSON, ""),
    (
        [EventJson("n", 1)],
        [*JSON, b"[DONE]"],
        "event 3: the event is not JSON (Expecting value: line 1 column 2 (char 1))",
    ),
    ([EventJson("n", 2)], JSON, "event 1: n is 1, not 2"),
    (
        [EventJson("m", 2)],
        JSON,
        'event 1: the JSON event is {"n": 1}, which has no "m"',
    ),
]


@pytest.mark.parametrize(("checks", "events", "expected"), CASES)
def test_checks(checks: list[Check], events: list[bytes], expected: str) -> None:
    request = Request("GET", "http://127.0.0.1/", checks=checks, stream="events")
    checker = EventChecker(EventChecks(request))
    for event in events:
        checker.event(event)
    assert checker.finish() == expected
