from __future__ import annotations

from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.plan.request import Request
from tests.runs.synthetic import URL


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:8000/x", "no scheme|scheme"),
        ("example.test", "no scheme"),
        ("ftp://example.test/", "scheme 'ftp'"),
        ("http:///path", "no host"),
        ("http://host:port/", "cannot be read"),
        ("http://host:99999/", "cannot be read"),
        ("http://host:0/", "port 0"),
        ("http://[::1/", "cannot be read"),
        ("http://host/a b", "percent-encode"),
        ("http://host/a\nb", "percent-encode"),
        ("http://host/a\x00b", "percent-encode"),
        ("http://host/{{ id }}", r"has a space .*: write a field as {{name}}"),
        ("", "no scheme"),
    ],
)
def test_invalid_url_error_names_the_reason(url: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Request("GET", url)


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "ÄÖ", "1GET", "A" * 33])
def test_invalid_method_is_refused(method: str) -> None:
    with pytest.raises(InputError, match="not an HTTP method"):
        Request(method, URL)


def test_a_tunnel_is_refused() -> None:
    with pytest.raises(InputError, match="method='connect' asks a proxy for a tunnel"):
        Request("connect", URL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("ä", "x"),
        ("X", "a\r\nY: b"),
        ("X", "a\0"),
        ("X", "€"),
    ],
)
def test_invalid_header_is_refused(name: str, value: str) -> None:
    with pytest.raises(InputError, match="header"):
        Request("GET", URL, headers={name: value})


def test_json_is_encoded_compactly_and_names_its_type() -> None:
    request = Request("post", URL, json={"a": [1, 2]})
    assert request.method == "POST"
    assert request.body == b'{"a":[1,2]}'
    assert request.headers == (("Content-Type", "application/json"),)


def test_given_content_type_is_kept() -> None:
    request = Request("POST", URL, headers={"content-type": "text/x"}, json=[])
    assert request.headers == (("content-type", "text/x"),)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_value_without_json_form_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="cannot be written as JSON"):
        Request("POST", URL, json=value)


def test_body_and_json_exclude_each_other() -> None:
    with pytest.raises(InputError, match="json: a request has a body and JSON"):
        Request("POST", URL, body="x", json={})


@pytest.mark.parametrize("weight", [0, -1, float("nan")])
def test_a_weight_must_be_above_zero(weight: float) -> None:
    with pytest.raises(InputError, match="weight"):
        Request("GET", URL, weight=weight)


def test_names_and_origin() -> None:
    assert Request("GET", "http://host").name == "GET /"
    assert Request("GET", "http://host/a?b=c").name == "GET /a"
    assert Request("GET", "http://host", name="mine").name == "mine"
    assert Request("GET", "https://user:pw@Host/x").origin == ("https", "host", 443)
    assert Request("GET", "http://[::1]:81/x").origin == ("http", "::1", 81)


def test_repeated_headers_keep_their_order() -> None:
    pairs = (("A", "1"), ("B", "2"), ("A", "3"))
    assert Request("GET", URL, headers=pairs).headers == pairs


def test_credentials_in_the_url_become_a_header() -> None:
    request = Request("GET", "http://me:s%40crt@127.0.0.1:8000/x")
    assert request.url == "http://127.0.0.1:8000/x"
    assert request.headers == (("Authorization", "Basic bWU6c0BjcnQ="),)
    own = Request("GET", "http://me:x@host/", headers={"authorization": "Bearer t"})
    assert own.headers == (("authorization", "Bearer t"),)
    assert Request.from_dict(request.to_dict()) == request


@pytest.mark.parametrize(
    ("host", "reason"),
    [("a..b", "a label is empty"), ("x" * 64 + ".example", "63"), ("☃.example", r"U\+2603")],
)
def test_invalid_host_is_refused(host: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"impossible host '{host}' .*{reason}"):
        Request("GET", f"http://{host}/")


def test_hosts_become_ascii() -> None:
    assert Request("GET", "http://bücher.example:81/").url == "http://xn--bcher-kva.example:81/"


