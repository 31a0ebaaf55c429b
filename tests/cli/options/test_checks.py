"""The options that check responses."""

from __future__ import annotations

import pytest

from benchlab import BodyContains, BodyEquals, BodyMatches, JsonEquals, MaxBody, Request, StatusIn
from benchlab.cli.options.checks import CHECKS, parse_json_check, parse_statuses
from benchlab.cli.options.group import Draft
from benchlab.errors import InputError
from tests.cli.options.test_run import URL, plan_of


def test_options_become_checks() -> None:
    plan = plan_of(
        "--expect-status", "200, 2XX,404", "--expect-body", "ok", "--expect-body", "fine",
        "--expect-regex", r"\d", "--expect-equals", "1", "--expect-json", "a.0=1",
        "--max-body", "1MB",
    )  # fmt: skip
    assert plan.requests[0].checks == (
        StatusIn(404, *range(200, 300)),
        BodyContains("ok"),
        BodyContains("fine"),
        BodyEquals("1"),
        BodyMatches(r"\d"),
        JsonEquals("a.0", 1),
        MaxBody(1_000_000),
    )
    assert plan_of().requests[0].checks == ()


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("a=1", JsonEquals("a", 1)),
        ('a="1"', JsonEquals("a", "1")),
        ("a=up", JsonEquals("a", "up")),
        ("a=", JsonEquals("a", "")),
        ("a=b=c", JsonEquals("a", "b=c")),
        ("a=null", JsonEquals("a", None)),
        ('a.b={"c": [true]}', JsonEquals("a.b", {"c": [True]})),
    ],
)
def test_value_that_is_not_json_is_a_string(text: str, check: JsonEquals) -> None:
    assert parse_json_check(text) == check


@pytest.mark.parametrize("text", ["", "20", "200-299", "200,,201", "6xx", "2OO", "OK"])
def test_invalid_statuses_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="write 200,201 or 2xx"):
        parse_statuses(text)


def test_status_that_no_response_has_is_refused() -> None:
    with pytest.raises(InputError, match="999"):
        parse_statuses("200,999")


@pytest.mark.parametrize("text", ["a", "", "=1", "a..b=1"])
def test_invalid_json_checks_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"no equals sign|not a path"):
        parse_json_check(text)


def test_options_replace_only_checks_of_their_kind() -> None:
    request = Request("GET", URL, checks=[StatusIn(200), BodyEquals("x"), MaxBody(5)])
    draft: Draft = {"requests": [request]}
    CHECKS.apply(draft, {"expect_status": "404", "max_body": "7"})
    assert draft["requests"][0].checks == (BodyEquals("x"), StatusIn(404), MaxBody(7))
