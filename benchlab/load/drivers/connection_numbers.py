"""Number the connections of a run, as samples have it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from benchlab.samples.records import SAMPLE_DTYPE

__all__ = ["connection_numbers"]

_MOST = int(np.iinfo(SAMPLE_DTYPE["connection"]).max)


def connection_numbers(worker: int, workers: int) -> Iterator[int]:
    """The numbers of the connections that a worker opens, one after the other.

    Workers have different ones, until after 65,535 connections they begin again.

    >>> numbers = connection_numbers(1, 2)
    >>> next(numbers), next(numbers)
    (2, 4)
    """
    return (1 + number % _MOST for number in count(worker, workers))
