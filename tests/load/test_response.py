"""The reader of answers: the same result however the bytes are split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.load.wire.response import Answer, BrokenAnswerError, HeadMemory

BODIES = st.binary(max_size=200)


def plain(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def chunked(status: int, body: bytes, size: int) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    encoded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (status, encoded)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@given(
    status=st.sampled_from([200, 201, 404, 500]),
    body=BODIES,
    size=st.integers(0, 50),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_any_split_gives_the_same_answer(
    status: int, body: bytes, size: int, cuts: list[int]
) -> None:
    data = chunked(status, body, size) if size else plain(status, body)
    answer = Answer(head_only=False)
    done = [answer.feed(piece) for piece in split(data, cuts)]
    assert done[-1] is True
    assert not any(done[:-1])
    assert (answer.status, answer.body_bytes, answer.reusable) == (status, len(body), True)


@given(status=st.sampled_from([200, 404]), body=BODIES)
def test_a_remembered_head_says_what_the_parser_says(status: int, body: bytes) -> None:
    data = plain(status, body)
    head = data[: data.index(b"\r\n\r\n") + 4]
    learned = HeadMemory(head_only=False).learn(head)
    answer = Answer(head_only=False)
    answer.feed(data)
    assert learned == (answer.status, answer.body_bytes, answer.reusable)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_heads_without_a_plain_body_are_left_to_the_parser(head: bytes) -> None:
    memory = HeadMemory(head_only=False)
    assert memory.learn(head) is None
    assert memory.known == {head: None}


def test_the_memory_is_bounded() -> None:
    memory = HeadMemory(head_only=False)
    for number in range(2000):
        memory.learn(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Id: %d\r\n\r\n" % number)
    assert len(memory.known) <= 512


@pytest.mark.parametrize(
    ("data", "end", "complete"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nbody", True, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", True, False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            True,
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-", True, False),
    ],
)
def test_the_end_of_the_connection_completes_only_what_it_may(
    data: bytes, end: bool, complete: bool
) -> None:
    answer = Answer(head_only=False)
    assert answer.feed(data) is False
    assert answer.end() is complete


@given(data=st.binary(min_size=1, max_size=300))
def test_garbage_never_raises_anything_else(data: bytes) -> None:
    answer = Answer(head_only=False)
    try:
        complete = answer.feed(data)
    except BrokenAnswerError:
        return
    assert complete in (True, False)
