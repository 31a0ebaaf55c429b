"""Damage files as disks, editors, transfers and attackers do."""

from __future__ import annotations

import gzip
from random import Random

__all__ = ["mutated"]

_PIECES = [
    b"", b"\0", b"\n", b"\r", b'"', b",", b"{", b"}", b"[", b"null", b"NaN", b"-1", b"1e999",
    b"9" * 30, b"9" * 5_000, b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b", b"true", b"0", b"://",
    b"\xed\xa0\x80", b"\\ud800", b"<![CDATA[", b"&a;", b"\xc2\xb2", b"[" * 3_000,
]  # fmt: skip


def mutated(data: bytes, random: Random) -> bytes:
    """``data`` after a few random changes of bytes, words, lines, order, encoding and length."""
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        data = random.choice(_CHANGES)(data, random)
    return data


def _put_piece(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(_PIECES) + data[at + random.choice((0, 0, 1, 8)) :]


def _flip_bit(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _change_word(data: bytes, random: Random) -> bytes:
    words = data.split(random.choice((b",", b":", b'"', b" ")))
    at = random.randrange(len(words))
    word = words[at]
    found = data.find(word)
    return data[:found] + random.choice(_PIECES) + data[found + len(word) :]


def _move_lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    lines[at], lines[to] = lines[to], lines[at]
    if random.random() < 0.5:
        del lines[at]
    return b"\n".join(lines)


def _double(data: bytes, random: Random) -> bytes:
    return data + data if len(data) < 1 << 20 else data


def _recode(data: bytes, random: Random) -> bytes:
    text = data.decode(errors="replace")
    return text.encode(random.choice(("utf-16", "utf-16-be", "utf-8-sig")), "replace")


def _pack(data: bytes, random: Random) -> bytes:
    return gzip.compress(data, 1)


_CHANGES = [_put_piece, _put_piece, _flip_bit, _flip_bit, _cut, _change_word, _change_word,
            _move_lines, _double, _recode, _pack]  # fmt: skip
