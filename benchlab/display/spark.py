"""A small line of numbers in the place of a word: its blocks as text, for every renderer."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Spark"]

_BLOCKS = "▁▂▃▄▅▆▇█"


class Spark(str):
    """Numbers of 0 and above as text, a block each, from 0 to the highest; NaN is a gap.

    ``numbers`` has them for a renderer that can draw, and ``meaning`` says what they are.

    >>> Spark([0, 1, 2, 4], "p99 over the run")
    '▁▃▅█'
    """

    __slots__ = ("meaning", "numbers")
    numbers: tuple[float, ...]
    meaning: str

    def __new__(cls, numbers: Sequence[float], meaning: str) -> Spark:
        """A gap needs a number beside it: of no numbers, the text is a dash."""
        known = [number for number in numbers if math.isfinite(number)]
        highest = max(known, default=0.0) or 1.0
        text = "".join(_block(number, highest) for number in numbers)
        made = super().__new__(cls, text if known else "–")
        made.numbers = tuple(numbers) if known else ()
        made.meaning = meaning
        return made


def _block(number: float, highest: float) -> str:
    if not math.isfinite(number):
        return " "
    return _BLOCKS[round(max(number, 0) / highest * (len(_BLOCKS) - 1))]
