"""How a run went over time: one row per bucket of intended time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["choose_bucket_s", "timeseries"]

_WIDTHS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0),
)
_MOST_CHOSEN = 150
_FEWEST_CHOSEN = 10
_FEWEST_PER_BUCKET = 200  # twice what a p99 needs, since a bucket may have fewer
_MOST_ASKED = 1_000_000


def choose_bucket_s(duration_s: float, count: int) -> float:
    """A round bucket width that cuts ``duration_s`` into at most 150 buckets.

    Fewer where ``count`` requests would leave a bucket with less than 200 on average, but not
    fewer than about 10.
    """
    most = min(max(count / _FEWEST_PER_BUCKET, _FEWEST_CHOSEN), _MOST_CHOSEN)
    for width in _WIDTHS_S:
        if duration_s <= width * most:
            return width
    return _WIDTHS_S[-1]


def timeseries(
    samples: Samples, start_ns: int, end_ns: int, bucket_s: float | None = None
) -> pd.DataFrame:
    """One row per bucket of the window from ``start_ns`` to ``end_ns``, empty buckets included.

    A request belongs to the bucket it was intended in, so a stall of the service shows
    where it began. Requests intended outside the window are left out; the last bucket may be
    narrower than the others, and its rates respect that.

    Columns: ``start_s`` from the start of the run; ``count``; ``error_count``; ``rate_rps`` of
    intended requests; ``done_rps`` of responses (and failures) by the time they were complete;
    exact ``latency_p50_ms``, ``latency_p90_ms``, ``latency_p99_ms``, ``latency_max_ms`` and
    ``lag_p99_ms``, NaN in an empty bucket; ``bytes_in``.

    Raises:
        InputError: a bucket width that is not above zero, or that gives over a million buckets.
    """
    import pandas as pd

    length_ns = max(end_ns - start_ns, 0)
    intended_ns = samples.column("intended_ns")
    inside = samples.where((intended_ns >= start_ns) & (intended_ns < end_ns))
    if bucket_s is None:
        bucket_s = choose_bucket_s(length_ns / NS_PER_S, len(inside))
    if not bucket_s > 0:
        raise InputError(f"bucket_s={bucket_s!r} must be above 0 seconds")
    width_ns = max(1, seconds_to_ns(bucket_s))
    bucket_count = -(-length_ns // width_ns)
    if bucket_count > _MOST_ASKED:
        raise InputError(
            f"bucket_s={bucket_s!r} gives {bucket_count:,} buckets:"
            f" use a width that gives at most {_MOST_ASKED:,}"
        )
    starts_ns = start_ns + np.arange(bucket_count, dtype=np.int64) * width_ns
    lengths_s = np.minimum(width_ns, end_ns - starts_ns) / NS_PER_S

    bucket = (inside.column("intended_ns") - start_ns) // width_ns
    counts = np.bincount(bucket, minlength=bucket_count)
    errors = np.bincount(bucket[inside.column("error") != 0], minlength=bucket_count)
    received = np.bincount(bucket, weights=inside.column("bytes_in"), minlength=bucket_count)
    done_ns = samples.column("done_ns")
    in_time = (done_ns >= start_ns) & (done_ns < end_ns)
    done = np.bincount((done_ns[in_time] - start_ns) // width_ns, minlength=bucket_count)
    latency = _by_bucket(bucket, inside.latency_ns, counts, (0.5, 0.9, 0.99, 1.0))
    lag = _by_bucket(bucket, inside.lag_ns, counts, (0.99,))
    return pd.DataFrame(
        {
            "start_s": starts_ns / NS_PER_S,
            "count": counts,
            "error_count": errors,
            "rate_rps": counts / lengths_s,
            "done_rps": done / lengths_s,
            "latency_p50_ms": latency[0],
            "latency_p90_ms": latency[1],
            "latency_p99_ms": latency[2],
            "latency_max_ms": latency[3],
            "lag_p99_ms": lag[0],
            "bytes_in": received.astype(np.int64),
        }
    )


def _by_bucket(
    bucket: NDArray[np.int64],
    values_ns: NDArray[np.int64],
    counts: NDArray[Any],
    ratios: tuple[float, ...],
) -> list[NDArray[np.float64]]:
    """For each ratio, the exact percentile of every bucket in ms (same rule as the summary's)."""
    ordered = _sorted_within(bucket, values_ns)
    first = np.cumsum(counts) - counts
    filled = counts > 0
    columns = []
    for ratio in ratios:
        rank = np.minimum((ratio * counts).astype(np.int64), counts - 1)
        column = np.full(len(counts), np.nan)
        column[filled] = ordered[(first + rank)[filled]] / NS_PER_MS
        columns.append(column)
    return columns


def _sorted_within(bucket: NDArray[np.int64], values_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """``values_ns`` ordered by bucket, then by value."""
    if len(values_ns) == 0:
        return values_ns
    low, high = int(values_ns.min()), int(values_ns.max())
    span = high - low + 1
    if (int(bucket.max()) + 1) * span >= 2**63:
        return values_ns[np.lexsort((values_ns, bucket))]
    # One sort of one integer per request is several times faster than a sort by two keys.
    ordered: NDArray[np.int64] = np.sort(bucket * span + (values_ns - low)) % span + low
    return ordered