@pytest.mark.parametrize(
    "url",
    [
        "http://me:SECRET@host:0/",
        "http://me:PW#SECRET@host/",
        "http://me:SECRET/SECRET@host/",
        "http://me:PW?SECRET@host/",
        "me:SECRET@host/",
        "ftp://me:SECRET@host/",
        "http://me:SECRET@ho st/",
        "http://me:SECRET@a..b/",
        "http://me:SECRET@[::1/",
        "http://me:SECRET@/",
        "http://me:SECRET@{{uuid}}/",
        "http://host:port/?token=SECRET",
        "http://host:port/#token=SECRET",
    ],
)
def test_messages_do_not_repeat_credentials(url: str) -> None:
    with pytest.raises(InputError, match=r"^url=") as caught:
        Request("GET", url)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None or "SECRET" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "values",
    [
        {"url": "http://me:SECRET@host/?token=SECRET", "weight": 0},
        {"url": URL, "headers": {"Authorization Bearer SECRET": ""}},
        {"url": URL, "headers": {"Authorization": "SECRET€"}},
        {"url": URL, "headers": {"Authorization": "SECRET\n"}},
        {"url": URL, "headers": "Authorization: SECRET"},
        {"url": URL, "headers": ["Authorization: SECRET"]},
    ],
)
def test_header_messages_do_not_repeat_secrets(values: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        Request("GET", **values)
    assert "SECRET" not in str(caught.value)


def test_unescaped_password_error_names_the_remedy() -> None:
    with pytest.raises(InputError, match=r"http://\*\*\*@host/.*percent-encode / \? #"):
        Request("GET", "http://me:PW#SECRET@host/")


def test_query_auth_and_cookies_are_written_into_the_request() -> None:
    request = Request(
        "GET",
        URL + "?a=1#part",
        query={"q": "x y", "n": [1, 2]},
        auth=("ada", "p:w"),
        cookies={"a": "1", "b": "2"},
    )
    assert request.url == URL + "?a=1&q=x+y&n=1&n=2#part"
    assert request.headers == (
        ("Authorization", "Basic YWRhOnA6dw=="),
        ("Cookie", "a=1; b=2"),
    )


def test_a_field_in_a_query_stays_a_field() -> None:
    assert Request("GET", URL, query={"id": "{{uuid}}"}).url == URL + "?id={{uuid}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{a}} {{seq}} {{ a }} {{prénom}}", ["{{ a }}", "{{prénom}}"]),
        ("{{first name}}", ["{{first name}}"]),
        ('{{1, 2}} {"a":{"b":{}}} {{}} {{ }} {{{x}}} {{"a"}}', []),
    ],
)
def test_what_looks_like_a_field_and_is_none_is_found(text: str, expected: list[str]) -> None:
    assert Request("POST", URL, body=text).malformed_fields == expected
    assert Request("POST", URL, query={"q": text}).malformed_fields == expected


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", ""),
        ('{"a": [1, null, "NaN"]}', ""),
        ('{"a": {{a}}, "b": "{{seq}}"}', ""),
        ('{"a": NaN}', "JSON has no NaN"),
        ('{"a": -Infinity}', "JSON has no -Infinity"),
        ("{'a': 1}", "Expecting property name"),
    ],
)
def test_a_body_that_is_not_the_json_it_says_is_found(body: str, problem: str) -> None:
    typed = Request("POST", URL, {"Content-Type": "application/json; charset=utf-8"}, body)
    assert typed.body_problem.startswith(problem)
    assert bool(typed.body_problem) == bool(problem)
    assert Request("POST", URL, {"Content-Type": "text/plain"}, body).body_problem == ""


def test_field_in_a_host_is_refused() -> None:
    with pytest.raises(InputError, match="field in its host"):
        Request("GET", "http://{{uuid}}.test/")


