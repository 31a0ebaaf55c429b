"""Summarize the streams of a run: times to the first byte and event, gaps, rates, stalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.samples import Samples
from benchlab.samples.statistics import PERCENTILES
from benchlab.samples.streams import Streams, gap_lowest_ns, gap_percentile_ns
from benchlab.samples.summary import Distribution, flat_ms
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_bytes, format_count, format_rate

if TYPE_CHECKING:
    from benchlab.plan.plan import Plan

__all__ = ["MeasuredStreams", "StreamSummary", "summarize_streams"]


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """Streams of the measured window, those that failed included.

    ``count`` is the number of streams, ``events`` that of their events. ``first_byte_ns`` and
    ``first_event_ns`` count from the intended time, as latency does, the latter over the streams
    with an event. ``gap_ns`` is of the gaps between events of all streams together. They are stored
    as a histogram per stream, without their values: mean and maximum are exact, and a percentile is
    at most 12.5 % too high.

    ``events_per_s`` and ``bytes_per_s`` are of all streams together, from the start of the window
    to its end, or to their last event if that was later; bytes are of the events' data.
    ``stream_events_per_s`` is the median over the streams of the events per second within one,
    from its first event to its last. ``stalls`` are gaps above one of ``stall_s``, in seconds.
    """

    count: int
    events: int
    event_bytes: int
    events_per_s: float
    bytes_per_s: float
    stream_events_per_s: float | None
    stalls: int
    stalled_streams: int
    stall_s: tuple[float, ...]
    first_byte_ns: Distribution | None
    first_event_ns: Distribution | None
    gap_ns: Distribution | None

    @property
    def durations(self) -> dict[str, Distribution]:
        """The distributions there are, by the name that people read."""
        found = {
            "first byte": self.first_byte_ns,
            "first event": self.first_event_ns,
            "gaps": self.gap_ns,
        }
        return {name: part for name, part in found.items() if part is not None}

    @property
    def stall_limit(self) -> str:
        """The gap above which a stream stalls; several requests may have several."""
        return " or ".join(f"{limit_s:g} s" for limit_s in self.stall_s)

    def describe(self) -> str:
        """The counts and rates in words."""
        parts = [
            f"{format_count(self.count)} with {plural(self.events, 'event')}",
            format_rate(self.events_per_s, "event"),
            f"{format_bytes(self.bytes_per_s)}/s",
        ]
        if self.stream_events_per_s is not None:
            parts.append(f"median {format_rate(self.stream_events_per_s, 'event')} in a stream")
        stalls = f"{plural(self.stalls, 'stall')} (above {self.stall_limit})"
        if self.stalls:
            stalls += f" in {plural(self.stalled_streams, 'stream')}"
        return ", ".join([*parts, stalls])

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; absent distributions are None."""
        return {
            "count": self.count,
            "events": self.events,
            "event_bytes": self.event_bytes,
            "events_per_s": self.events_per_s,
            "bytes_per_s": self.bytes_per_s,
            "stream_events_per_s": self.stream_events_per_s,
            "stalls": self.stalls,
            "stalled_streams": self.stalled_streams,
            "stall_s": list(self.stall_s),
            **{
                name: None if part is None else part.to_dict()
                for name, part in (
                    ("first_byte_ns", self.first_byte_ns),
                    ("first_event_ns", self.first_event_ns),
                    ("gap_ns", self.gap_ns),
                )
            },
        }

    def flat(self) -> dict[str, Any]:
        """Counts and rates under names such as ``streams_events``; durations in ms."""
        counts = {name: value for name, value in self.to_dict().items() if not name.endswith("_ns")}
        del counts["stall_s"]
        durations = {name.replace(" ", "_"): part for name, part in self.durations.items()}
        return {f"streams_{name}": value for name, value in (counts | flat_ms(durations)).items()}


@dataclass(frozen=True, slots=True)
class MeasuredStreams:
    """The records of streams, and for each the times that count from its intended time.

    ``first_event_ns`` is of those with an event.
    """

    records: NDArray[np.void]
    first_byte_ns: NDArray[np.int64]
    first_event_ns: NDArray[np.int64]

    @classmethod
    def of(cls, streams: Streams, samples: Samples) -> MeasuredStreams:
        """The ``streams`` of ``samples``."""
        records = streams.records
        found, intended, first_byte = [], [], []
        for block in samples.blocks():
            _, of_stream, of_sample = np.intersect1d(
                records["seq"], block.column("seq"), assume_unique=True, return_indices=True
            )
            found.append(records[of_stream])
            intended.append(block.column("intended_ns")[of_sample])
            first_byte.append(block.column("first_byte_ns")[of_sample])
        records = np.concatenate([records[:0], *found])
        since = np.concatenate([np.empty(0, dtype=np.int64), *intended])
        first_byte_ns = np.concatenate([np.empty(0, dtype=np.int64), *first_byte]) - since
        first_event_ns = (records["first_event_ns"] - since)[records["events"] > 0]
        return cls(records, first_byte_ns, first_event_ns)

    @property
    def gap_counts(self) -> NDArray[np.int64]:
        """The gaps of all streams in the buckets of `benchlab.samples.streams`."""
        counts: NDArray[np.int64] = self.records["gaps"].sum(axis=0, dtype=np.int64)
        return counts


def summarize_streams(
    streams: Streams, samples: Samples, plan: Plan, start_ns: int, end_ns: int
) -> StreamSummary | None:
    """Summarize the ``streams`` of ``samples``, which are those of the window; None without any."""
    measured = MeasuredStreams.of(streams, samples)
    records = measured.records
    if not len(records):
        return None
    events, event_bytes = int(records["events"].sum()), int(records["event_bytes"].sum())
    span_s = (max(end_ns, int(records["last_event_ns"].max())) - start_ns) / NS_PER_S
    return StreamSummary(
        count=len(records),
        events=events,
        event_bytes=event_bytes,
        events_per_s=events / span_s if span_s > 0 else 0.0,
        bytes_per_s=event_bytes / span_s if span_s > 0 else 0.0,
        stream_events_per_s=_median_rate(records),
        stalls=int(records["stalls"].sum()),
        stalled_streams=int(np.count_nonzero(records["stalls"])),
        stall_s=plan.stall_limits_s,
        first_byte_ns=Distribution.of(measured.first_byte_ns),
        first_event_ns=Distribution.of(measured.first_event_ns),
        gap_ns=_gaps(measured),
    )


def _median_rate(records: NDArray[np.void]) -> float | None:
    spans = records["last_event_ns"] - records["first_event_ns"]
    chosen = spans > 0
    if not chosen.any():
        return None
    gaps = records["events"][chosen].astype(np.int64) - 1
    return float(np.median(gaps * NS_PER_S / spans[chosen]))


def _gaps(measured: MeasuredStreams) -> Distribution | None:
    records, counts = measured.records, measured.gap_counts
    total = int(counts.sum())
    if not total:
        return None
    highest = int(records["gap_max_ns"].max())
    spans = records["last_event_ns"] - records["first_event_ns"]
    percentiles = {
        key: min(gap_percentile_ns(counts, ratio) or 0, highest)
        for key, ratio in PERCENTILES.items()
    }
    return Distribution(
        mean=round(int(spans.sum()) / total),
        min=gap_lowest_ns(counts),
        max=highest,
        **percentiles,
    )
