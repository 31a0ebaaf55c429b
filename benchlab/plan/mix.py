"""The mix of a plan's requests: their number, their name, and their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from benchlab.errors import InputError
from benchlab.plan.request import Request

__all__ = ["MAX_REQUESTS", "limited", "lookup", "mix_name", "request_order", "turns"]

MAX_REQUESTS = 65_536
"""The most requests of a plan: a sample has two bytes for the index of its own."""

_ORDER_SIZE = 65_536
_NAMED = 3


def limited(requests: Iterable[Request]) -> tuple[Request, ...]:
    """The requests, unless they are more than a sample can number."""
    found = tuple(islice(requests, MAX_REQUESTS + 1))
    if len(found) > MAX_REQUESTS:
        raise InputError(
            f"the plan has more than {MAX_REQUESTS:,}",
            field="requests",
            remedy="fill one request from a feed (data), or spread them over several plans",
        )
    return found


def mix_name(requests: Sequence[Request]) -> str:
    """The names of some requests, and how many more there are."""
    names = list(dict.fromkeys(request.name for request in requests))
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1:,} more"


def request_order(weights: Sequence[float], seed: int) -> list[int]:
    """Indexes of requests in the order in which they are sent, again and again.

    Shares follow the weights, in an order drawn by the seed. They are exact over a whole order,
    except that every request occurs at least once.

    >>> request_order([1.0], seed=1)
    [0]
    """
    if len(weights) == 1:
        return [0]
    import numpy as np

    exact = np.array(weights) / np.sum(weights) * _ORDER_SIZE
    counts = np.maximum(np.floor(exact).astype(np.int64), 1)
    for index in np.argsort(counts - exact)[: max(_ORDER_SIZE - int(counts.sum()), 0)]:
        counts[index] += 1
    order = np.repeat(np.arange(len(exact)), counts)
    drawn: list[int] = np.random.default_rng(seed).permutation(order).tolist()
    return drawn


def lookup(order: Sequence[int]) -> Callable[[int], int]:
    """A function of ``seq``: the index that ``order``, repeated without end, has there.

    >>> request_of = lookup([0, 1, 1])
    >>> [request_of(seq) for seq in range(5)]
    [0, 1, 1, 0, 1]
    """
    if len(order) == 1:
        only = order[0]
        return lambda seq: only
    size = len(order)
    return lambda seq: order[seq % size]


def turns(order: Sequence[int]) -> Callable[[int], int]:
    """A function of ``seq``: how often what it sends was sent before it in the run.

    The result follows from the sequence number alone, so that workers need no common counter.

    >>> turn_of = turns([0, 1, 1])
    >>> [turn_of(seq) for seq in range(6)]
    [0, 0, 1, 1, 2, 3]
    """
    if len(order) == 1:
        return lambda seq: seq
    import numpy as np

    drawn = np.array(order)
    per_round = np.bincount(drawn)
    sorted_by_index = np.argsort(drawn, kind="stable")
    first = np.cumsum(per_round) - per_round  # of each index, in the sorted order
    before = np.empty(len(drawn), dtype=np.int64)
    before[sorted_by_index] = np.arange(len(drawn)) - first[drawn[sorted_by_index]]
    size = len(order)
    earlier: list[int] = before.tolist()
    counts: list[int] = per_round[drawn].tolist()

    def turn(seq: int) -> int:
        round_number, place = divmod(seq, size)
        return round_number * counts[place] + earlier[place]

    return turn
