"""The measured requests of a run as the detectors read them: arrays, in the order of their time."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.plan.request import Request
from benchlab.samples.samples import ErrorKind, Flag

if TYPE_CHECKING:
    from benchlab.runs.request_spans import RequestSpans
    from benchlab.runs.run import Run
    from benchlab.samples.samples import Samples

__all__ = ["Floats", "Mask", "Requests", "Traced"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Requests:
    """The measured requests, by intended time. All times are float64 ns: exact up to 104 days.

    ``tail`` are the indexes of those above the 99th percentile (the 90th if they are few). Of more
    than ``most`` requests a part is looked at, chosen by their numbers at random: ``total`` is the
    number of all, and how many were in flight is counted among all.
    """

    def __init__(
        self, run: Run, spans: RequestSpans | None = None, most: int = limit.MOST_REQUESTS
    ) -> None:
        self.run = run
        measured = run.measured
        self.total = len(measured)
        is_part = self.total > most
        if is_part:
            ratio = most / self.total
            records = measured.choose(lambda rows: _is_chosen(rows["seq"], ratio)).records
        else:
            records = measured.records
        order = np.argsort(records["intended_ns"], kind="stable")
        if np.array_equal(order, np.arange(len(order))):
            self.records = records
        else:
            self.records = records[order]
        self.spans = spans if spans is not None and len(spans) else None
        if is_part:
            self.__dict__["in_flight"] = _in_flight_among(measured, self.records["sent_ns"])

    def __len__(self) -> int:
        return len(self.records)

    def without(self, explained: Floats) -> Requests:
        """The same requests, each quicker by what is explained: to look for what is left."""
        left = copy.copy(self)
        left.__dict__["service"] = np.maximum(self.service - explained, 0)
        left.__dict__["latency"] = np.maximum(self.latency - explained, 0)
        left.__dict__["explained"] = self.explained + np.maximum(explained, 0)
        for name in ("median", "tail"):
            left.__dict__.pop(name, None)
        return left

    def _column(self, name: str) -> Floats:
        return self.records[name].astype(np.float64)

    @cached_property
    def seq(self) -> NDArray[np.int64]:
        """Sequence numbers."""
        return np.ascontiguousarray(self.records["seq"])

    @cached_property
    def intended(self) -> Floats:
        """When each should have been sent; it never decreases."""
        return self._column("intended_ns")

    @cached_property
    def sent(self) -> Floats:
        """When each was sent."""
        return self._column("sent_ns")

    @cached_property
    def done(self) -> Floats:
        """When each had its response, or failed."""
        return self._column("done_ns")

    @cached_property
    def latency(self) -> Floats:
        """From intended to done."""
        return self.done - self.intended

    @cached_property
    def service(self) -> Floats:
        """From sent to done."""
        return self.done - self.sent

    @cached_property
    def explained(self) -> Floats:
        """What `without` has taken off each."""
        return np.zeros(len(self))

    @cached_property
    def waited_for_connection(self) -> Mask:
        """Whether the connection cap held it back, and no earlier try did."""
        held = (self.records["flags"] & Flag.CAP_WAIT) != 0
        return np.asarray(held & ~self.was_tried_before)

    @cached_property
    def was_tried_before(self) -> Mask:
        """Whether it is not the first try: what was before it was sent are tries and pauses."""
        return np.asarray((self.records["flags"] & (Flag.RETRY | Flag.HEDGE)) != 0)

    @cached_property
    def was_retried(self) -> Mask:
        """Whether it is a retry: an earlier try failed."""
        return np.asarray((self.records["flags"] & Flag.RETRY) != 0)

    @cached_property
    def lag(self) -> Floats:
        """The generator's own lag: 0 where the connection cap or an earlier try was the reason."""
        others = self.waited_for_connection | self.was_tried_before
        return np.where(others, 0.0, np.maximum(self.sent - self.intended, 0))

    @cached_property
    def cap_wait(self) -> Floats:
        """How long the connection cap held it back."""
        return np.where(self.waited_for_connection, np.maximum(self.sent - self.intended, 0), 0.0)

    @cached_property
    def body(self) -> Floats:
        """From the first byte of the response to its end; 0 without a response."""
        first = self._column("first_byte_ns")
        return np.where(first > 0, np.maximum(self.done - first, 0), 0.0)

    @cached_property
    def opening(self) -> Floats:
        """Looking up the name, connecting and the TLS handshake of the request's own connection."""
        took = np.zeros(len(self))
        opened = self.run.connections.records
        opened = opened[opened["seq"] >= 0]
        if not len(opened):
            return took
        by_seq = np.argsort(self.seq, kind="stable")
        at = np.searchsorted(self.seq, opened["seq"], sorter=by_seq)
        known = at < len(self)
        place = by_seq[np.minimum(at, len(self) - 1)]
        known &= self.seq[place] == opened["seq"]
        total = np.zeros(len(opened))
        for name in ("dns", "connect", "tls"):
            total += opened[f"{name}_ns"]
        np.add.at(took, place[known], total[known])
        return np.where(self.is_new, np.minimum(took, np.maximum(self.service, 0)), 0.0)

    @cached_property
    def is_new(self) -> Mask:
        """Whether it opened a connection."""
        return np.asarray((self.records["flags"] & Flag.NEW_CONNECTION) != 0)

    @cached_property
    def is_reopened(self) -> Mask:
        """Whether it opened a connection while fewer requests were in flight than connections had
        been opened: one of these was not kept. Others are opened because all are in use."""
        plan = self.run.plan
        origins = {origin: number for number, origin in enumerate(plan.origins)}
        endpoint = self.records["endpoint"].astype(np.int64)
        of = np.zeros(max(int(endpoint.max(initial=0)) + 1, len(plan.requests)), dtype=np.int64)
        of[: len(plan.requests)] = [origins[item.origin] for item in plan.requests]
        pool = of[endpoint] * plan.workers + self.seq % plan.workers
        reopened = np.zeros(len(self), dtype=np.bool_)
        order = np.lexsort((self.sent, pool))
        for mine in np.split(order, np.flatnonzero(np.diff(pool[order])) + 1):
            is_new = self.is_new[mine]
            done_before = np.searchsorted(np.sort(self.done[mine]), self.sent[mine], "right")
            in_use = np.arange(len(mine)) - done_before
            reopened[mine] = is_new & (np.cumsum(is_new) - 1 > in_use)
        return reopened

    @cached_property
    def failed(self) -> Mask:
        """Whether it failed."""
        return np.asarray(self.records["error"] != ErrorKind.OK)

    @cached_property
    def in_flight(self) -> NDArray[np.int64]:
        """Other requests in flight when each was sent."""
        sent, done = np.sort(self.sent), np.sort(self.done)
        before = np.searchsorted(sent, self.sent, "left") - np.searchsorted(
            done, self.sent, "right"
        )
        return np.asarray(np.maximum(before, 0))

    @cached_property
    def bytes_in(self) -> Floats:
        """Bytes of the response's body."""
        return self._column("bytes_in")

    @cached_property
    def bytes_out(self) -> Floats:
        """Bytes of the request's body, its fields filled if the rows are known."""
        requests = self.run.plan.requests
        endpoint = self.records["endpoint"]
        fixed = np.zeros(int(endpoint.max(initial=0)) + 1)
        fixed[: len(requests)] = [len(item.body) for item in requests[: len(fixed)]]
        sizes: Floats = fixed[endpoint]
        for number, item in enumerate(requests):
            if item.data is None or not item.data.rows or not item.body:
                continue
            chosen = np.flatnonzero(endpoint == number)
            of_row = _sizes_of(item)
            turn_of, seed = self.run.plan.turn_of, self.run.plan.seed
            rows = [item.data.index(turn_of(seq), seq, seed) for seq in self.seq[chosen].tolist()]
            sizes[chosen] = of_row[rows]
        return sizes

    @cached_property
    def median(self) -> float:
        """The median latency."""
        return float(np.median(self.latency))

    @cached_property
    def tail_ratio(self) -> float:
        """The percentile that the tail is above."""
        few = len(self) * (1 - limit.TAIL_RATIO) < limit.ENOUGH_IN_TAIL
        return limit.TAIL_RATIO_OF_FEW if few else limit.TAIL_RATIO

    @cached_property
    def tail(self) -> NDArray[np.int64]:
        """Indexes of the requests in the tail."""
        count = max(int(len(self) * (1 - self.tail_ratio)), 1)
        return np.sort(np.argpartition(self.latency, len(self) - count)[len(self) - count :])

    @cached_property
    def window_ns(self) -> float:
        """Length of the window from the first request to the last."""
        return float(self.intended[-1] - self.intended[0]) if len(self) else 0.0

    @property
    def is_open(self) -> bool:
        """Whether requests come by a schedule, however long responses take."""
        return self.run.plan.load.has_schedule

    @cached_property
    def traced(self) -> Traced | None:
        """What the spans say of the requests that have any."""
        return None if self.spans is None else Traced.of(self, self.spans)


