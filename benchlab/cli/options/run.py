"""The options of ``benchlab run`` that make up its plan, in independent groups.

To add an option, add it to the group that it fits, or add a group to `PLAN_OPTIONS`. An option
whose parameter is called like a field of `Plan` needs nothing else in a group without ``apply``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click
from attrs import evolve

from benchlab.cli.options.checks import CHECKS
from benchlab.cli.options.group import Draft, OptionGroup, Values, draft_plan, with_options
from benchlab.cli.options.load import LENGTH, LOAD
from benchlab.cli.options.requests import ADDITIONS
from benchlab.cli.options.scenario import SCENARIO
from benchlab.cli.options.transport import TRANSPORT
from benchlab.cli.options.types import DURATION, parse_headers, parse_tags, read_body
from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.files.plan import read_draft
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request, with_content_type
from benchlab.plan.shapes import ClosedLoop

__all__ = ["PLAN_OPTIONS", "plan_from_values", "plan_options"]

_PLAN_FILE = ".toml"


def _request(draft: Draft, values: Values) -> None:
    requests = draft["requests"]
    for name in ("method", "body"):
        if len(requests) > 1 and name in values:
            raise InputError(
                f"--{name} would change all {len(requests)} requests of the plan: edit its file"
            )
    draft["requests"] = [_changed(request, values) for request in requests]
    if values.get("targets"):
        draft["targets"] = values["targets"]


def _changed(request: Request, values: Values) -> Request:
    body = read_body(values["body"]) if "body" in values else request.body
    usual = "POST" if body and "body" in values and request.method == "GET" else request.method
    method = values.get("method") or usual
    headers = parse_headers(values.get("headers", ()))
    own = {name.lower() for name, _ in headers}
    headers += tuple(pair for pair in request.headers if pair[0].lower() not in own)
    if "body" in values:
        headers = with_content_type(headers, body)
    named = request.name != f"{request.method} {request.parts.path or '/'}"
    name = request.name if named else ""
    return evolve(request, method=method, headers=headers, body=body, name=name)


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
            help="request header; repeatable",
        ),
        click.option(
            "--body",
            "-d",
            default="",
            metavar="TEXT|@FILE",
            help="request body, or a file with it",
        ),
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="BASE-URL",
            help="a service for a URL that is only a path; repeatable, in equal shares",
        ),
    ),
    _request,
)


GENERATOR = OptionGroup(
    "Load generator",
    (
        click.option(
            "--timeout",
            "timeout_s",
            type=DURATION,
            default="10s",
            show_default=True,
            help="limit for one request",
        ),
        click.option(
            "--workers",
            "-w",
            type=int,
            default=1,
            show_default=True,
            help="processes that make load",
        ),
        click.option(
            "--driver",
            type=click.Choice(list(DRIVERS)),
            default="http",
            show_default=True,
            help="; ".join(f"{name}: {traits.help}" for name, traits in DRIVERS.items()),
        ),
        click.option(
            "--max-connections",
            type=int,
            default=1000,
            show_default=True,
            help="most connections that an open loop may open",
        ),
        click.option(
            "--drain",
            "drain_s",
            type=DURATION,
            default="60s",
            show_default=True,
            help="how long requests that are open at the end may take to finish",
        ),
        click.option(
            "--trace-ratio",
            type=float,
            default=0.0,
            show_default=True,
            help="share (0 to 1) of requests the service is asked to trace",
        ),
        click.option(
            "--seed",
            type=int,
            default=1,
            show_default=True,
            help="decides everything that is random",
        ),
    ),
)


OBJECTIVES = OptionGroup(
    "Objectives",
    (
        click.option(
            "--slo",
            multiple=True,
            metavar="OBJECTIVE",
            help="what the numbers should be, such as 'p99<50ms', 'error_ratio<1%' or"
            " 'p99<50ms over 5s'; exit code 1 when broken; repeatable",
        ),
        click.option(
            "--abort-on",
            multiple=True,
            metavar="CONDITION",
            help="stop early when this comes true, such as 'error_ratio>0.5 over 5s'; exit code 1;"
            " repeatable",
        ),
    ),
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
            help="what to call the run  [default: METHOD /path]",
        ),
        click.option(
            "--tag",
            "tags",
            multiple=True,
            metavar="k=v",
            help="label to find the run by; repeatable",
        ),
    ),
    _labels,
)

PLAN_OPTIONS = (
    REQUEST,
    SCENARIO,
    ADDITIONS,
    CHECKS,
    LOAD,
    LENGTH,
    GENERATOR,
    TRANSPORT,
    OBJECTIVES,
    LABELS,
)

plan_options = with_options(PLAN_OPTIONS)
"""Decorator: all options that decide a plan."""


def plan_from_values(source: str, values: Values, given: Collection[str] = ()) -> Plan:
    """The plan for a URL that the options' ``values`` describe, or the one in a plan file.

    Of a plan file, only the options that were ``given`` explicitly change anything.

    Raises:
        InputError: any value that cannot be used.
    """
    if source.endswith(_PLAN_FILE) and "://" not in source:
        chosen = {name: value for name, value in values.items() if name in given}
        draft = {"load": ClosedLoop(), **read_draft(Path(source))}
        return draft_plan(PLAN_OPTIONS, draft, chosen)
    return draft_plan(PLAN_OPTIONS, {"requests": [Request("GET", source)]}, values)
