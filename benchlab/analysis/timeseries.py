"""How a run went over time: one row per bucket of intended time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.in_flight import in_flight
from benchlab.errors import InputError
from benchlab.samples.samples import Endpoints, Samples
from benchlab.units import NS_PER_MS, NS_PER_S, seconds_to_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["choose_bucket_s", "rates_and_latencies", "timeseries"]

_WIDTHS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0),
)
_MOST_CHOSEN = 150
_FEWEST_CHOSEN = 10
_FEWEST_PER_BUCKET = 200  # twice what a p99 needs, since a bucket may have fewer
_MOST_ASKED = 1_000_000
_MOST_HELD = 500_000  # requests

_RATIOS = {"latency_ns": (0.5, 0.9, 0.99, 1.0), "lag_ns": (0.99,)}


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
    samples: Samples,
    start_ns: int,
    end_ns: int,
    bucket_s: float | None = None,
    *,
    endpoint: Endpoints | None = None,
    whole: Samples | None = None,
) -> pd.DataFrame:
    """One row per bucket of the window from ``start_ns`` to ``end_ns``, empty buckets included.

    A request belongs to the bucket it was intended in, so a stall of the service shows
    where it began. Requests intended outside the window are left out; the last bucket may be
    narrower than the others, and its rates respect that. ``endpoint`` selects one endpoint, or
    several together.

    Columns: ``start_s`` from the start of the run; ``count``; ``error_count``; ``rate_rps`` of
    intended requests; ``done_rps`` of responses (and failures) by the time they were complete;
    exact ``latency_p50_ms``, ``latency_p90_ms``, ``latency_p99_ms``, ``latency_max_ms`` and
    ``lag_p99_ms``, NaN in an empty bucket; ``bytes_in``; ``in_flight``, the mean number of requests
    in flight over the time of the bucket, and ``in_flight_max``, the most at any moment of it.

    In flight are also requests sent before the window that are still open: ``whole`` are all
    samples of the run, of which ``samples`` are the measured ones; by default there are no others.

    Raises:
        InputError: a bucket width that is not above zero, or that gives over a million buckets; no
            endpoint has this name.
    """
    whole = (samples if whole is None else whole).endpoint(endpoint)
    samples = samples.endpoint(endpoint)
    if bucket_s is None:
        count = len(_inside(samples, start_ns, end_ns))
        bucket_s = choose_bucket_s(max(end_ns - start_ns, 0) / NS_PER_S, count)
    table = rates_and_latencies(samples, start_ns, end_ns, bucket_s)
    counted = in_flight(whole, start_ns, end_ns, max(1, seconds_to_ns(bucket_s)))
    return table.assign(in_flight=counted.mean, in_flight_max=counted.max)


def rates_and_latencies(
    samples: Samples, start_ns: int, end_ns: int, bucket_s: float
) -> pd.DataFrame:
    """A `timeseries` without its requests in flight, which take as long as all other columns.

    Raises:
        InputError: a bucket width that is not above zero, or that gives over a million buckets.
    """
    import pandas as pd

    if not bucket_s > 0:
        raise InputError(f"bucket_s={bucket_s!r} must be above 0 seconds")
    width_ns = max(1, seconds_to_ns(bucket_s))
    bucket_count = -(-max(end_ns - start_ns, 0) // width_ns)
    if bucket_count > _MOST_ASKED:
        raise InputError(
            f"bucket_s={bucket_s!r} gives {bucket_count:,} buckets:"
            f" use a width that gives at most {_MOST_ASKED:,}"
        )
    inside = _inside(samples, start_ns, end_ns)
    starts_ns = start_ns + np.arange(bucket_count, dtype=np.int64) * width_ns
    lengths_s = np.minimum(width_ns, end_ns - starts_ns) / NS_PER_S

    def count(times_ns: NDArray[np.int64], weights: NDArray[Any] | None = None) -> NDArray[Any]:
        return np.bincount((times_ns - start_ns) // width_ns, weights, minlength=bucket_count)

    counts, errors, done = (np.zeros(bucket_count, dtype=np.int64) for _ in range(3))
    received = np.zeros(bucket_count)
    first_ns: list[int] = []
    for block in inside.blocks():
        if not len(block):
            continue
        intended_ns = block.column("intended_ns")
        first_ns.append(int(intended_ns.min()))
        counts += count(intended_ns)
        errors += count(intended_ns[block.column("error") != 0])
        received += count(intended_ns, block.column("bytes_in"))
    for done_ns in samples.in_blocks("done_ns"):
        done += count(done_ns[(done_ns >= start_ns) & (done_ns < end_ns)])
    latency, lag = (np.full((len(ratios), bucket_count), np.nan) for ratios in _RATIOS.values())
    for buckets, values in _whole_buckets(inside, first_ns, start_ns, width_ns):
        for found, (name, ratios) in zip((latency, lag), _RATIOS.items(), strict=True):
            _fill(found, buckets, values[name], ratios)
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


def _inside(samples: Samples, start_ns: int, end_ns: int) -> Samples:
    """The requests intended in the window."""
    return samples.choose(
        lambda records: (records["intended_ns"] >= start_ns) & (records["intended_ns"] < end_ns)
    )


def _whole_buckets(
    samples: Samples, first_ns: list[int], start_ns: int, width_ns: int
) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]]:
    """All requests of some buckets at a time: their buckets, and the values named in `_RATIOS`.

    Requests are held until no later block can have one of the same bucket. Since they come nearly
    in the order of their times, few are held, however long the run. ``first_ns`` is the first
    intended time of each block.
    """
    later_ns = [*np.minimum.accumulate(first_ns[::-1])[::-1][1:].tolist(), None]
    held = np.empty((1 + len(_RATIOS), 0), dtype=np.int64)
    new: list[NDArray[np.int64]] = []
    count, limit = 0, _MOST_HELD
    blocks = (block for block in samples.blocks() if len(block))
    for block, next_ns in zip(blocks, later_ns, strict=bool(first_ns)):
        buckets = (block.column("intended_ns") - start_ns) // width_ns
        new.append(np.stack([buckets, *(getattr(block, name) for name in _RATIOS)]))
        count += len(block)
        if count < limit and next_ns is not None:
            continue
        held = np.concatenate([held, *new], axis=1)
        new.clear()
        end = _MOST_ASKED if next_ns is None else (next_ns - start_ns) // width_ns
        complete = held[0] < end
        buckets, *values = held[:, complete]
        held = held[:, ~complete]
        count = held.shape[1]
        limit = max(_MOST_HELD, 2 * count)
        if len(buckets):
            yield buckets, dict(zip(_RATIOS, values, strict=True))


def _fill(
    found: NDArray[np.float64],
    bucket: NDArray[np.int64],
    values_ns: NDArray[np.int64],
    ratios: tuple[float, ...],
) -> None:
    """Fill in the exact percentiles of these buckets in ms, a row of ``found`` for each ratio.

    The rule is that of the summary's.
    """
    start = int(bucket.min())
    ordered = _sorted_within(bucket - start, values_ns)
    counts = np.bincount(bucket - start)
    first = np.cumsum(counts) - counts
    filled = np.flatnonzero(counts)
    for row, ratio in zip(found, ratios, strict=True):
        rank = np.minimum((ratio * counts).astype(np.int64), counts - 1)
        row[start + filled] = ordered[(first + rank)[filled]] / NS_PER_MS


def _sorted_within(bucket: NDArray[np.int64], values_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """``values_ns`` ordered by bucket, then by value."""
    low, high = int(values_ns.min()), int(values_ns.max())
    span = high - low + 1
    if (int(bucket.max()) + 1) * span >= 2**63:
        return values_ns[np.lexsort((values_ns, bucket))]
    # One sort of one integer per request is several times faster than a sort by two keys.
    ordered: NDArray[np.int64] = np.sort(bucket * span + (values_ns - low)) % span + low
    return ordered
