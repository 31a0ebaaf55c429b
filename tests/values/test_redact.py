from __future__ import annotations

import pytest

from benchlab.values.plan import Plan
from benchlab.values.public_plan import public_plan
from benchlab.values.redact import header_value, public_url, unread_url
from benchlab.values.request import Request


@pytest.mark.parametrize(
    "name",
    ["key", "sig", "pwd", "jwt", "session_id", "access_token", "X-Amz-Signature", "api%5Fkey"],
)
def test_parameters_that_sound_secret_are_hidden(name: str) -> None:
    assert public_url(f"http://h/x?a=1&{name}=s&b") == f"http://h/x?a=1&{name}=***&b"
    assert public_url(f"http://h/x#{name}=s") == f"http://h/x#{name}=***"


@pytest.mark.parametrize("url", ["http://h/x?a=%2F&&b=c=d&keyword=k&monkey=m#part", "http://h"])
def test_everything_else_stays_to_the_letter(url: str) -> None:
    assert public_url(url) == url


@pytest.mark.parametrize("name", ["Ocp-Apim-Subscription-Key", "x-functions-key", "PRIVATE-TOKEN"])
def test_headers_that_sound_secret_are_hidden(name: str) -> None:
    assert header_value(name, "s") == "***"
    assert header_value("Content-Type", "text/plain") == "text/plain"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x?a=1", "http://***@h/x?***"),
        ("http://u:a/b?c#d@e@h", "http://***@h"),
        ("u:p@h", "***@h"),
        ("http://h/a b#c", "http://h/a b#***"),
        ("h:8000/x", "h:8000/x"),
    ],
)
def test_of_a_url_that_cannot_be_read_nothing_is_shown_that_may_be_secret(
    text: str, shown: str
) -> None:
    assert unread_url(text) == shown


def test_a_public_plan_is_a_plan_and_stays_as_it_is() -> None:
    request = Request("POST", "http://me:s@h/x?token=s", headers={"Cookie": "s"}, json={"a": 1})
    public = public_plan(Plan([request]).to_dict())
    back = Plan.from_dict(public)
    assert back.requests[0].url == "http://h/x?token=***"
    assert dict(back.requests[0].header_pairs) == {
        "Cookie": "***",
        "Authorization": "***",
        "Content-Type": "application/json",
    }
    assert back.requests[0].body == request.body
    assert public_plan(back.to_dict()) == public