@pytest.mark.parametrize(
    ("url", "host", "authority"),
    [
        ("http://host.:81/", "host.", "host.:81"),
        ("http://faß.test/", "xn--fa-hia.test", "xn--fa-hia.test"),
        ("http://Bücher.example:81/", "xn--bcher-kva.example", "xn--bcher-kva.example:81"),
        ("http://my_service:81/", "my_service", "my_service:81"),
        ("http://[fe80::1%25lo]:81/", "fe80::1%lo", "[fe80::1]:81"),
        ("http://[fe80::1%lo]:81/", "fe80::1%lo", "[fe80::1]:81"),
        ("http://[FE80::1%25Eth0]/", "fe80::1%Eth0", "[fe80::1]"),
        ("http://[fe80::1%2525]:81/", "fe80::1%25", "[fe80::1]:81"),
        ("http://[::1]:81/", "::1", "[::1]:81"),
    ],
)
def test_host_that_is_connected_to_and_host_that_is_sent(
    url: str, host: str, authority: str
) -> None:
    request = Request("GET", url)
    assert (request.origin.host, request.authority) == (host, authority)
    assert Request.from_dict(request.to_dict()) == request
    assert Request("GET", request.url) == request


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        ({"Content-Length": "4"}, "hello", "Content-Length is 4, and the body has 5 bytes"),
        ({"Content-Length": "2"}, "h", "Content-Length is 2, and the body has 1 byte"),
        ({"content-length": "5"}, "", "Content-Length is 5, and the body has 0 bytes"),
        ({"Content-Length": "five"}, "hello", "Content-Length is five"),
        ({"Content-Length": "{{seq}}"}, "hello", "Content-Length is {{seq}}"),
        ([("Content-Length", "5"), ("Content-Length", "5")], "hello", "Content-Length is 5, 5"),
        ({"Content-Length": "5"}, "{{seq}}", "its length varies"),
        ({"Transfer-Encoding": "chunked"}, "hello", "Transfer-Encoding cannot be given"),
        ({"transfer-encoding": "identity"}, "", "Transfer-Encoding cannot be given"),
    ],
)
def test_headers_that_contradict_the_body_are_refused(
    headers: Any, body: str, message: str
) -> None:
    with pytest.raises(InputError, match=f"{message}.*leave it out"):
        Request("POST", URL, headers=headers, body=body)


def test_a_right_length_is_kept() -> None:
    headers = {"Content-Length": "5"}
    assert Request("POST", URL, headers, "hello").headers == (("Content-Length", "5"),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"body": {"a": 1}}, "body: must be text or bytes, not dict: give it as json="),
        ({"body": [1]}, "body: must be text or bytes, not list: give it as json="),
        ({"body": 5}, "body: must be text or bytes, not int"),
        ({"body": "a\ud800"}, "body: has half a character at position 1"),
        ({"name": "\udcff"}, "name: has half a character at position 0"),
        ({"headers": {"X-A": "\ud800"}}, "headers: has half a character at position 0"),
        ({"body": None}, "body: must be text or bytes, not NoneType: leave it out"),
        ({"url": b"http://me:s3cret@h/"}, "url: must be text, not bytes"),
        ({"method": None}, "method: must be text, not NoneType"),
        ({"name": 5}, "name: must be text, not int"),
        ({"weight": "2"}, "weight='2' must be a number above 0"),
        ({"weight": float("nan")}, "weight=nan must be a number above 0"),
        ({"auth": "me:s3cret"}, r"auth: must be a pair of texts: give \(user, password\)"),
        ({"cookies": "a=s3cret"}, "cookies: must be a mapping: give {name: value}"),
        ({"query": "a=s3cret"}, "query: a str cannot be read: give a mapping"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_right_one(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Request(**{"method": "POST", "url": URL, **given})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "body", ["µ", "µ".encode(), bytearray("µ".encode()), memoryview(b"\xc2\xb5")]
)
def test_a_body_is_text_or_bytes_of_any_kind(body: Any) -> None:
    assert Request("POST", URL, body=body).body == "µ".encode()
