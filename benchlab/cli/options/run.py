"""The options of ``benchlab run`` that make up its plan, in independent groups.

To add an option, add it to a group, or add a group to `PLAN_OPTIONS`. In a group without ``apply``,
an option whose parameter has the name of a `Plan` field needs nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

import click
from attrs import evolve

from benchlab.cli.options.checks import CHECKS
from benchlab.cli.options.foreign import refuse_foreign
from benchlab.cli.options.group import (
    Draft,
    GroupedCommand,
    OptionGroup,
    Values,
    apply_options,
    copy_fields,
    fields_of,
    with_options,
)
from benchlab.cli.options.grpc import GRPC
from benchlab.cli.options.load import LENGTH, LOAD
from benchlab.cli.options.output import JsonCommand
from benchlab.cli.options.replay import REPLAY
from benchlab.cli.options.requests import ADDITIONS
from benchlab.cli.options.scenario import SCENARIO
from benchlab.cli.options.stream import STREAM
from benchlab.cli.options.transport import TRANSPORT
from benchlab.cli.options.types import DURATION, parse_headers, parse_tags, parse_targets, read_body
from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS, SCENARIO_CLIENTS, describe_drivers, drivers_for
from benchlab.plan.grpc.request import GrpcRequest, is_call_url
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request, with_content_type
from benchlab.plan.scenario import GrpcService
from benchlab.plan.shapes import ClosedLoop, Replay

__all__ = ["PLAN_OPTIONS", "PlanCommand", "plan_from_values", "plan_options"]

_HTTP, _HTTP2 = "http", "http2"
_PLAN_FILE = ".toml"


class PlanCommand(GroupedCommand, JsonCommand):
    """A command whose options make up a plan. Those of other load tools get the right one named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; returns those that are left.

        Raises:
            InputError: an option is that of another tool.
            click.UsageError: they cannot be used.
        """
        if not ctx.resilient_parsing:
            refuse_foreign(self, args)
        return super().parse_args(ctx, args)


def _request(draft: Draft, values: Values) -> None:
    requests = draft["requests"]
    for name in ("method", "body"):
        if len(requests) > 1 and name in values:
            raise InputError(
                f"--{name} would change all {len(requests)} requests of the plan: edit its file"
            )
    draft["requests"] = [_changed(request, values) for request in requests]
    if values.get("targets"):
        draft["targets"] = parse_targets(values["targets"])


def _changed(request: Request, values: Values) -> Request:
    if isinstance(request, GrpcRequest):
        return _changed_call(request, values)
    body = read_body(values["body"]) if "body" in values else request.body
    usual = "POST" if body and "body" in values and request.method == "GET" else request.method
    method = values.get("method") or usual
    headers = parse_headers(values.get("headers", ()))
    own = {name.lower() for name, _ in headers}
    headers += tuple(pair for pair in request.headers if pair[0].lower() not in own)
    if "body" in values:
        headers = with_content_type(headers, body)
    name = request.name if request.is_named else ""
    return evolve(request, method=method, headers=headers, body=body, name=name)


def _changed_call(request: GrpcRequest, values: Values) -> Request:
    if values.get("method"):
        raise InputError(
            "is for HTTP", field="method", remedy="leave it out: the URL says which method is meant"
        )
    given = parse_headers(values.get("headers", ()))
    own = {name.lower() for name, _ in given}
    metadata = [*given, *(pair for pair in request.headers if pair[0] not in own)]
    message = read_body(values["body"]) if "body" in values else request.body
    return evolve(request, metadata=metadata, message=message)


REQUEST = OptionGroup(
    "Request",
    (
        click.option(
            "--method",
            "-X",
            default=None,
            help="HTTP method  [default: POST with a body, else GET]",
        ),
        click.option(
            "--header",
            "-H",
            "headers",
            multiple=True,
            metavar="K:V",
            help="request header, or metadata of gRPC; repeatable",
        ),
        click.option(
            "--body",
            "-d",
            default="",
            metavar="TEXT|@FILE",
            help="request body, or the file that contains it; of gRPC the message, as JSON",
        ),
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="[NAME=]BASE-URL",
            help="service, if URL is only a path; repeatable, requests are shared equally; NAME"
            " stands for it in results",
        ),
    ),
    _request,
    fields={"message": "body", "metadata": "headers"},
)


def _generator(draft: Draft, values: Values) -> None:
    chosen = dict(values)
    driver = chosen.get("driver", _HTTP)
    if chosen.pop("http2", False):
        if driver not in (_HTTP, _HTTP2):
            raise InputError(
                f"--http2 is short for --driver {_HTTP2}",
                field="driver",
                value=driver,
                remedy="give one of them",
            )
        chosen["driver"] = _HTTP2
    copy_fields(draft, chosen)
    scenario = draft.get("scenario")
    if scenario is None:
        return
    able = drivers_for(urlsplit(scenario.base_url).scheme)  # which the usual driver may not be
    if chosen.get("driver") in {*SCENARIO_CLIENTS} & {*able}:
        draft["scenario"] = evolve(scenario, client=chosen["driver"])


GENERATOR = OptionGroup(
    "Load generator",
    (
        click.option(
            "--timeout",
            "timeout_s",
            type=DURATION,
            default="10s",
            show_default=True,
            help="time limit for one request",
        ),
        click.option(
            "--workers",
            "-w",
            type=int,
            default=1,
            show_default=True,
            help="number of processes that send requests",
        ),
        click.option(
            "--driver",
            type=click.Choice(list(DRIVERS)),
            default="http",
            show_default=True,
            help=describe_drivers(),
        ),
        click.option(
            "--http2",
            is_flag=True,
            help="short for --driver http2: over TLS by ALPN, else by prior knowledge",
        ),
        click.option(
            "--streams",
            type=int,
            default=1,
            show_default=True,
            help="requests at a time on one connection, with HTTP/2",
        ),
        click.option(
            "--max-connections",
            type=int,
            default=1000,
            show_default=True,
            help="maximum number of connections of an open loop",
        ),
        click.option(
            "--drain",
            "drain_s",
            type=DURATION,
            default="60s",
            show_default=True,
            help="time for open requests to finish at the end",
        ),
        click.option(
            "--trace-ratio",
            type=float,
            default=0.0,
            show_default=True,
            help="share of requests that the service should trace, 0 to 1",
        ),
        click.option(
            "--seed",
            type=int,
            default=1,
            show_default=True,
            help="seed of all random decisions",
        ),
    ),
    _generator,
)


OBJECTIVES = OptionGroup(
    "Objectives",
    (
        click.option(
            "--slo",
            multiple=True,
            metavar="OBJECTIVE",
            help="objective for the results, such as 'p99<50ms', 'error_ratio<1%' or"
            " 'p99<50ms over 5s'; exit code 3 if it is broken; repeatable",
        ),
        click.option(
            "--abort-on",
            multiple=True,
            metavar="CONDITION",
            help="stop early, with exit code 3, when this condition holds, such as"
            " 'error_ratio>0.5 over 5s'; repeatable",
        ),
    ),
)


FAULTS = OptionGroup(
    "Faults",
    (
        click.option(
            "--fault",
            "faults",
            multiple=True,
            metavar="FAULT",
            help="what to break on purpose, and when, such as 'latency 200ms at 10s for 5s' or"
            " 'error 503 ratio=10%'; repeatable",
        ),
    ),
    fields={"fault": "faults"},
)


def _labels(draft: Draft, values: Values) -> None:
    draft["name"] = values.get("name", draft.get("name", ""))
    draft["tags"] = {**draft.get("tags", {}), **parse_tags(values.get("tags", ()))}


LABELS = OptionGroup(
    "Labels",
    (
        click.option(
            "--name",
            default="",
            metavar="TEXT",
            help="name of the run  [default: METHOD /path]",
        ),
        click.option(
            "--tag",
            "tags",
            multiple=True,
            metavar="k=v",
            help="label for finding the run; repeatable",
        ),
    ),
    _labels,
)

PLAN_OPTIONS = (
    REQUEST,
    SCENARIO,
    REPLAY,
    ADDITIONS,
    GRPC,
    STREAM,
    CHECKS,
    LOAD,
    LENGTH,
    GENERATOR,
    TRANSPORT,
    OBJECTIVES,
    FAULTS,
    LABELS,
)

plan_options = with_options(PLAN_OPTIONS)
"""Decorator that adds all options of a plan to a command."""


def _request_for(url: str, values: Values) -> Request:
    """The request that the options change: its URL says whether it is HTTP or gRPC."""
    services = [url, *(text.partition("=")[2] or text for text in values.get("targets", ()))]
    if not any(map(is_call_url, services)):
        return Request("GET", url)
    return GrpcService("GET", url) if values.get("scenario") else GrpcRequest(url)


def plan_from_values(source: str, values: Values, given: Collection[str] = ()) -> Plan:
    """Make the plan for ``source``, a URL or a plan file, from the options' ``values``.

    Only the options that were ``given`` explicitly change a plan file.

    Raises:
        InputError: a value cannot be used.
    """
    if source.endswith(_PLAN_FILE) and "://" not in source:
        from benchlab.plan.files.plan import read_draft

        chosen = {name: value for name, value in values.items() if name in given}
        read, place = read_draft(Path(source))
        draft = {"load": ClosedLoop(), **read}
        apply_options(PLAN_OPTIONS, draft, chosen)
        with place.errors(others=fields_of(PLAN_OPTIONS, given)):
            return Plan(**draft)
    draft = {"requests": [_request_for(source, values)]}
    apply_options(PLAN_OPTIONS, draft, values)
    replays = draft.get("recorded") is not None and isinstance(draft["load"], Replay)
    if replays and "warmup_s" not in given:
        draft["warmup_s"] = 0.0  # it would send requests that nobody made then
    return Plan(**draft)
