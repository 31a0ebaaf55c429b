"""The headers of a request, the same whichever driver sends it."""

from __future__ import annotations

import numpy as np

from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.tracing import is_traced, trace_id

__all__ = ["asks_for_trace", "request_headers", "traceparent"]

_DEFAULTS = (("Accept", "*/*"), ("User-Agent", "benchlab"))


def request_headers(request: Request) -> list[tuple[str, str]]:
    """The headers given, then the defaults that were not given; without Host and framing."""
    given = {key.lower() for key, _ in request.headers}
    missing = [(key, value) for key, value in _DEFAULTS if key.lower() not in given]
    return [*request.headers, *missing]


def asks_for_trace(request: Request, plan: Plan) -> bool:
    """Whether requests carry a trace context of ours: one that the user gave stays."""
    given = {key.lower() for key, _ in request.headers}
    return plan.trace_ratio > 0 and "traceparent" not in given


def traceparent(run_id: str, seq: int, ratio: float) -> str:
    """The W3C trace context of request ``seq``: its id, and whether it asks to be traced."""
    traced = bool(is_traced(np.array([seq]), ratio)[0])
    return f"00-{trace_id(run_id, seq)}-{seq + 1:016x}-{int(traced):02x}"
