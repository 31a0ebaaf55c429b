"""The options of ``benchlab run`` that read responses as streams."""

from __future__ import annotations

from typing import Any

import click
from attrs import asdict, evolve

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.cli.options.types import DURATION
from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.plan.stream import STREAM_KINDS, USUAL_STALL_S, Stream
from benchlab.units import format_duration_s

__all__ = ["STREAM"]

_FIELDS = {
    "stream": "kind",
    "stream_events": "max_events",
    "stream_time": "max_s",
    "stall": "stall_s",
    "stream_rows": "rows",
}


def _stream(draft: Draft, values: Values) -> None:
    """Change how the responses to all requests are read."""
    given = {
        _FIELDS[name]: value
        for name, value in values.items()
        if value is not None and value is not False
    }
    if not given:
        return
    if draft.get("scenario") is not None:
        raise InputError(
            "--stream and what belongs to it are for requests: in a scenario, read the stream and"
            " make a step of each part"
        )
    draft["requests"] = [_read_as(request, given) for request in draft["requests"]]


def _read_as(request: Request, given: dict[str, Any]) -> Request:
    if request.stream is None and "kind" not in given and not request.is_stream:
        raise InputError("is for streams", field=next(iter(given)), remedy="add --stream events")
    before = {} if request.stream is None else asdict(request.stream)
    return evolve(request, stream=Stream(**before | given))


STREAM = OptionGroup(
    "Streams",
    (
        click.option(
            "--stream",
            type=click.Choice(STREAM_KINDS),
            default=None,
            help="read responses as server-sent events, or as chunks, and time each of them",
        ),
        click.option(
            "--stream-events",
            type=int,
            default=None,
            metavar="N",
            help="leave a stream after so many events",
        ),
        click.option(
            "--stream-time",
            type=DURATION,
            default=None,
            help="leave a stream so long after its request was sent",
        ),
        click.option(
            "--stall",
            type=DURATION,
            default=None,
            help="gap between events above which a stream stalls"
            f"  [default: {format_duration_s(USUAL_STALL_S)}]",
        ),
        click.option("--stream-rows", is_flag=True, help="record every event"),
    ),
    _stream,
    fields={field: name for name, field in _FIELDS.items() if field != "kind"},
)
