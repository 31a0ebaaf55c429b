"""What a service itself recorded of a run: its spans and its metric."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchlab.runs.latency_parts import LatencyParts
from benchlab.runs.request_spans import RequestSpans
from benchlab.runs.trace import Trace
from benchlab.runs.trace_coverage import TraceCoverage

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ServerSide"]


@dataclass(frozen=True, eq=False)
class ServerSide:
    """The server's side of a run, as `Store.server_side` reads it. Each part may be missing.

    ``requests`` has a row per measured request with a server span, with the columns seq,
    latency_ms, service_ms, server_ms, network_ms and trace_id; ``coverage`` says how complete they
    are. ``slowest`` are the requests with the highest latencies among them, slowest first, with
    their spans. ``parts`` is what all measured requests spent their time on, where any asked to be
    traced, and ``spans`` are those of each request. ``histogram`` has the buckets of the service's
    own metric: service, lower_ms, upper_ms and count.
    """

    requests: pd.DataFrame | None = None
    coverage: TraceCoverage = field(default_factory=lambda: TraceCoverage(0, 0))
    slowest: tuple[Trace, ...] = ()
    histogram: pd.DataFrame | None = None
    parts: LatencyParts | None = None
    spans: RequestSpans | None = None

    @property
    def was_traced(self) -> bool:
        """Whether any request asked to be traced or has a server span."""
        has_spans = self.requests is not None and len(self.requests) > 0
        return has_spans or self.coverage.sampled > 0
