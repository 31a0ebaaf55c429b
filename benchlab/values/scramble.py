"""Numbers that look random and follow from a sequence number alone."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["GOLDEN", "scrambled"]

GOLDEN = 0x9E3779B97F4A7C15
"""SplitMix64's step: multiples of it are what `scrambled` is meant for."""

_MASK = 2**64 - 1

Words = TypeVar("Words", int, NDArray[np.uint64])


def scrambled(words: Words) -> Words:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014) of a number below 2**64, or of an array.

    It needs no state, so all workers agree on it without a word.
    """
    mixed = ((words ^ (words >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)  # type: ignore[return-value]  # an int takes the array's type
