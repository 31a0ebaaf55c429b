"""The option of ``benchlab run`` for a scenario."""

from __future__ import annotations

import click

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.errors import InputError

__all__ = ["SCENARIO"]


def _scenario(draft: Draft, values: Values) -> None:
    from benchlab.plan.files.scenario import scenario

    reference = values.get("scenario")
    planned = draft.get("scenario")
    if planned is not None and reference:
        draft["scenario"] = scenario(
            reference, planned.base_url, data=planned.data, client=planned.client
        )
    elif reference:
        request, *more = draft["requests"]
        if more or (request.method, request.headers, request.body) != ("GET", (), b""):
            raise InputError(
                "--method, --header and --body do not apply to a scenario: leave them out"
            )
        draft["scenario"] = scenario(reference, request.url)
        draft["requests"] = []


SCENARIO = OptionGroup(
    "Scenario",
    (
        click.option(
            "--scenario",
            default="",
            metavar="FILE.py:FUNC",
            help="function that each user runs: async def FUNC(client, ctx); URL is the base of"
            " its requests",
        ),
    ),
    _scenario,
)
