"""A service that keeps its own record of what arrived: which request, when, and from where."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchlab import Request
from benchlab.samples.samples import Samples
from tests.load.servers import ok, serving

__all__ = ["Arrival", "Arrivals", "Bounds", "arriving", "bounds_of_start"]

_NUMBER = re.compile(rb"[?&]n=(\d+)")


class Arrival(NamedTuple):
    """A request as the service saw it; ``at_ns`` is of its process's monotonic clock."""

    seq: int
    at_ns: int
    peer: str


@dataclass
class Arrivals:
    """A server's behaviour: respond, and record the request before that."""

    url: str = ""
    pause_s: float = 0.0
    all: list[Arrival] = field(default_factory=list)

    @property
    def request(self) -> Request:
        """A request that tells its sequence number."""
        return Request("GET", self.url + "?n={{seq}}")

    def __call__(self, connection: socket.socket, request: bytes, _number: int) -> bool:
        at_ns = time.monotonic_ns()
        if found := _NUMBER.search(request):
            self.all.append(Arrival(int(found[1]), at_ns, connection.getpeername()[0]))
        time.sleep(self.pause_s)
        connection.sendall(ok())
        return True

    @property
    def seqs(self) -> set[int]:
        """The sequence numbers that arrived."""
        return {arrival.seq for arrival in self.all}

    @property
    def repeated(self) -> list[int]:
        """The sequence numbers that arrived more than once."""
        counts = Counter(arrival.seq for arrival in self.all)
        return [seq for seq, count in counts.items() if count > 1]


@contextmanager
def arriving(host: str = "127.0.0.1", pause_s: float = 0.0) -> Iterator[Arrivals]:
    """A service that records arrivals, at an address of this machine; it takes ``pause_s``."""
    arrivals = Arrivals(pause_s=pause_s)
    with serving(arrivals, host) as url:
        arrivals.url = url
        yield arrivals


class Bounds(NamedTuple):
    """Between which times of the service's clock something happened."""

    earliest_ns: int
    latest_ns: int


def bounds_of_start(arrivals: Arrivals, samples: Samples) -> Bounds:
    """When the run of ``samples`` started, on the clock of the service that ``arrivals`` are of.

    A request arrives after it was sent and before its response was read. So each one that
    succeeded says that the run began between ``arrival - done`` and ``arrival - sent``: a start
    that fits all of them exists only if all times are of one clock.
    """
    samples = samples.succeeded
    at = {arrival.seq: arrival.at_ns for arrival in arrivals.all}
    arrived = np.array([at[seq] for seq in samples.column("seq").tolist()], dtype=np.int64)
    assert len(samples), "no request succeeded"
    return Bounds(
        int((arrived - samples.column("done_ns")).max()),
        int((arrived - samples.column("sent_ns")).min()),
    )
