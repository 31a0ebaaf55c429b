"""Targets of recorded requests: what is sent, what is masked, and what cannot be sent."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.plan.recording.skipped import Skip, describe_skipped
from benchlab.plan.recording.target import Target, read_request_line, read_target

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/", Target("/")),
        ("/a/b-c_d.e~f", Target("/a/b-c_d.e~f")),
        ("/a?", Target("/a?")),
        ("/a?b=c&d", Target("/a?b=c&d")),
        ("//host/path", Target("//host/path")),
        ("/a b#c", Target("/a%20b%23c")),
        ("/{x}|[y]", Target("/{x}|[y]")),
        ("/\u00e9", Target("/%C3%A9")),
        (r"/\x22\xFF\t\\", Target('/"%FF%09\\')),
        ("/?token=abc&x=1", Target("/?token=***&x=1", "", True)),
        ("/?%74oken=abc", Target("/?%74oken=***", "", True)),
        ("/a;jsessionid=1F", Target("/a;jsessionid=***", "", True)),
        ("/?next=http://me:pw@h/", Target("/?next=http://me:***@h/", "", True)),
        (f"/reset/{JWT}/x?y={JWT}", Target("/reset/***/x?y=***", "", True)),
        ("http://me:pw@Shop.test:81?a=1", Target("/?a=1", "shop.test:81")),
        ("https://shop.test", Target("/", "shop.test")),
        ("*", Skip.ASTERISK),
        ("ws://h/", Skip.WEBSOCKET),
        ("blob:https://h/1", Skip.OTHER_SCHEME),
        ("no-path", Skip.NOT_HTTP),
        ("/" + "a" * 70_000, Skip.TOO_LONG),
        ("/" + "\u00e9" * 30_000, Skip.TOO_LONG),
    ],
)
def test_targets_are_sent_as_they_were_without_their_secrets(
    raw: str, expected: Target | Skip
) -> None:
    assert read_target("GET", raw) == expected


def test_methods_that_cannot_be_sent() -> None:
    assert read_target("CONNECT", "h:443") is Skip.CONNECT
    assert read_target("get", "/") is Skip.NOT_HTTP
    assert read_target("", "/") is Skip.NOT_HTTP


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET / HTTP/1.1", ("GET", "/")),
        ("GET /a b HTTP/2.0", ("GET", "/a b")),
        ("GET /old", ("GET", "/old")),
        ("PRI * HTTP/2.0", ("PRI", "*")),
        ("GET  HTTP/1.1", Skip.NOT_HTTP),
        ("GET", Skip.NOT_HTTP),
        ("", Skip.NOT_HTTP),
        ("-", Skip.NOT_HTTP),
        ("\x16\x03", Skip.NOT_HTTP),
    ],
)
def test_request_lines(line: str, expected: tuple[str, str] | Skip) -> None:
    assert read_request_line(line) == expected


@given(st.text(max_size=60))
def test_what_is_sent_is_a_valid_target_with_the_same_bytes(text: str) -> None:
    raw = "/" + text.replace("\\", "").replace("%", "")
    if any(0xD800 <= ord(mark) < 0xDC80 or 0xDCFF < ord(mark) < 0xE000 for mark in raw):
        return
    found = read_target("GET", raw)
    assert isinstance(found, Target)
    assert all(0x21 <= ord(mark) <= 0x7E and mark != "#" for mark in found.path)
    if not found.is_masked:
        assert unquote_to_bytes(found.path) == raw.encode("utf-8", "surrogateescape")


def test_every_reason_has_a_meaning() -> None:
    assert len(describe_skipped({reason.value: 2 for reason in Skip})) == len(Skip)
