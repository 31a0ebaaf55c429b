"""The number in a cell of a table, by which its column is sorted."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["number_of"]

# Of the units of one kind, how many of the smallest. Other units are not mixed in a column.
_FACTORS: Final = {
    "ns": 1e-6,
    "µs": 1e-3,
    "s": 1e3,
    "min": 6e4,
    "h": 3.6e6,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
}
_NUMBER = re.compile(r"[≥≤<>~×#]? ?([+−-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?:\s+(\S+)|%|$)")


def number_of(text: str) -> float | None:
    """The number that ``text`` begins with, in ms or bytes if it has such a unit.

    None if there is none, and for ids and dates, which are sorted as text.

    >>> number_of("1,234.5"), number_of("−3.2 %"), number_of("1.5 s"), number_of("≥ 12 ms")
    (1234.5, -3.2, 1500.0, 12.0)
    >>> number_of("0193f0a1b2c3d4e5"), number_of("2026-11-03 14:02"), number_of("–")
    (None, None, None)
    """
    found = _NUMBER.match(text)
    if found is None:
        return None
    number = float(found[1].replace(",", "").replace("−", "-"))
    return number * _FACTORS.get(found[2] or "", 1.0)