class Traced:
    """Requests with a server span: ``index`` into `Requests`, ``row`` into the spans."""

    def __init__(self, index: NDArray[np.int64], before: Floats, inside: Floats,
                 row: NDArray[np.int64], spans: RequestSpans) -> None:  # fmt: skip
        self.index = index
        self.before = before
        """From sending to the start of the span, opening the connection left out."""
        self.inside = inside
        """Length of the span."""
        self.row = row
        self.spans = spans

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def of(cls, requests: Requests, spans: RequestSpans) -> Traced | None:
        """The spans of measured requests; None if there are none."""
        order = np.argsort(requests.seq, kind="stable")
        at = np.minimum(np.searchsorted(requests.seq, spans.seq, sorter=order), len(order) - 1)
        index = order[at]
        row = np.flatnonzero(requests.seq[index] == spans.seq)
        if not len(row):
            return None
        index = index[row]
        start = spans.start_ns[row].astype(np.float64)
        before = np.maximum(start - requests.sent[index] - requests.opening[index], 0)
        return cls(index, before, spans.server_ns[row].astype(np.float64), row, spans)

    def column(self, count: int, values: NDArray[Any]) -> Floats:
        """Values of the traced requests as a column of all ``count`` of them; NaN elsewhere."""
        column = np.full(count, np.nan)
        column[self.index] = values
        return column


