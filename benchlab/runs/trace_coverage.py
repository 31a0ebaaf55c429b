"""Whether the service's traces of a run are complete and, if not, where spans were lost.

Losses that the service counted are stated as facts; the cause of others is inferred from when they
occurred.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from benchlab.units import NS_PER_S

__all__ = ["ENOUGH_RATIO", "Gap", "TraceCoverage"]

ENOUGH_RATIO = 0.999
"""With a smaller share of spans than this, the server side represents only a part of the run."""

# A full queue loses a few spans at a time, again and again, between those it still exports.
# A gap longer than this was caused by the receiver.
_GAP_REQUESTS = 10
_GAP_NS = NS_PER_S // 10
_GAPS_MAX = 5
_GAPS_SHARE = 0.8
_REMEDY = "make it longer (OTEL_BSP_MAX_QUEUE_SIZE) or lower the trace ratio."


@dataclass(frozen=True, slots=True)
class Gap:
    """A period in which no request has a span. Times are ns from the start of the run."""

    start_ns: int
    end_ns: int
    request_count: int
    place: Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class TraceCoverage:
    """Measured requests that asked to be traced (``sampled``), and those with a server span.

    ``no_response_count`` are those with neither a span nor a response: the service may never have
    seen them. ``gaps`` are the few periods that hold most of the missing spans, if there are such.

    ``dropped`` and ``unexported`` are the service's own counts during the run, of spans of any
    kind: dropped by a full queue, and failed to export. None: it does not report them.

    ``backwards`` are server spans of the run that end before they begin, or have no end. They are
    left out everywhere.
    """

    sampled: int
    found: int
    no_response_count: int = 0
    gaps: tuple[Gap, ...] = ()
    dropped: int | None = None
    unexported: int | None = None
    backwards: int = 0

    @classmethod
    def of(
        cls, sent_ns: NDArray[np.int64], found: NDArray[np.bool_], responded: NDArray[np.bool_]
    ) -> Self:
        """Coverage of sampled requests, given when each was sent and whether it has a span and a
        response.
        """
        order = np.argsort(sent_ns, kind="stable")
        sent_ns, found = sent_ns[order], found[order]
        return cls(
            len(found),
            int(found.sum()),
            int((~found & ~responded[order]).sum()),
            _gaps(sent_ns, found),
        )

    @property
    def missing(self) -> int:
        """Number of missing spans."""
        return self.sampled - self.found

    @property
    def enough(self) -> bool:
        """Whether the server side represents the whole run: 99.9 % of the spans are there."""
        return self.found >= self.sampled * ENOUGH_RATIO

    def __str__(self) -> str:
        return f"Server {self.describe()}. {self.cause()}".rstrip()

    def to_dict(self) -> dict[str, int | str | None]:
        """A JSON-ready dict."""
        return {
            "sampled": self.sampled,
            "found": self.found,
            "backwards": self.backwards,
            "cause": self.cause() or None,
        }

    def describe(self) -> str:
        """``spans for 19,998 of 20,000 sampled requests (99.99 %)``."""
        text = f"spans for {self.found:,} of {self.sampled:,} sampled requests"
        if not self.sampled:
            return text
        percent = math.floor(self.found / self.sampled * 10_000) / 100  # 100 % only when whole
        text = f"{text} ({percent:.2f} %)"
        if self.backwards:
            text += f"; {self.backwards:,} that end before they begin are left out"
        return text

    def cause(self) -> str:
        """Why spans are missing, as sentences; empty if there are `enough`."""
        if self.enough:
            return ""
        counted = (self.dropped or 0) + (self.unexported or 0)
        return " ".join([*self._counted(), *(self._likely() if counted < self.missing else ())])

    def _counted(self) -> Iterator[str]:
        """Losses that the service reports."""
        if self.dropped:
            yield (
                f"The service's exporter dropped {self.dropped:,} spans, those of servers and"
                f" others, since its queue was full: {_REMEDY}"
            )
        if self.unexported:
            yield (
                f"The service's exporter failed to export {self.unexported:,} spans: the collector"
                " refused them or could not be reached."
            )

    def _likely(self) -> Iterator[str]:
        """Likely causes of the others, from when they were lost."""
        if not self.found:
            yield (
                "No span was found: the service may not be instrumented, or may not continue the"
                " traceparent of its requests, or its telemetry was not ingested."
            )
        elif self.no_response_count * 2 > self.missing:
            yield (
                f"{self.no_response_count:,} of the {self.missing:,} without a span got no response"
                " either: the service may never have seen them."
            )
        elif self.gaps:
            yield from map(_cause_of, self.gaps)
        elif self.dropped is None:
            yield (
                f"The {self.missing:,} missing ones are spread over the run, as when an exporter's"
                f" queue is full: {_REMEDY}"
            )
        elif self.dropped or self.unexported:
            yield (
                f"The rest of the {self.missing:,} missing ones was lost on the way to the store,"
                " or is still to be ingested."
            )
        else:
            yield (
                f"The {self.missing:,} missing ones are spread over the run, and the service's"
                " exporter dropped none: they were lost on the way to the store, or are still to be"
                " ingested."
            )


def _cause_of(gap: Gap) -> str:
    start_s, end_s = (f"{time_ns / NS_PER_S:.1f}" for time_ns in (gap.start_ns, gap.end_ns))
    lost = f"None of the {gap.request_count:,} requests"
    match gap.place:
        case "start":
            return (
                f"{lost} before {end_s} s has a span: the service's exporter or the collector was"
                " not ready yet."
            )
        case "end":
            return (
                f"{lost} after {start_s} s has a span: the service or the collector has not written"
                " them yet (ingest again), or ended without doing so."
            )
        case "middle":
            return (
                f"{lost} between {start_s} s and {end_s} s has a span: the collector was probably"
                " restarted, or could not be reached."
            )


def _gaps(sent_ns: NDArray[np.int64], found: NDArray[np.bool_]) -> tuple[Gap, ...]:
    """The periods without a span, if they are few, long, and hold most of what is missing."""
    edges = np.flatnonzero(np.diff(np.concatenate(([True], found, [True]))))
    gaps = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start_ns, end_ns = int(sent_ns[first]), int(sent_ns[end - 1])
        if end - first >= _GAP_REQUESTS and end_ns - start_ns >= _GAP_NS:
            at_end: Literal["middle", "end"] = "end" if end == len(found) else "middle"
            gaps.append(Gap(start_ns, end_ns, end - first, at_end if first else "start"))
    held = sum(gap.request_count for gap in gaps)
    if len(gaps) > _GAPS_MAX or held < _GAPS_SHARE * int((~found).sum()):
        return ()
    return tuple(gaps)
