from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.decoding import decode
from benchlab.samples.examples import (
    BODY_BYTES,
    MOST,
    PER_KIND,
    Example,
    Quota,
    make_example,
    pick,
    show_first,
)
from benchlab.text import one_line, printable

anything = st.text(st.characters())


@given(
    status=st.integers(0, 999),
    message=anything,
    headers=st.lists(st.tuples(anything, anything), max_size=5),
    body=st.binary(max_size=4000),
    more=st.integers(0, 100),
)
def test_any_response_is_bounded_and_survives_json(
    status: int, message: str, headers: list[tuple[str, str]], body: bytes, more: int
) -> None:
    example = make_example("check", "a", 1, 2, status, message, headers, body, len(body) + more)
    text = json.dumps(example.to_dict())
    assert decode(text, Example, where="") == example
    assert len(example.body) <= BODY_BYTES
    assert len(example.message) <= 500
    assert example.body_bytes == len(body) + more
    assert not any(ord(mark) < 32 or 127 <= ord(mark) < 160 for mark in example.describe())


def test_a_character_cut_in_the_middle_is_left_out() -> None:
    example = make_example("check", "a", 1, 2, 200, "", (), "é".encode() * 2000, 4000)
    assert example.body == "é" * (BODY_BYTES // 2)
    odd = make_example("check", "a", 1, 2, 200, "", (), b"x" + "é".encode() * 2000, 4001)
    assert odd.body == "x" + "é" * (BODY_BYTES // 2 - 1)


def test_secrets_are_hidden() -> None:
    headers = [
        ("Set-Cookie", "sid=1"),
        ("WWW-Authenticate", "x"),
        ("Location", "https://u:pw@h/?token=abc&a=1"),
        ("Link", "<http://u:pw@h/?token=abc>; rel=next"),
        ("X-Trace", "t"),
    ]
    message = "Client error for url 'http://u:pw@h/?token=abc'"
    example = make_example("status", "a", 1, 2, 302, message, headers)
    assert example.message == "Client error for url 'http://u:***@h/?token=***'"
    assert example.headers == (
        ("Set-Cookie", "***"),
        ("WWW-Authenticate", "***"),
        ("Location", "https://u:***@h/?token=***&a=1"),
        ("Link", "<http://u:***@h/?token=***>; rel=next"),
        ("X-Trace", "t"),
    )


def test_a_location_that_is_not_a_url_is_unchanged() -> None:
    url = "http://[::1"
    assert make_example("status", "a", 1, 2, 302, "", [("Location", url)]).headers[0][1] == url


def test_a_quota_is_per_kind_endpoint_and_phase_and_in_all() -> None:
    quota = Quota()
    taken = 0
    for endpoint in range(100):
        for _ in range(2 * PER_KIND):
            if quota.wants("status", f"e{endpoint}", False):
                quota.take("status", f"e{endpoint}", False)
                taken += 1
    assert taken == MOST
    assert not quota.wants("status", "new", True)
    assert quota.wants("connect", "new", False)  # a kind that has none yet


def example(seq: int, kind: str = "check", message: str = "x", intended_ns: int = 100) -> Example:
    return Example(kind, "a", seq, intended_ns, 200, message)


def test_the_first_examples_of_several_workers_are_picked_in_order() -> None:
    found = [example(seq) for seq in (9, 7, 5, 3, 1, 8, 6, 4, 2, 0)]
    assert [item.seq for item in pick(found, 0)] == [0, 1, 2, 3, 4]


def test_shown_examples_are_distinct_and_of_every_kind() -> None:
    found = [example(1), example(2), example(3, message="y"), example(4, kind="tls")]
    shown = show_first(found, 50, 2)
    assert [(item.seq, warmup) for item, warmup in shown] == [(1, False), (4, False)]
    assert [item.seq for item, _ in show_first(found, 50, 9)] == [1, 4, 3]


def test_examples_of_the_warm_up_are_shown_if_nothing_else_failed() -> None:
    early, late = example(1, intended_ns=10), example(2, message="late")
    assert show_first([early, late], 50, 5) == [(late, False)]
    assert show_first([early], 50, 5) == [(early, True)]
    assert "in the warm-up" in early.describe(warmup=True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\t c", "a b c"),
        ("\x1b[31mred\x9b0m", "[31mred 0m"),
        ("\u202egnp.exe", "gnp.exe"),
        ("x" * 20, "x" * 9 + "…"),
    ],
)
def test_describe_is_one_line_without_control_characters(text: str, line: str) -> None:
    assert one_line(text, 10) == line


def test_text_for_pages_keeps_its_lines() -> None:
    assert printable("a\r\nb\tc\x00\x1b\u202e") == "a\nb\tc���"
