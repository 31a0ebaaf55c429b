"""Trace ids, and which requests are traced: both follow from the sequence number alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["GOLDEN", "is_traced", "is_traced_one", "scramble", "trace_id"]

GOLDEN = 0x9E3779B97F4A7C15
"""The increment of SplitMix64: pass multiples of it to `scramble`."""

_MASK = 2**64 - 1

Numbers = TypeVar("Numbers", int, "NDArray[np.uint64]")


def scramble(numbers: Numbers) -> Numbers:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014) of a number below 2**64, or of an array.

    It is stateless, so all workers agree on it without communicating.

    >>> hex(scramble(GOLDEN))
    '0xe220a8397b1dcdaf'
    """
    mixed = ((numbers ^ (numbers >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)  # type: ignore[return-value]  # an int takes the array's type


def trace_id(run_id: str, seq: int) -> str:
    """The W3C trace id of request ``seq``: the run's id, then the sequence number, in hex.

    >>> trace_id("0123456789abcdef", 255)
    '0123456789abcdef00000000000000ff'
    """
    return f"{run_id}{seq:016x}"


def is_traced_one(seq: int, ratio: float) -> bool:
    """Whether request ``seq`` asks to be traced: `is_traced` of a single number, without an array.

    >>> is_traced_one(0, 0.5), is_traced_one(3, 0.5)
    (False, True)
    """
    return ratio >= 1 or scramble((seq + GOLDEN) & _MASK) < int(ratio * 2**64)


def is_traced(seq: NDArray[np.int64], ratio: float) -> NDArray[np.bool_]:
    """A mask of the requests that ask to be traced: a fixed pseudo-random share ``ratio``.

    ``seq`` are sequence numbers (int64, of any shape); the mask has their shape. The choice follows
    no period of the load and needs no state.
    """
    import numpy as np

    if ratio >= 1:
        return np.ones(len(seq), dtype=np.bool_)
    mixed = scramble(seq.astype(np.uint64) + np.uint64(GOLDEN))
    chosen: NDArray[np.bool_] = mixed < np.uint64(int(ratio * 2**64))
    return chosen
