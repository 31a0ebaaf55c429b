"""Evaluate checks on the events of a stream. Checks are compiled once, before the run."""

from __future__ import annotations

from collections.abc import Callable

from benchlab.load.drivers.checking import find_fault_in
from benchlab.plan.checks import BodyContains, EventContains, EventCount, EventJson, JsonEquals
from benchlab.plan.request import Request
from benchlab.text import plural

__all__ = ["EventChecker", "EventChecks"]

Evaluate = Callable[[bytes], str]


class EventChecks:
    """The checks on events of one request."""

    __slots__ = ("every", "last", "least")

    def __init__(self, request: Request) -> None:
        self.least = 1
        self.every: list[Evaluate] = []
        self.last: list[Evaluate] = []
        for check in request.checks:
            if isinstance(check, EventCount):
                self.least = max(self.least, check.at_least)
            elif isinstance(check, EventContains | EventJson):
                evaluate = (
                    find_fault_in(BodyContains(check.text), "event")
                    if isinstance(check, EventContains)
                    else find_fault_in(JsonEquals(check.path, check.value), "event")
                )
                (self.last if check.of == "last" else self.every).append(evaluate)

    @property
    def read_data(self) -> bool:
        """Whether some check reads the data of events."""
        return bool(self.every or self.last)


class EventChecker:
    """Evaluates the checks on the events of one stream, as they come."""

    __slots__ = ("_checks", "_count", "_last", "_problem")

    def __init__(self, checks: EventChecks) -> None:
        self._checks = checks
        self._count = 0
        self._last = b""
        self._problem = ""

    def event(self, data: bytes) -> None:
        """Check one event."""
        self._count += 1
        if self._checks.last:
            self._last = data
        if not self._problem:
            for evaluate in self._checks.every:
                if problem := evaluate(data):
                    self._problem = f"event {self._count:,}: {problem}"
                    return

    def finish(self) -> str:
        """Why the checks do not hold, at the end of the stream; empty if they do."""
        if not self._count:
            return "the stream has no event"
        if self._count < self._checks.least:
            found = plural(self._count, "event")
            return f"the stream has {found}, and at least {self._checks.least:,} must come"
        if self._problem:
            return self._problem
        problems = (evaluate(self._last) for evaluate in self._checks.last)
        problem = next(filter(None, problems), "")
        return f"the last event, number {self._count:,}: {problem}" if problem else ""
