from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.toml import plan_to_toml
from benchlab.redact import (
    header_value,
    may_have_secret,
    public_text,
    public_url,
    unread_url,
    url_has_secret,
)


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
    assert may_have_secret(f"/?a=1&{name}=s")
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


NESTED = [
    ("next=http%3A%2F%2Fk%2F%3Fa%3D1%26token%3D{0}%26b%3D2", "an encoded URL"),
    ("next=http%253A%252F%252Fk%252F%253Ftoken%253D{0}%2526b%253D2", "encoded twice"),
    ("next=%2Fback%3Ftoken%3D{0}&a=1", "an encoded path"),
    ("next=/back?token%3D{0}&a=1", "an encoded equals sign alone"),
    ("next=http%3A%2F%2Fk%2Fa%3Bjsessionid%3D{0}", "a path parameter of it"),
    ("next=https%3A%2F%2Fme%3A{0}%40k%2F&a=1", "a password of it"),
    ("next=%2F%3Fapi%255Fkey%3D{0}", "an encoded name"),
    ("next=%2f%3ftoken%3d{0}%26b%3d2", "lower-case hex digits"),
    ("next=%2Fback%23access_token%3D{0}", "a fragment of it"),
]


@pytest.mark.parametrize("query", [query for query, _ in NESTED], ids=[name for _, name in NESTED])
@pytest.mark.parametrize(
    "place", ["http://h/x?a=1&{}", "http://h/x#{}", "http://h/r;{}", "at /x?{}"]
)
def test_the_secrets_of_an_encoded_url_are_hidden_and_the_rest_stays(
    query: str, place: str
) -> None:
    text = place.format(query)
    assert public_text(text.format("S3CRET")) == text.format("***")
    if "://" in text:
        assert public_url(text.format("S3CRET")) == text.format("***")


@pytest.mark.parametrize(
    "url",
    [
        "http://h/?next=http%3A%2F%2Fk%2F%3Fpage%3D2%26sort%3Dname",
        "http://h/?q=100%25&r=%3D&s=a%26b%3Dc",
        "http://h/a%2Fb;v=1/c%3Bd?q=%E2%82%AC",
        "http://h/?q=%zz%",
    ],
)
def test_encoded_values_without_secrets_stay_to_the_letter(url: str) -> None:
    assert public_url(url) == public_text(url) == url


@pytest.mark.parametrize(
    "path", ["/a;jsessionid={}", "/a;v=1;jsessionid={}/b;c=2", "/a%3Bjsessionid%3D{}/b"]
)
def test_the_usual_name_of_a_request_has_no_secret_of_its_path(path: str) -> None:
    request = Request("GET", f"http://h{path.format('S3CRET')}?token=S3CRET")
    assert request.name == f"GET {path.format('***')}"
    assert request.url.startswith(f"http://h{path.format('S3CRET')}")  # what is sent stays


NAMES = ("key", "Key", "api", "PIN", "pin", "sid", "sess", "id", "author", "code", "me", "x")
ENCODED = ("%6b", "%253D", "%3D", "%26", "%40", "%3a", "://", "pw", "cv", "v", "to", "ken")
PIECES = st.sampled_from((*"?&;=#%/:@.-_", *NAMES, *ENCODED))


@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_the_quick_check_lets_pass_has_no_secret(text: str) -> None:
    for url in (f"/a?{text}", f"/a/{text}".replace("//", "/")):
        assert may_have_secret(url) or not url_has_secret(url)
