"""HAR files as browsers write them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab import Recording
from benchlab.errors import InputError
from benchlab.plan.recording.bodies import masked_body
from tests.plan.recording.recordings import BASE, rows


def entry(url: str, second: float = 0, method: str = "GET", **more: Any) -> dict[str, Any]:
    request = {"method": method, "url": url, **more.pop("request", {})}
    return {
        "startedDateTime": f"2026-03-14T08:00:{second:06.3f}Z",
        "time": 12.5,
        "request": request,
        "response": {"status": 200},
        **more,
    }


def har(directory: Path, *entries: Any, name: str = "page.har") -> Recording:
    path = directory / name
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return Recording.from_har(path)


def posted(text: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"postData": {"mimeType": kind, "text": text, **more}}


def test_times_methods_bodies_and_pages_are_those_of_the_browser(tmp_path: Path) -> None:
    found = har(
        tmp_path,
        entry("https://shop.test/?token=abc#top", 0.005, pageref="page_1"),
        entry("https://shop.test/late#part", 2, pageref="page_2"),
        entry(
            "https://shop.test/cart?x=1", 0.12, "POST", pageref="page_1",
            request=posted('{"item": 7}', "application/json"),
        ),
        entry("https://fonts.test/a.woff", 0.2, pageref="page_1"),
        entry("https://shop.test/empty", 0.3, "post", request={"bodySize": 0}),
        entry("https://shop.test/unknown", 0.4, "PUT", request={"bodySize": 5}),
        entry("data:image/gif;base64,R0", 0.5),
        entry("blob:https://shop.test/1", 0.5),
        entry("wss://shop.test/live", 0.5),
        entry("https://shop.test/live", 0.5, _resourceType="websocket"),
        entry("https://shop.test/cached", 0.5, _fromCache="disk"),
        entry("https://shop.test/ad", 0.5, response={"_error": "net::ERR_BLOCKED_BY_CLIENT"}),
        {**entry("https://shop.test/when"), "startedDateTime": "yesterday"},
        {"request": "GET"},
        {"request": {"method": 1, "url": "/"}},
    )  # fmt: skip
    assert rows(found) == [
        (0.0, "GET", "/?token=***"),
        (0.115, "POST", "/cart?x=1"),
        (0.195, "GET", "/a.woff"),
        (0.295, "POST", "/empty"),
        (0.395, "PUT", "/unknown"),
        (1.995, "GET", "/late"),
    ]
    assert found.counts.skipped == {
        "other_scheme": 2,
        "websocket": 2,
        "not_sent": 2,
        "no_time": 1,
        "malformed": 2,
    }
    assert found.requests.session.tolist() == [0, 0, 0, -1, -1, 1]
    plan = found.plan(BASE)
    assert plan.recorded is not None
    assert plan.recorded.skipped["other_host"] == 1
    assert plan.recorded.skipped["body_not_recorded"] == 1
    assert plan.content_of(1).body == b'{"item": 7}'
    cart = plan.requests[plan.request_of(1)]
    assert (cart.name, cart.headers) == ("POST /cart", (("Content-Type", "application/json"),))
    both = found.plan({"shop.test": BASE, "fonts.test": "http://other:81"})
    assert {str(origin) for origin in both.origins} == {"http://host:80", "http://other:81"}
    assert "GET /a.woff @ other:81" in both.endpoint_names


def test_bodies_are_sent_to_the_byte_without_their_secrets(tmp_path: Path) -> None:
    form = "application/x-www-form-urlencoded"
    raw = bytes(range(256))
    multipart = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\nhunter2\r\n--b--\r\n'
    bodies = [
        (posted("a=%20b+c&d", form), b"a=%20b+c&d"),
        (posted("user=me&password=hunter2", form), b"user=me&password=***"),
        ({"postData": {"mimeType": form, "params": [{"name": "a b", "value": "c&"}]}}, b"a+b=c%26"),
        (posted('{"user":"me","token":"t","n":[{"pin":1}],"auth":true}', "application/json"),
         b'{"user":"me","token":"***","n":[{"pin":"***"}],"auth":true}'),
        (posted('{"broken', "application/json"), b'{"broken'),
        (posted(multipart.format("password"), "multipart/form-data; boundary=b"),
         multipart.format("password").replace("hunter2", "***").encode()),
        (posted(multipart.format("name"), "multipart/form-data; boundary=b"),
         multipart.format("name").encode()),
        (posted("<a><Password>x</Password><b>y</b></a>", "text/xml"),
         b"<a><Password>***</Password><b>y</b></a>"),
        (posted(base64.b64encode(raw).decode(), "image/png", encoding="base64"), raw),
        (posted("caf\u00e9 \ud83d", "text/plain\u00e9"), "caf\u00e9 ".encode() + b"\xed\xa0\xbd"),
    ]  # fmt: skip
    entries = [
        entry("http://h/", second, "POST", request=request)
        for second, (request, _) in enumerate(bodies)
    ]
    found = har(tmp_path, *entries)
    plan = found.plan(BASE)
    assert [plan.content_of(seq).body for seq in range(len(bodies))] == [body for _, body in bodies]
    assert found.counts.masked == 4
    unknown = har(
        tmp_path,
        entry("http://h/", 0, "POST", request=posted("!", "x", encoding="base64")),
        entry("http://h/", 1, "POST", request={"postData": {"mimeType": "x"}}),
        entry("http://h/", 2, "POST", request={"postData": None}),
    )
    assert unknown.requests.body.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("kind", "body", "masked"),
    [
        ("application/json", '{"tokens":["a",{"id":7}],"page":2}',
         '{"tokens":["***",{"id":"***"}],"page":2}'),
        ("application/json", '{"next":"https://h/?token=abc","q":"\\ud83d"}', None),
        ("application/x-ndjson", '{"password":"a"}\n{"pin":12, "n":3}\n',
         '{"password":"***"}\n{"pin":"***", "n":3}\n'),
        ("application/json", '{"password": "hunter2", "cut', '{"password": "***", "cut'),
        ("text/plain;charset=UTF-8", '{"password":"hunter2"}', '{"password":"***"}'),
        ("text/plain", "user=me&password=hunter2", "user=me&password=***"),
        ("", "password=hunter2", "password=***"),
        ("text/plain", "x = y; password = z", "x = y; password = z"),
        ("application/x-www-form-urlencoded", "a=1\tb#c\n&?d", "a=1\tb#c\n&?d"),
        ("text/plain", "Bearer eyJhbGciOi.eyJzdWIiOi.c2ln", "Bearer ***"),
        ("text/xml", '<a password="x" b="y"><n:pin><![CDATA[12]]></n:pin></a>',
         '<a password="***" b="y"><n:pin>***</n:pin></a>'),
        ("multipart/form-data", "--b\nContent-Disposition: form-data; name=password\n\nx\n--b--\n",
         "--b\nContent-Disposition: form-data; name=password\n\n***\n--b--\n"),
        ("multipart/mixed; boundary=b",
         '--b\r\nContent-Type: application/json\r\n\r\n{"pin":1}\r\n--b--',
         '--b\r\nContent-Type: application/json\r\n\r\n{"pin":"***"}\r\n--b--'),
    ],
)  # fmt: skip
def test_secrets_are_found_in_whatever_a_body_is(kind: str, body: str, masked: str | None) -> None:
    shown = masked_body(body.encode(), kind)
    if masked is None:
        assert b"abc" not in shown
        assert json.loads(shown)["q"] == "\ud83d"
    else:
        assert shown == masked.encode()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b'Content-Disposition: form-data; name="a"\n\n' * 50_000),
        ("multipart/form-data; boundary=b", b"--b\n" + b'name="" ' * 200_000),
        ("text/xml", b"<a><![CDATA[" * 100_000),
        ("text/xml", b' a="' * 300_000),
        ("application/json", b'"a": "' * 200_000),
        ("application/json", b"[" * 1_000_000),
        ("", b"eyJaaaaa." * 100_000),
    ],
    ids=range(7),
)
def test_hostile_bodies_take_no_long_time(kind: str, body: bytes) -> None:
    assert masked_body(body, kind)


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
NESTED = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(NESTED)
def test_json_keeps_everything_but_its_secrets(value: Any) -> None:
    body = json.dumps({"secret": "hidden-value", "rest": value}).encode()
    masked = masked_body(body, "application/json")
    assert b"hidden-value" not in masked
    plain = json.dumps(value).encode()
    if b"***" not in masked_body(plain, "application/json"):
        assert json.loads(masked)["rest"] == value
        assert masked_body(plain, "application/json") == plain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a HAR file: it is not JSON"),
        ("[]", "it has no log with entries: save one with a browser"),
        ('{"log":{"entries":{}}}', "it has no log with entries"),
        ('{"log":{"entries":[3]}}', "entry 1 is 3"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_what_is_no_har(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.har").write_text(text)
    with pytest.raises(InputError, match=message):
        Recording.from_har(tmp_path / "x.har")


def test_a_request_arrives_when_it_had_a_connection(tmp_path: Path) -> None:
    found = har(
        tmp_path,
        entry("http://h/waits", 0, timings={"blocked": 1500.5, "dns": 20, "connect": 30, "ssl": 9}),
        entry("http://h/next", 1, timings={"blocked": -1, "dns": -1, "connect": 10**400}),
        entry("http://h/last", 2, timings=[]),
    )
    assert rows(found) == [(0.0, "GET", "/next"), (0.5505, "GET", "/waits"), (1.0, "GET", "/last")]


def test_numbers_beyond_all_bounds_are_unknown(tmp_path: Path) -> None:
    found = har(tmp_path, {**entry("http://h/"), "time": 10**400, "response": {"status": 10**40}})
    assert found.requests.status.tolist() == [0]
    assert str(found.requests.duration_ms.tolist()) == "[nan]"


def test_a_window_of_a_har(tmp_path: Path) -> None:
    har(tmp_path, entry("http://h/a"), entry("http://h/b", 30))
    found = Recording.from_har(tmp_path / "page.har", "08:00:10-09:00")
    assert rows(found) == [(0.0, "GET", "/b")]
