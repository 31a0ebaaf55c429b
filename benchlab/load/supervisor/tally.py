"""What the progress of a run and its conditions need of its samples: sums, which merge.

A parent that has the samples adds them here. One whose hosts send their samples elsewhere adds the
sums of what each of them measured since the last time: the result is the same, except that a
condition with a window is evaluated at the ends of slices of it, and its percentiles have the
histogram's precision.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchlab.errors import DamagedError
from benchlab.load.supervisor.conditions import IN_THE_FILE_AFTER_NS, Conditions
from benchlab.load.supervisor.series import SeriesBins
from benchlab.load.supervisor.sums import TallySums, sparse_of
from benchlab.plan.plan import Plan
from benchlab.samples.histogram import LatencyHistogram
from benchlab.samples.records import ErrorKind, Flag, without_failed_tries

__all__ = ["Tally", "decode_tally"]

_LARGEST = 64 << 20  # bytes of a tally: many times what all buckets take
_FAST = 1


class Tally:
    """Sums of the samples of a run, or of a part of it.

    ``merged`` is for sums of parts: `merge` adds them, and `encode` writes them. All samples are
    known after ``late_ns``. ``by_worker`` are requests by the number of their worker, warm-up
    included.
    """

    def __init__(
        self, plan: Plan, *, merged: bool = False, late_ns: int = IN_THE_FILE_AFTER_NS
    ) -> None:
        self.latencies, self.lags = LatencyHistogram(), LatencyHistogram()
        self.objectives = Conditions(plan.slo, plan, merged=merged, late_ns=late_ns)
        self.aborting = Conditions(plan.abort_on if merged else (), plan, merged=merged)
        self.bins = SeriesBins(plan, late_ns)
        self.errors: Counter[str] = Counter()
        self.by_worker = np.zeros(plan.workers, dtype=np.int64)
        self.count = self.begun_count = self.warmup_count = 0
        self.last_ns = 0

    def take(self, records: NDArray[np.void], endpoints: Sequence[str]) -> None:
        """Add records of any worker."""
        records = without_failed_tries(records)
        self.bins.take(records)
        self.objectives.take(records, endpoints)
        self.aborting.take(records, endpoints)
        self.by_worker += np.bincount(
            records["seq"] % len(self.by_worker), minlength=len(self.by_worker)
        )
        self.last_ns = max(self.last_ns, int(records["done_ns"].max(initial=0)))
        is_measured = (records["flags"] & Flag.WARMUP) == 0
        measured = records if is_measured.all() else records[is_measured]  # a copy is slow
        self.count += len(measured)
        self.warmup_count += len(records) - len(measured)
        self.begun_count += int(np.count_nonzero(measured["flags"] & Flag.FIRST_STEP))
        self.latencies.record(measured["done_ns"] - measured["intended_ns"])
        is_first = (measured["flags"] & (Flag.RETRY | Flag.HEDGE)) == 0
        first = measured if is_first.all() else measured[is_first]
        self.lags.record(np.maximum(first["sent_ns"] - first["intended_ns"], 0))
        failed = np.bincount(measured["error"], minlength=len(ErrorKind))
        for kind in ErrorKind:
            if kind and failed[kind]:
                self.errors[kind.label] += int(failed[kind])

    def merge(self, part: TallySums) -> None:
        """Add the sums of a part of the run.

        Raises:
            IndexError: they are of another version of benchlab, or damaged.
        """
        self.count += part.count
        self.begun_count += part.begun_count
        self.warmup_count += part.warmup_count
        self.last_ns = max(self.last_ns, part.last_ns)
        self.errors.update(part.errors)
        part.by_worker.add_to(self.by_worker)
        part.latencies.add_to(self.latencies.counts)
        part.lags.add_to(self.lags.counts)
        self.bins.merge(part.series)
        self.objectives.merge(part.objectives)
        self.aborting.merge(part.aborting)

    def encode(self) -> bytes:
        """The sums as `decode_tally` reads them."""
        sums = TallySums(
            self.count,
            self.begun_count,
            self.warmup_count,
            self.last_ns,
            dict(self.errors),
            sparse_of(self.by_worker),
            sparse_of(self.latencies.counts),
            sparse_of(self.lags.counts),
            self.bins.sums(),
            self.objectives.sums(),
            self.aborting.sums(),
        )
        return zlib.compress(msgspec.msgpack.encode(sums), _FAST)


def decode_tally(data: bytes) -> TallySums:
    """What `Tally.encode` wrote.

    Raises:
        DamagedError: it is something else.
    """
    try:
        inflater = zlib.decompressobj()
        inner = inflater.decompress(data, _LARGEST)
        if not inflater.eof:
            raise DamagedError("a tally is torn, or too large")
        return msgspec.msgpack.decode(inner, type=TallySums)
    except (zlib.error, msgspec.DecodeError) as exc:
        raise DamagedError(f"a tally cannot be read ({exc})") from exc
