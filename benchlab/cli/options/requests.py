"""The options of ``benchlab run`` that add to every request: query, credentials, cookies, data."""

from __future__ import annotations

from collections.abc import Sequence

import click
from attrs import evolve

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.errors import InputError
from benchlab.plan.feed import PICKS
from benchlab.plan.grpc.request import GrpcRequest

__all__ = ["ADDITIONS"]


def _pairs(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    for number, text in enumerate(texts, 1):
        if "=" not in text[1:]:  # the text is not shown: it may be a secret
            raise InputError(f"{option} number {number} has no equals sign: write name=value")
    return [(name, value) for name, _, value in (text.partition("=") for text in texts)]


def _user(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not colon:
        raise InputError("--user has no colon: write name:password")
    return name, password


def _additions(draft: Draft, values: Values) -> None:
    query = _pairs("--query", values.get("query", ()))
    cookies = dict(_pairs("--cookie", values.get("cookies", ())))
    auth = _user(values["user"]) if values.get("user") else None
    feed, pick = values.get("feed"), values.get("pick")
    if pick and not feed:
        raise InputError("--pick needs --feed: add it, or leave --pick out")
    data = None
    if feed:
        from benchlab.plan.files.feed import read_feed

        data = read_feed(feed, pick or PICKS[0])
    if (query or cookies or auth) and draft.get("scenario") is not None:
        raise InputError(
            "--query, --user and --cookie do not apply to a scenario: set them in its code"
        )
    if (query or cookies or auth) and any(
        isinstance(request, GrpcRequest) for request in draft["requests"]
    ):
        raise InputError(
            "--query, --user and --cookie do not apply to gRPC: send metadata with --header"
        )
    if query or cookies or auth:
        draft["requests"] = [
            evolve(request, query=query, auth=auth, cookies=cookies)
            for request in draft["requests"]
        ]
    if (query or data is not None) and draft.get("recorded") is not None:
        raise InputError(
            "--query and --feed do not apply to recorded requests, which have their own targets:"
            " leave them out"
        )
    if data is not None and draft.get("scenario") is not None:
        draft["scenario"] = evolve(draft["scenario"], data=data)
    elif data is not None:
        draft["requests"] = [evolve(request, data=data) for request in draft["requests"]]


ADDITIONS = OptionGroup(
    "Request",
    (
        click.option(
            "--query", multiple=True, metavar="k=v", help="parameter added to the URL; repeatable"
        ),
        click.option(
            "--user",
            "-u",
            default="",
            metavar="NAME:PASSWORD",
            help="credentials for HTTP Basic authentication",
        ),
        click.option(
            "--cookie", "cookies", multiple=True, metavar="k=v", help="cookie to send; repeatable"
        ),
        click.option(
            "--feed",
            default="",
            metavar="FILE",
            help="CSV or JSONL file whose columns fill {{name}} in URL, headers and body;"
            " {{seq}} and {{uuid}} work without a file",
        ),
        click.option(
            "--pick",
            type=click.Choice(PICKS),
            default=None,
            help=f"order in which requests use the rows  [default: {PICKS[0]}]",
        ),
    ),
    _additions,
    fields={"data": "feed", "rows": "feed"},
)
