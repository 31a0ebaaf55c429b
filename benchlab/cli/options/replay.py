"""The options of ``benchlab run`` for requests that were recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.cli.options.types import read_body
from benchlab.errors import InputError
from benchlab.plan.grpc.request import GrpcRequest

if TYPE_CHECKING:
    from benchlab.plan.recording import Recording
    from benchlab.plan.request import Request

__all__ = ["REPLAY"]

_SOURCES = ("replay_log", "replay_service")
_SETTINGS = ("log_format", "window", "speed", "bodies")
_OF_ENDPOINT = re.compile(r"([A-Z][A-Z0-9-]* /[^=\s]*)=(.*)", re.DOTALL)


def _replay(draft: Draft, values: Values) -> None:
    sources = [name for name in _SOURCES if values.get(name)]
    if not sources:
        for name in _SETTINGS:
            if values.get(name):
                raise InputError(
                    f"--{name.replace('_', '-')} is for a replay: give --replay-log or"
                    " --replay-service too, or leave it out"
                )
        return
    if len(sources) > 1:
        raise InputError("--replay-log and --replay-service exclude each other: a run has one load")
    request = _base(draft)
    plan = _recording(values).plan(
        request.url,
        speed=1.0 if values.get("speed") is None else values["speed"],
        bodies=_bodies(values.get("bodies") or ()),
        headers=request.headers,
    )
    draft |= {"requests": list(plan.requests), "load": plan.load, "recorded": plan.recorded}


def _base(draft: Draft) -> Request:
    """The request whose URL is the base of what is sent, and whose headers are sent with it."""
    if draft.get("scenario") is not None:
        raise InputError("--scenario does not apply to a replay: leave one of them out")
    if draft.get("targets"):
        raise InputError("--target does not apply to a replay: give the base URL of one service")
    requests: list[Request] = draft["requests"]
    request, *more = requests
    if more:
        raise InputError(
            f"the plan has {1 + len(more):,} requests of its own: give the URL of the service"
            " instead of its file, or leave --replay-log and --replay-service out"
        )
    if isinstance(request, GrpcRequest):
        raise InputError("a replay is of HTTP requests: give the base URL of a service over HTTP")
    if request.body or request.method != "GET":
        raise InputError(
            "--method and --body do not apply to a replay, which has its own: leave them out, and"
            " give --bodies for requests whose body was not recorded"
        )
    return request


def _recording(values: Values) -> Recording:
    service, window, log_format = (
        values.get(name) for name in ("replay_service", "window", "log_format")
    )
    if not service:
        from benchlab.plan.files.recording import read_recording

        return read_recording(values["replay_log"], log_format or "", window or "")
    if log_format:
        raise InputError("--log-format is for --replay-log: leave it out")
    from benchlab.store import Store

    return Store().recording(service, window or None)


def _bodies(texts: Sequence[str]) -> str | bytes | dict[str, str | bytes]:
    """The rule for bodies that were not recorded, as `Recording.plan` takes it.

    Raises:
        InputError: some are for an endpoint and others for all, or a file cannot be read.
    """
    if not texts:
        return "skip"
    pairs = [_OF_ENDPOINT.fullmatch(text) for text in texts]
    if all(pairs):
        return {pair[1]: read_body(pair[2]) for pair in pairs if pair is not None}
    if len(texts) > 1:
        raise InputError(
            "several --bodies need an endpoint each: write --bodies 'POST /cart={\"id\": 1}'"
        )
    return "skip" if texts[0] == "skip" else read_body(texts[0])


REPLAY = OptionGroup(
    "Replay",
    (
        click.option(
            "--replay-log",
            default=None,
            metavar="FILE",
            help="access log, or HAR file (.har), whose requests are sent to URL at their times",
        ),
        click.option(
            "--replay-service",
            default=None,
            metavar="NAME",
            help="service whose requests, by its server spans in the store, are sent to URL",
        ),
        click.option(
            "--log-format",
            default=None,
            metavar="FORMAT",
            help="format of the log: common, combined, json, envoy, or the format string of nginx,"
            " Apache or Envoy  [default: recognised]",
        ),
        click.option(
            "--window",
            default=None,
            metavar="FROM-TO",
            help="only this part, such as 10:00-10:05 as the log writes it (spans: UTC), or"
            " 2026-03-14T10:00/2026-03-14T10:05",
        ),
        click.option(
            "--speed", type=float, default=None, help="how many times as fast  [default: 1]"
        ),
        click.option(
            "--bodies",
            multiple=True,
            metavar="[ENDPOINT=]TEXT|@FILE",
            help="body for requests whose body was not recorded  [default: leave them out];"
            " repeatable with an endpoint, such as 'POST /cart=…'",
        ),
    ),
    _replay,
    fields={"format": "log_format", "service": "replay_service", "path": "replay_log"},
)
