"""What is recorded of responses that are streams, beside their samples.

There is one record for each stream: how many events it had, when the first and the last came, and
the gaps between them. The gaps of a stream are kept as a histogram, the one aggregate that is
stored without the values it is made of; `EVENT_DTYPE` has a row for every event, on request.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.hdr import edges
from benchlab.samples.record_array import RecordArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EVENT_DTYPE",
    "GAP_BUCKETS",
    "GAP_DTYPE",
    "PLAIN_STREAM_DTYPE",
    "STREAM_DTYPE",
    "Events",
    "Streams",
    "gap_counts",
    "gap_edges_ns",
    "gap_lowest_ns",
    "gap_percentile_ns",
    "join_gaps",
    "split_gaps",
]

GAP_BUCKETS = 240
"""Buckets of a histogram of gaps: they end at 73 minutes, and the last holds longer gaps too."""

_UNIT_BITS = 10  # the narrowest bucket: 1,024 ns, less than the clock of an event loop can tell
_HALF = 8  # buckets between two powers of two: a bucket is at most an eighth as wide as it is long
_SUB_BITS = 4  # 2 * _HALF buckets of one unit come first

STREAM_DTYPE = np.dtype(
    [
        ("seq", "<i8"),
        ("first_event_ns", "<i8"),
        ("last_event_ns", "<i8"),
        ("events", "<u4"),
        ("stalls", "<u4"),
        ("event_bytes", "<i8"),
        ("gap_p50_ns", "<i8"),
        ("gap_p99_ns", "<i8"),
        ("gap_max_ns", "<i8"),
        ("gaps", "<u4", (GAP_BUCKETS,)),
    ]
)
"""Layout of a record, in memory and in the spool.

``seq`` is the sample of the request. Times of events count from the start of the run, and are 0
without an event. ``event_bytes`` are the bytes of the events' data, without their framing. The
percentiles and the maximum are exact, of the gaps between the events of this stream; they are 0 for
fewer than two events. ``gaps`` counts the same gaps in buckets (`gap_counts`). ``stalls`` counts
the gaps beyond the limit of the request (`benchlab.plan.stream.Stream`), and the silence at the end
of a stream that was left, or failed, if that was longer.
"""

EVENT_DTYPE = np.dtype([("seq", "<i8"), ("at_ns", "<i8"), ("number", "<u4"), ("bytes", "<u4")])
"""Layout of the record of an event: its sample, when it came, its number from 1, and its bytes."""


def gap_counts(gaps_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of ``gaps_ns`` are in each of the `GAP_BUCKETS` buckets.

    The layout is HdrHistogram's with a unit of 1,024 ns and 8 buckets for each power of two above
    16 units, so a bucket is at most 12.5 % wide.
    """
    units = np.right_shift(np.maximum(gaps_ns, 0), _UNIT_BITS)
    bits = np.frexp(units.astype(np.float64))[1].astype(np.int64)
    level = np.maximum(bits - _SUB_BITS, 0)
    index = np.minimum(level * _HALF + np.right_shift(units, level), GAP_BUCKETS - 1)
    return np.bincount(index, minlength=GAP_BUCKETS)


def gap_percentile_ns(counts: NDArray[np.integer], ratio: float) -> int | None:
    """The upper edge of the bucket with the value of rank ⌈``ratio`` × count⌉; None without gaps.

    At most 12.5 % (or 1 µs) above that value, up to 73 minutes.
    """
    total = int(counts.sum())
    if not total:
        return None
    rank = max(1, math.ceil(ratio * total))
    return int(gap_edges_ns()[1][np.searchsorted(np.cumsum(counts), rank)]) - 1


def gap_edges_ns() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Inclusive lower and exclusive upper edge of every bucket."""
    lower, upper = edges(np.arange(GAP_BUCKETS, dtype=np.int64), _HALF)
    return lower << _UNIT_BITS, upper << _UNIT_BITS


def gap_lowest_ns(counts: NDArray[np.integer]) -> int:
    """The lower edge of the first bucket that is not empty; 0 if all are."""
    return int(gap_edges_ns()[0][np.argmax(counts > 0)])


PLAIN_STREAM_DTYPE = np.dtype(
    [(name, STREAM_DTYPE[name]) for name in STREAM_DTYPE.names or () if name != "gaps"]
    + [("bucket_count", "<u4")]
)
"""Layout of a record without its histogram, of which ``bucket_count`` buckets are not empty."""

GAP_DTYPE = np.dtype([("bucket", "<u4"), ("count", "<u4")])
"""Layout of a bucket that is not empty."""


def split_gaps(records: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """The ``records`` of streams without histograms, and the buckets that are not empty.

    The buckets of the streams follow each other in the order of the records. This is how streams
    are stored outside of memory and spool, since most buckets are empty.
    """
    plain = np.zeros(len(records), dtype=PLAIN_STREAM_DTYPE)
    for name in STREAM_DTYPE.names or ():
        if name != "gaps":
            plain[name] = records[name]
    at, bucket = np.nonzero(records["gaps"])
    plain["bucket_count"] = np.bincount(at, minlength=len(records))
    buckets = np.zeros(len(at), dtype=GAP_DTYPE)
    buckets["bucket"] = bucket
    buckets["count"] = records["gaps"][at, bucket]
    return plain, buckets


def join_gaps(plain: NDArray[np.void], buckets: NDArray[np.void]) -> NDArray[np.void]:
    """The records of streams from what `split_gaps` made of them.

    Raises:
        ValueError: the two do not belong together.
    """
    counts = plain["bucket_count"]
    if int(counts.sum()) != len(buckets):
        raise ValueError(f"there are {len(buckets)} buckets of gaps, not {int(counts.sum())}")
    if int(buckets["bucket"].max(initial=0)) >= GAP_BUCKETS:
        raise ValueError(f"a gap is in bucket {int(buckets['bucket'].max())} of {GAP_BUCKETS}")
    records = np.zeros(len(plain), dtype=STREAM_DTYPE)
    for name in STREAM_DTYPE.names or ():
        if name != "gaps":
            records[name] = plain[name]
    at = np.repeat(np.arange(len(plain)), counts)
    records["gaps"][at, buckets["bucket"]] = buckets["count"]
    return records


class Streams(RecordArray):
    """The streams of a run, in order of ``seq``. Length: their number."""

    __slots__ = ()

    dtype = STREAM_DTYPE

    def __repr__(self) -> str:
        return f"<Streams: {len(self):,} with {int(self.records['events'].sum()):,} events>"

    def of(self, seqs: NDArray[np.int64]) -> Streams:
        """The streams whose samples are among ``seqs``."""
        return Streams(self.records[np.isin(self.records["seq"], seqs)])

    def to_pandas(self) -> pd.DataFrame:
        """One row per stream: the columns of `STREAM_DTYPE`, without the buckets."""
        import pandas as pd

        names = [name for name in STREAM_DTYPE.names or () if name != "gaps"]
        return pd.DataFrame({name: self.records[name] for name in names})


class Events(RecordArray):
    """The events of a run whose plan asked for them, in order of ``seq`` and number."""

    __slots__ = ()

    dtype = EVENT_DTYPE

    def __repr__(self) -> str:
        return f"<Events: {len(self):,}>"

    def to_pandas(self) -> pd.DataFrame:
        """One row per event: seq, at_ns, number, bytes."""
        import pandas as pd

        return pd.DataFrame({name: self.records[name] for name in EVENT_DTYPE.names or ()})
