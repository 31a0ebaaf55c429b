"""The parts of a request's latency, and their sums over classes of requests.

The parts of a request follow each other and add up to its latency, to the nanosecond. Sums are kept
per class of latency, so that any band between two of the `CLASS_RATIOS` is a sum of classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

__all__ = [
    "CLASS_RATIOS",
    "CLIENT_PARTS",
    "CONNECTION_PARTS",
    "ENOUGH_IN_TAIL",
    "SERVER_PARTS",
    "AttributeCount",
    "ClockOffset",
    "LatencyClass",
    "LatencyParts",
    "Part",
    "PartSum",
    "attributes_of_request",
]

from benchlab.plan.plan import Plan
from benchlab.samples.samples import ErrorKind

Key = TypeVar("Key")

CLASS_RATIOS = (0.4, 0.5, 0.6, 0.9, 0.99, 0.999)
"""The percentiles that separate the classes: a request above the first two is of class 2."""


ENOUGH_IN_TAIL = 50
"""With fewer requests above p99, the tail is what is above p90."""


class Part(NamedTuple):
    """A part of a latency: its key in JSON, its name for people, and where the time was spent."""

    key: str
    label: str
    where: Literal["generator", "connection", "network", "service", "unknown"]


CONNECTION_PARTS = (
    Part("earlier_tries", "earlier tries and pauses", "unknown"),
    Part("lag", "generator lag", "generator"),
    Part("connection_wait", "waiting for a connection", "connection"),
    Part("dns", "name look-up", "connection"),
    Part("connect", "connect", "connection"),
    Part("tls", "TLS handshake", "connection"),
)
"""The parts before the request was on its way; its last try, if there were several."""

SERVER_PARTS = (
    Part("before_server", "network and queue before the handler", "network"),
    Part("server", "the server itself", "service"),
    Part("way_back", "way back", "network"),
)
"""The parts after that of a request with a SERVER span, whose child spans have parts of their own.

The way back lasts until the end of the response, so it includes reading the body.
"""

CLIENT_PARTS = (
    Part("first_byte", "waiting for the response (no span)", "unknown"),
    Part("body", "reading the response (no span)", "unknown"),
)
"""The same time of a request without a SERVER span."""


class PartSum(NamedTuple):
    """A part in a class: the ns of all requests together, and how many spent any time on it."""

    sum_ns: int = 0
    request_count: int = 0


@dataclass(frozen=True, slots=True)
class LatencyClass:
    """The requests of a class, and the parts of those that are split.

    ``split_count`` requests are split: all of them, or those that asked to be traced.
    ``span_count`` of these have a SERVER span; of these ``moved_count`` had one that began before
    or after the request, and ``cut_count`` one of which a piece lies outside of the request.
    ``sums`` are by key of a `Part`, ``spans`` by service and name of a child span.
    """

    count: int = 0
    latency_sum_ns: int = 0
    split_count: int = 0
    split_latency_sum_ns: int = 0
    span_count: int = 0
    moved_count: int = 0
    cut_count: int = 0
    sums: dict[str, PartSum] = field(default_factory=dict)
    spans: dict[tuple[str, str], PartSum] = field(default_factory=dict)

    def __add__(self, other: LatencyClass) -> LatencyClass:
        return LatencyClass(
            self.count + other.count,
            self.latency_sum_ns + other.latency_sum_ns,
            self.split_count + other.split_count,
            self.split_latency_sum_ns + other.split_latency_sum_ns,
            self.span_count + other.span_count,
            self.moved_count + other.moved_count,
            self.cut_count + other.cut_count,
            _added(self.sums, other.sums),
            _added(self.spans, other.spans),
        )


def _added(one: dict[Key, PartSum], other: dict[Key, PartSum]) -> dict[Key, PartSum]:
    total = dict(one)
    for key, more in other.items():
        known = total.get(key, PartSum())
        total[key] = PartSum(known.sum_ns + more.sum_ns, known.request_count + more.request_count)
    return total


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """How far the service's clock is ahead of the client's, as estimated from pairs.

    ``estimate_ns`` is half the difference between the median gap from sending a request to the
    begin of its span and that from the end of the span to the end of the response. It contains
    half of what the two ways really differ, such as a queue before the handler, so it is
    ``applied`` only where the clocks contradict each other. ``forward_ns`` and ``backward_ns`` are
    the two medians.
    """

    pair_count: int
    estimate_ns: int
    forward_ns: int
    backward_ns: int
    applied: bool


class AttributeCount(NamedTuple):
    """Requests with a value of an attribute, among those of the tail and those of the middle."""

    attribute: str
    value: str
    is_of_span: bool
    tail_count: int
    middle_count: int


@dataclass(frozen=True, kw_only=True)
class LatencyParts:
    """What is counted of a run to say where its latency comes from: a `LatencyClass` per class.

    ``endpoint`` is None for all. ``thresholds_ns`` are the latencies at the `CLASS_RATIOS`. The
    tail of the ``attributes`` is what is slower than ``tail_ratio``, and the middle is from p40 to
    p60: ``tail_count`` and ``middle_count`` requests. Of these, ``traced_tail_count`` and
    ``traced_middle_count`` have spans whose attributes were read. ``effective_ratio`` is how many
    independent requests one is worth, 0 where they are too few to know. ``cause`` says why spans
    are missing, if they are.
    """

    run_id: str
    name: str
    verdict: str = "valid"
    invalid_reason: str | None = None
    endpoint: str | None = None
    trace_ratio: float = 0.0
    classes: tuple[LatencyClass, ...]
    thresholds_ns: tuple[int, ...]
    clock: ClockOffset | None = None
    attributes: tuple[AttributeCount, ...] = ()
    tail_ratio: float = 0.99
    tail_count: int = 0
    middle_count: int = 0
    traced_tail_count: int = 0
    traced_middle_count: int = 0
    effective_ratio: float = 0.0
    cause: str = ""


def attributes_of_request(
    plan: Plan, endpoint: int, is_new: int, status: int, error: int, size: int
) -> Iterator[tuple[str, str]]:
    """Attributes of a request and their values; ``size`` is one more than its order of magnitude.

    The order is that of powers of two; 0 is no byte at all.
    """
    yield "endpoint", plan.endpoint_names[endpoint]
    if endpoint < len(plan.requests):
        yield "target", str(plan.requests[endpoint].origin)
    yield "connection", "new" if is_new else "reused"
    yield "status", str(status) if status else "none"
    yield "result", ErrorKind(error).label
    yield "size", f"{2 ** (size - 1):,} to {2**size - 1:,} bytes" if size else "empty"
