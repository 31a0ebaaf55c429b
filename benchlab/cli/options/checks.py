"""The options of ``benchlab run`` that check responses."""

from __future__ import annotations

import json
import re

import click
from attrs import evolve

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.errors import InputError
from benchlab.plan.checks import (
    BodyContains,
    BodyEquals,
    BodyMatches,
    Check,
    EventContains,
    EventCount,
    EventJson,
    GrpcStatusIn,
    JsonEquals,
    MaxBody,
    StatusIn,
)
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.units import parse_size_bytes

__all__ = ["CHECKS", "parse_json_check", "parse_statuses"]


def _checks(draft: Draft, values: Values) -> None:
    """Add the checks to all requests, replacing those of the same kind."""
    checks: list[Check] = []
    if values.get("expect_status"):
        calls = any(isinstance(request, GrpcRequest) for request in draft["requests"])
        checks.append(parse_statuses(values["expect_status"], calls=calls))
    checks += [BodyContains(text) for text in values.get("expect_body", ())]
    checks += [BodyEquals(values["expect_equals"])] if values.get("expect_equals") else []
    checks += [BodyMatches(pattern) for pattern in values.get("expect_regex", ())]
    checks += [parse_json_check(text) for text in values.get("expect_json", ())]
    checks += _event_checks(values)
    if values.get("max_body"):
        checks.append(MaxBody(parse_size_bytes(values["max_body"])))
    if checks and draft.get("scenario") is not None:
        raise InputError(
            "--expect-… and --max-body are for requests: in a scenario, write step.check(…) or"
            " ctx.step(name, expect_status={200})"
        )
    given = {check.kind for check in checks}
    draft["requests"] = [
        evolve(
            request,
            checks=[*(old for old in request.checks if old.kind not in given), *checks],
        )
        for request in draft["requests"]
    ]


def _event_checks(values: Values) -> list[Check]:
    checks: list[Check] = []
    if values.get("expect_events") is not None:
        checks.append(EventCount(values["expect_events"]))
    for name, of in (("expect_event", "every"), ("expect_last_event", "last")):
        checks += [EventContains(text, of) for text in values.get(name, ())]
        for text in values.get(f"{name}_json", ()):
            wanted = parse_json_check(text, f"--{name.replace('_', '-')}-json")
            checks.append(EventJson(wanted.path, wanted.value, of))
    return checks


CHECKS = OptionGroup(
    "Checks of each response",
    (
        click.option(
            "--expect-status",
            metavar="CODES",
            help="accepted statuses, such as 200,201 or 2xx,404  [default: below 400]; of gRPC by"
            " name, such as NOT_FOUND  [default: OK]",
        ),
        click.option(
            "--expect-body",
            multiple=True,
            metavar="TEXT",
            help="text that the body must contain; repeatable",
        ),
        click.option("--expect-equals", metavar="TEXT", help="text that the whole body must equal"),
        click.option(
            "--expect-regex",
            multiple=True,
            metavar="RE",
            help="regular expression that must match anywhere in the body; repeatable",
        ),
        click.option(
            "--expect-json",
            multiple=True,
            metavar="PATH=VALUE",
            help="value that a JSON body must have, such as data.items.0.id=7; repeatable",
        ),
        click.option("--max-body", metavar="SIZE", help="longest accepted body, such as 1MB"),
        click.option(
            "--expect-events",
            type=int,
            default=None,
            metavar="N",
            help="number of events that a stream must have at least",
        ),
        click.option(
            "--expect-event",
            multiple=True,
            metavar="TEXT",
            help="text that every event of a stream must contain; repeatable",
        ),
        click.option(
            "--expect-last-event",
            multiple=True,
            metavar="TEXT",
            help="text that the last event must contain; repeatable",
        ),
        click.option(
            "--expect-event-json",
            multiple=True,
            metavar="PATH=VALUE",
            help="value that every event must have in its JSON; repeatable",
        ),
        click.option(
            "--expect-last-event-json",
            multiple=True,
            metavar="PATH=VALUE",
            help="value that the last event must have in its JSON; repeatable",
        ),
    ),
    _checks,
    fields={"at_least": "expect_events"},
)


def parse_statuses(text: str, *, calls: bool = False) -> StatusIn | GrpcStatusIn:
    """Parse statuses such as ``200,201``, or ``2xx`` for 200 to 299; of ``calls`` over gRPC,
    such as ``OK,NOT_FOUND``.

    Raises:
        InputError: the text has another form.
    """
    if calls:
        return GrpcStatusIn(*text.split(","))
    statuses: list[int] = []
    for word in text.split(","):
        match = re.fullmatch(r"\s*(?:(\d{3})|([2-5])xx)\s*", word, re.ASCII | re.IGNORECASE)
        if match is None:
            raise InputError(
                f"--expect-status {text}: {word.strip()!r} is not a status: write 200,201 or 2xx"
            )
        whole, hundred = match.groups()
        start = int(hundred or 0) * 100
        statuses += [int(whole)] if whole else range(start, start + 100)
    return StatusIn(*statuses)


def parse_json_check(text: str, option: str = "--expect-json") -> JsonEquals:
    """Parse the ``path=value`` of an ``option``.

    A value that is not JSON is a string: write ``"7"`` for the string 7.

    Raises:
        InputError: there is no equals sign, or the path is invalid.
    """
    path, equals, wanted = text.partition("=")
    if not equals:
        raise InputError(
            f'{option} {text!r} has no equals sign: write data.items.0.id=7 or state="ok"'
        )
    try:
        value = json.loads(wanted)
    except ValueError:
        value = wanted
    return JsonEquals(path.strip(), value)
