"""Which of a plan's requests each sequence number is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["draw_mix", "turn_in_mix"]

_SIZE = 65_536


def draw_mix(weights: Sequence[float], seed: int) -> list[int]:
    """Request index by ``seq % len(mix)``: shares by weight, in an order by the seed.

    The shares over a whole mix are exact, but no request is left out, however light.
    """
    if len(weights) == 1:
        return [0]
    exact = np.array(weights) / np.sum(weights) * _SIZE
    counts = np.maximum(np.floor(exact).astype(np.int64), 1)
    for index in np.argsort(counts - exact)[: max(_SIZE - int(counts.sum()), 0)]:
        counts[index] += 1
    mix = np.repeat(np.arange(len(exact)), counts)
    return np.random.default_rng(seed).permutation(mix).tolist()  # type: ignore[no-any-return]


def turn_in_mix(mix: Sequence[int], index: int) -> Callable[[int], int]:
    """How many requests of number ``index`` come before ``seq`` in the run, as a function.

    It follows from the sequence number alone, so that workers need not agree on a counter.
    """
    if len(mix) == 1:
        return lambda seq: seq
    size = len(mix)
    before = np.concatenate(([0], np.cumsum(np.array(mix) == index))).tolist()
    per_round = before[-1]
    return lambda seq: seq // size * per_round + before[seq % size]