def _is_chosen(seq: NDArray[np.int64], ratio: float) -> Mask:
    """Whether each number is among the ``ratio`` of all that a hash of it chooses.

    Fibonacci hashing, with the high half mixed in so that no regular choice of requests aliases
    with it. Source: Knuth, The Art of Computer Programming 3 (1998), section 6.4.
    """
    mixed = seq.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) < ratio * 2.0**53)


def _in_flight_among(samples: Samples, sent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Requests of ``samples`` in flight at each time of sending, in memory for ``sent`` only."""
    order = np.argsort(sent, kind="stable")
    at = sent[order]
    change = np.zeros(len(at) + 1, dtype=np.int64)
    for block in samples.blocks():
        records = block.records
        if not len(records):
            continue
        for place, sign in (
            (np.searchsorted(at, records["sent_ns"], "right"), 1),
            (np.searchsorted(at, records["done_ns"], "left"), -1),
        ):
            first = int(place.min())  # a block is of a short part of the run
            counted = np.bincount(place - first)
            change[first : first + len(counted)] += sign * counted
    count = np.empty(len(at), dtype=np.int64)
    count[order] = np.maximum(np.cumsum(change)[:-1], 0)
    return count


def _sizes_of(request: Request) -> Floats:
    """Size of the body for each row of the request's feed."""
    assert request.data is not None
    filled = request.body_filler()
    sizes = [len(filled(request.body, row)) for row in request.data.rows]
    return np.array(sizes, dtype=np.float64)
