"""How the response to a request is read as a stream: as events, or as chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs import frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.validation import check_choice, check_seconds, check_whole
from benchlab.units import seconds_to_ns

__all__ = ["STREAM_KINDS", "USUAL_STALL_S", "Stream"]

STREAM_KINDS: Final = ("events", "chunks")
"""What a stream is made of: server-sent events, or the chunks of the body."""

_MOST_EVENTS = 10**9
USUAL_STALL_S: Final = 1.0
"""The shortest gap that is a stall, in seconds, unless a request says otherwise."""


@frozen
class Stream(Displayed):
    """Read a response as a stream, and time its parts: ``Stream("events", max_events=100)``.

    ``kind`` is ``events`` for server-sent events (``text/event-stream``), or ``chunks`` for the
    chunks of a body of any type; below, both are called events. Reading ends with the response,
    with event number ``max_events``, or ``max_s`` seconds after the request was sent, whichever
    comes first: so a stream without an end can be measured. A stream that is left early is no
    failure, and its connection is closed.

    A gap between two events that is longer than ``stall_s`` counts as a stall. ``rows`` records
    every event, beside what is recorded of each stream.

    Raises:
        InputError: an unknown kind, or a limit that cannot be used.

    >>> Stream("events", max_s=30).describe()
    'events, for 30 s at most'
    """

    kind: str = "events"
    max_events: int | None = None
    max_s: float | None = None
    stall_s: float = USUAL_STALL_S
    rows: bool = False

    def __attrs_post_init__(self) -> None:
        check_choice("stream", self.kind, STREAM_KINDS)
        if self.max_events is not None:
            check_whole("max_events", self.max_events, 1, _MOST_EVENTS)
        if self.max_s is not None:
            check_seconds("max_s", self.max_s)
        check_seconds("stall_s", self.stall_s)
        if not isinstance(self.rows, bool):
            raise InputError("must be True or False", field="rows", value=self.rows)

    @property
    def stall_ns(self) -> int:
        """The shortest gap that is a stall, in ns."""
        return seconds_to_ns(self.stall_s)

    @property
    def max_ns(self) -> int:
        """How long a stream is read, in ns after sending; 0 for as long as it lasts."""
        return 0 if self.max_s is None else seconds_to_ns(self.max_s)

    @property
    def is_limited(self) -> bool:
        """Whether a stream may be left before it ends."""
        return self.max_events is not None or self.max_s is not None

    def describe(self) -> str:
        """What is read, and up to where."""
        limits = []
        if self.max_events is not None:
            limits.append(f"{self.max_events:,} at most")
        if self.max_s is not None:
            limits.append(f"for {self.max_s:g} s at most")
        return ", ".join([self.kind, *limits])

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields, without limits that there are not."""
        return {name: value for name, value in attrs.asdict(self).items() if value is not None}

    @classmethod
    def of(cls, given: object) -> Stream | None:
        """The stream that ``given`` stands for: a kind, a mapping of the fields, or a stream.

        Raises:
            InputError: it is something else, or cannot be used.
        """
        if given is None or isinstance(given, Stream):
            return given
        if isinstance(given, str):
            return cls(given)
        if not isinstance(given, Mapping):
            raise InputError(
                "is no stream",
                field="stream",
                value=given,
                remedy=f"use {' or '.join(STREAM_KINDS)}",
            )
        known = [item.name for item in attrs.fields(cls)]
        if unknown := [name for name in given if name not in known]:
            raise InputError(
                f"has no {unknown[0]}", field="stream", remedy=f"known are {', '.join(known)}"
            )
        return cls(**given)
