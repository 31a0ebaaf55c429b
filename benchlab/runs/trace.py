"""One request from both sides: the client's sample and the servers' spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchlab.displayed import Displayed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trace", "TracedRequest"]


@dataclass(frozen=True)
class TracedRequest:
    """The client's sample of a trace, with names for its codes.

    Times are those of a sample: ns from the start of the run. ``error`` is the label of its kind,
    empty when there was none.
    """

    run_id: str
    seq: int
    endpoint: str
    status: int
    error: str
    intended_ns: int
    sent_ns: int
    first_byte_ns: int
    done_ns: int

    @property
    def latency_ns(self) -> int:
        """From the intended send to the end of the response."""
        return self.done_ns - self.intended_ns

    @property
    def service_ns(self) -> int:
        """From the actual send to the end of the response."""
        return self.done_ns - self.sent_ns

    @property
    def lag_ns(self) -> int:
        """How late it was sent."""
        return self.sent_ns - self.intended_ns


@dataclass(frozen=True)
class Trace(Displayed):
    """A trace: the client's ``request``, if it is stored, and the servers' ``spans``.

    ``spans`` has a row per span in order of start, with the columns timestamp (UTC), offset_ms,
    duration_ms, service, span_name, kind, status, status_message, span_id, parent_span_id,
    attributes and resource. ``offset_ms`` counts from the request's intended send, and without a
    request from the first span. It compares the service's clock with the client's, so it
    is only as accurate as these agree. ``duration_ms`` is NaN for a span that ends before it begins
    or has no end.
    """

    trace_id: str
    request: TracedRequest | None
    spans: pd.DataFrame
