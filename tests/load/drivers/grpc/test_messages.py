"""Messages in DATA frames: split, joined, compressed; each length-prefixed as gRPC says."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.load.drivers.grpc.messages import MessageError, MessageReader, compress, frame


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 9), min_size=1))
def test_messages_are_found_wherever_frames_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(frame, messages))
    reader = MessageReader(keep_bytes=1000)
    lengths: list[int] = []
    sizes = itertools.cycle(cuts)
    while data:
        size = next(sizes)
        lengths += reader.feed(data[:size])
        data = data[size:]
    assert lengths == [len(message) for message in messages]
    assert reader.count == len(messages)
    assert [(flag, bytes(body)) for flag, body in reader.kept] == [(False, m) for m in messages]
    assert reader.is_whole
    assert reader.describe_end() == ""


def test_only_so_many_bytes_are_kept() -> None:
    reader = MessageReader(keep_bytes=4)
    assert reader.feed(frame(b"abc") + frame(b"defg") + frame(b"h")) == [3, 4, 1]
    assert [bytes(body) for _, body in reader.kept] == [b"abc", b"d"]
    assert MessageReader().feed(frame(b"abc")) == [3]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (frame(b"abcd")[:3], "the response ends after 3 of the 5 bytes before a message"),
        (frame(b"abcd")[:5], "the response ends after 0 of a message's 4 bytes"),
        (frame(b"x") + frame(b"abcd")[:-1], "the response ends after 3 of a message's 4 bytes"),
    ],
)
def test_an_end_within_a_message_is_described(data: bytes, why: str) -> None:
    reader = MessageReader()
    reader.feed(data)
    assert not reader.is_whole
    assert reader.describe_end() == why


def test_the_compressed_flag_is_noted_and_another_flag_is_an_error() -> None:
    reader = MessageReader(keep_bytes=10)
    reader.feed(frame(b"a", compressed=True) + frame(b"b"))
    assert reader.any_compressed
    assert [flag for flag, _ in reader.kept] == [True, False]
    with pytest.raises(MessageError, match="compressed flag of a message is 2"):
        reader.feed(b"\2\0\0\0\0")


def test_what_is_compressed_is_read_by_others() -> None:
    message = b"abc" * 100
    assert gzip.decompress(compress(message, "gzip")) == message
    assert zlib.decompress(compress(message, "deflate")) == message
    assert compress(message, "gzip") == compress(message, "gzip")
    with pytest.raises(InputError, match="gzip, deflate"):
        compress(message, "br")
