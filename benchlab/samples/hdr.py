"""HdrHistogram's V2 compressed encoding, as used in histogram logs and by other languages.

A header with the length, then deflated: the histogram's settings, and the counts as signed LEB128
numbers in ZigZag form, where a negative number is a run of that many empty buckets. Logs encode it
in base64. (https://github.com/HdrHistogram/HdrHistogram, ``AbstractHistogram.java``)
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError

__all__ = ["Encoded", "edges", "pack", "unpack"]

_OUTER = struct.Struct(">II")  # cookie, length of what follows
_INNER = struct.Struct(">IIIIQQd")  # cookie, length, offset, digits, lowest, highest, ratio
_OUTER_COOKIE = 0x1C849314
_INNER_COOKIE = 0x1C849313
_WORD_SIZE = 0xF0  # the bits of a cookie that V2 leaves without a meaning
_LARGEST = 1 << 20  # bytes; 60 times what a day at three digits can take


class Encoded(NamedTuple):
    """The settings and counts of a histogram. ``counts`` ends with the last non-empty bucket."""

    digits: int
    lowest: int
    highest: int
    counts: NDArray[np.int64]

    def highest_values(self) -> NDArray[np.int64]:
        """The highest value that each bucket holds, which HdrHistogram reports for it."""
        sub_bits = math.ceil(math.log2(2 * 10**self.digits))
        unit = 1 << max(self.lowest.bit_length() - 1, 0)
        upper = edges(np.arange(len(self.counts)), 1 << (sub_bits - 1))[1]
        return upper * unit - 1


def edges(index: NDArray[np.int64], half: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Inclusive lower and exclusive upper edge of the buckets at ``index``, in units.

    The width of buckets doubles every ``half`` buckets from ``2 * half`` on.
    """
    level = np.maximum(index // half - 1, 0)
    width = np.left_shift(np.int64(1), level)
    lower = (index - level * half) * width
    return lower, lower + width


def pack(histogram: Encoded) -> str:
    """Encode ``histogram`` in base64."""
    numbers = bytearray()
    empty = 0
    for count in np.trim_zeros(histogram.counts, "b").tolist():
        if count == 0:
            empty += 1
            continue
        if empty:
            _put(numbers, -empty)
            empty = 0
        _put(numbers, count)
    digits, lowest, highest, _ = histogram
    inner = _INNER.pack(_INNER_COOKIE, len(numbers), 0, digits, lowest, highest, 1.0)
    deflated = zlib.compress(inner + numbers)
    return base64.b64encode(_OUTER.pack(_OUTER_COOKIE, len(deflated)) + deflated).decode()


def unpack(text: str) -> Encoded:
    """Decode what `pack` or another HdrHistogram library wrote.

    Raises:
        InputError: ``text`` is something else, or damaged.
    """
    try:
        return _unpack(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, struct.error, zlib.error, IndexError) as exc:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise InputError(
            f"{shown!r} is not a histogram in HdrHistogram's V2 compressed encoding ({exc})"
        ) from exc


def _unpack(data: bytes) -> Encoded:
    cookie, length = _OUTER.unpack_from(data)
    if cookie & ~_WORD_SIZE != _OUTER_COOKIE & ~_WORD_SIZE:
        raise ValueError(f"cookie {cookie:#x}")
    if length != len(data) - _OUTER.size:
        raise ValueError(f"{len(data) - _OUTER.size} bytes instead of {length}")
    inflater = zlib.decompressobj()
    inner = inflater.decompress(data[_OUTER.size :], _LARGEST)
    if not inflater.eof:
        raise ValueError("its compressed part is torn or too large")
    cookie, length, offset, digits, lowest, highest, ratio = _INNER.unpack_from(inner)
    if cookie & ~_WORD_SIZE != _INNER_COOKIE & ~_WORD_SIZE:
        raise ValueError(f"inner cookie {cookie:#x}")
    if offset or ratio != 1.0:
        raise ValueError("shifted or scaled values, which are not supported")
    counts: list[int] = []
    at, end = _INNER.size, _INNER.size + length
    if end != len(inner):
        raise ValueError(f"{len(inner) - _INNER.size} bytes of counts instead of {length}")
    while at < end:
        number, at = _take(inner, at)
        if number < 0:
            if len(counts) - number > _LARGEST:
                raise ValueError("too many buckets")
            counts.extend([0] * -number)
        else:
            counts.append(number)
    return Encoded(digits, lowest, highest, np.array(counts, dtype=np.int64))


def _put(out: bytearray, number: int) -> None:
    """Append ``number`` in ZigZag LEB128; a ninth byte has eight bits of data."""
    rest = (number << 1) ^ (number >> 63)
    for _ in range(8):
        if rest < 0x80:
            out.append(rest)
            return
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)


def _take(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, and the offset of the next one."""
    number = 0
    for place in range(9):
        byte = data[at + place]
        number |= (byte if place == 8 else byte & 0x7F) << (7 * place)
        if place == 8 or byte < 0x80:
            return (number >> 1) ^ -(number & 1), at + place + 1
    raise AssertionError("a ninth byte ends the number")
