"""Latency over time as counts: how many requests of each moment took how long."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.histogram import EDGES_NS
from benchlab.samples.samples import Endpoints, Samples

__all__ = ["LatencyGrid", "latency_grid"]


class LatencyGrid(NamedTuple):
    """Requests by time and latency.

    ``counts`` and ``error_counts`` have a row per bucket of time and a column per bucket of latency
    (int64); ``times_ns`` and ``latencies_ns`` are the edges, one more of each. Failed requests are
    in both.
    """

    times_ns: NDArray[np.int64]
    latencies_ns: NDArray[np.int64]
    counts: NDArray[np.int64]
    error_counts: NDArray[np.int64]


def latency_grid(
    samples: Samples, times_ns: NDArray[np.int64], *, endpoint: Endpoints | None = None
) -> LatencyGrid:
    """Count requests by the time they were intended at and by their latency.

    ``times_ns`` are the increasing edges of the buckets of time; requests intended before the first
    or from the last on are left out. The buckets of latency are those of `histogram_table`, from
    the lowest to the highest that holds anything, so heatmaps of two runs compare row by row.

    Raises:
        InputError: no endpoint has this name.
    """
    samples = samples.endpoint(endpoint)
    rows, columns = max(len(times_ns) - 1, 0), len(EDGES_NS) - 1
    counts = np.zeros((2, rows * columns), dtype=np.int64)
    for block in samples.blocks() if rows else ():
        intended_ns = block.column("intended_ns")
        inside = (intended_ns >= times_ns[0]) & (intended_ns < times_ns[-1])
        row = np.searchsorted(times_ns, intended_ns[inside], side="right") - 1
        latency_ns = np.clip(block.latency_ns[inside], 0, EDGES_NS[-1] - 1)
        code = row * columns + np.searchsorted(EDGES_NS, latency_ns, side="right") - 1
        counts[0] += np.bincount(code, minlength=rows * columns)
        failed = code[block.column("error")[inside] != 0]
        if len(failed):
            counts[1] += np.bincount(failed, minlength=rows * columns)
    every, errors = counts.reshape(2, rows, columns)
    filled = np.flatnonzero(every.any(axis=0))
    first, end = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
    return LatencyGrid(
        times_ns, EDGES_NS[first : end + 1], every[:, first:end], errors[:, first:end]
    )
