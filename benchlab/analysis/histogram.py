"""Histograms in buckets that are the same for every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.samples.samples import Endpoints, Samples
from benchlab.samples.statistics import DURATIONS
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EDGES_NS", "count_by_bucket", "histogram_table"]

_R20 = (
    *(100, 112, 125, 140, 160, 180, 200, 224, 250, 280),
    *(315, 355, 400, 450, 500, 560, 630, 710, 800, 900),
)

EDGES_NS: NDArray[np.int64] = np.array(
    [0, *(step * 10**power for power in range(1, 13) for step in _R20), 10**15], dtype=np.int64
)
"""Edges of the buckets: 0, then 20 per decade from 1 µs to 1,000,000 s.

Within a decade they follow the preferred numbers of the R20 series (ISO 3:1973), so every edge is
a short decimal, about 12 % above the one before.
"""


def histogram_table(samples: Samples, *, endpoint: Endpoints | None = None) -> pd.DataFrame:
    """One row per bucket from the lowest that holds anything to the highest.

    Edges never depend on the data: rows of two runs with the same ``lower_ms`` compare directly.
    ``endpoint`` selects one endpoint, or several together.
    Columns: ``lower_ms`` (inclusive), ``upper_ms`` (exclusive), ``latency_count``,
    ``latency_ratio`` and ``latency_cumulative_ratio`` (both 0 to 1), ``service_count``,
    ``lag_count``.

    Raises:
        InputError: a duration below zero or beyond the last edge; no endpoint has this name.
    """
    import pandas as pd

    samples = samples.endpoint(endpoint)

    counts = {name: count_by_bucket(samples, f"{name}_ns") for name in DURATIONS}
    filled = np.flatnonzero(np.sum(list(counts.values()), axis=0))
    rows = slice(filled[0], filled[-1] + 1) if len(filled) else slice(0, 0)
    total = max(len(samples), 1)
    return pd.DataFrame(
        {
            "lower_ms": EDGES_NS[:-1][rows] / NS_PER_MS,
            "upper_ms": EDGES_NS[1:][rows] / NS_PER_MS,
            "latency_count": counts["latency"][rows],
            "latency_ratio": counts["latency"][rows] / total,
            "latency_cumulative_ratio": np.cumsum(counts["latency"])[rows] / total,
            "service_count": counts["service"][rows],
            "lag_count": counts["lag"][rows],
        }
    )


def count_by_bucket(samples: Samples, name: str) -> NDArray[np.int64]:
    """How many values of the duration ``name``, such as ``latency_ns``, lie in each bucket.

    One count per bucket of `EDGES_NS`: ``int64``, one fewer than there are edges.

    Raises:
        InputError: a duration below zero or beyond the last edge.
    """
    counts = np.zeros(len(EDGES_NS) - 1, dtype=np.int64)
    for values_ns in samples.in_blocks(name):
        if len(values_ns) and (values_ns.min() < 0 or values_ns.max() >= EDGES_NS[-1]):
            wrong = values_ns.min() if values_ns.min() < 0 else values_ns.max()
            what = name.removesuffix("_ns")
            raise InputError(f"a {what} of {wrong} ns lies outside 0 … {EDGES_NS[-1]} ns")
        index = np.searchsorted(EDGES_NS, values_ns, side="right") - 1
        counts += np.bincount(index, minlength=len(counts))
    return counts
