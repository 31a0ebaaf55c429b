from __future__ import annotations

import pytest

from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.toml import plan_to_toml
from benchlab.redact import header_value, public_text, public_url, unread_url


@pytest.mark.parametrize(
    "name",
    ["key", "sig", "pwd", "jwt", "session_id", "access_token", "X-Amz-Signature", "api%5Fkey"],
)
def test_parameters_that_sound_secret_are_hidden(name: str) -> None:
    assert public_url(f"http://h/x?a=1&{name}=s&b") == f"http://h/x?a=1&{name}=***&b"
    assert public_url(f"http://h/x#{name}=s") == f"http://h/x#{name}=***"


@pytest.mark.parametrize(
    "name",
    [
        "pass",
        "user_pass",
        "userPass",
        "X-Pass",
        "passwd",
        "Password",
        "pw",
        "db-pw",
        "passcode",
        "X-Passcode",
        "passphrase",
        "passkey",
        "pin",
        "user_pin",
        "userPin",
        "PIN",
        "otp",
        "OTPCode",
        "X-OTP",
        "totp",
        "code",
        "Code",
        "auth",
        "Authorization",
        "authorize",
        "sid",
        "connect.sid",
        "PHPSESSID",
        "sig",
        "url_sig",
        "bearer",
        "cvv",
        "code_verifier",
        "key",
        "X-Key",
        "signing_key",
        "accountKey",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert header_value(name, "s") == "***"
    assert public_url(f"http://h/?a=1&{name}=s") == f"http://h/?a=1&{name}=***"


@pytest.mark.parametrize(
    "name",
    [
        "passenger",
        "passage",
        "bypass",
        "compass",
        "pinned",
        "shipping",
        "spinner",
        "opinion",
        "hotpot",
        "status_code",
        "zip_code",
        "countryCode",
        "X-Error-Code",
        "barcode",
        "codec",
        "author",
        "authors",
        "authority",
        "keyword",
        "sort_key",
        "Sec-Key",
        "side",
        "inside",
        "design",
        "signal",
        "X-Request-Id",
        "state",
        "page",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert header_value(name, "v") == "v"
    assert public_url(f"http://h/?{name}=v") == f"http://h/?{name}=v"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<http://u:SECRET@h/?token=SECRET>; rel=next", "<http://u:***@h/?token=***>; rel=next"),
        ("</a?pin=SECRET&b=1>, </c?d=2#key=SECRET>", "</a?pin=***&b=1>, </c?d=2#key=***>"),
        ("0; url=/next?session=SECRET", "0; url=/next?session=***"),
        ("for url 'https://u:p@SECRET@h/x?otp=SECRET'", "for url 'https://u:***@h/x?otp=***'"),
        ("/x;jsessionid=SECRET?a=b", "/x;jsessionid=***"),
        ("a=b; token=SEC?RET; d=e", "a=b; token=***; d=e"),
        ('a; token="SEC RET"', "a; token=***"),
        ("http://[::1?token=SECRET", "http://[::1?token=***"),
        ("text/html; charset=utf-8", "text/html; charset=utf-8"),
        ("http://h:80/a@b", "http://h:80/a@b"),
    ],
)
def test_urls_anywhere_in_a_text(text: str, shown: str) -> None:
    assert public_text(text) == shown


def test_a_parameter_that_is_a_url_shows_no_secret_either() -> None:
    url = "http://h:80/?mail=a@b&next=http://me:{0}@k/?token={0}#code={0}"
    assert public_url(url.format("s")) == url.format("***")


def test_a_session_in_a_path_is_hidden() -> None:
    url = "http://h/a;jsessionid=SECRET/b;v=1?q=1"
    assert public_url(url) == "http://h/a;jsessionid=***/b;v=1?q=1"


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


def test_the_address_of_a_scenario_is_a_url_too() -> None:
    scenario = Scenario("http://me:SECRET@h/?token=SECRET", "shop", b"code")
    plan = Plan(scenario=scenario, duration_s=1)
    public = redacted_plan(plan.to_dict())
    assert public["scenario"]["base_url"] == "http://me:***@h/?token=***"
    assert "SECRET" not in str(public) + plan_to_toml(plan)


def test_what_is_no_url_shows_nothing_that_may_be_secret() -> None:
    assert public_url("http://me:SECRET@[::1/?token=SECRET") == "http://***@[::1/?***"
    assert public_url("http://me:PW#SECRET@h/?a=1") == "http://***@h/?***"


def test_a_redacted_plan_is_a_plan_and_stays_as_it_is() -> None:
    request = Request("POST", "http://me:s@h/x?token=s", headers={"Cookie": "s"}, json={"a": 1})
    public = redacted_plan(Plan([request]).to_dict())
    back = Plan.from_dict(public)
    assert back.requests[0].url == "http://h/x?token=***"
    assert dict(back.requests[0].headers) == {
        "Cookie": "***",
        "Authorization": "***",
        "Content-Type": "application/json",
    }
    assert back.requests[0].body == request.body
    assert redacted_plan(back.to_dict()) == public
