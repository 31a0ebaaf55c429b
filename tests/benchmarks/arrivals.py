"""When requests arrived at a service, and how far that is from when they should have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab import Samples
from benchlab.units import NS_PER_S
from tests.benchmarks.machine import SERVICE, on_cores

__all__ = ["Arrivals", "arrival_server", "off_grid_ns", "read_arrivals", "transit_ns"]


class Arrivals(NamedTuple):
    """Times of the monotonic clock in order, and benchlab's sequence numbers (-1 for others)."""

    at_ns: NDArray[np.int64]
    seq: NDArray[np.int64]


@contextmanager
def arrival_server(file: Path) -> Iterator[str]:
    """The URL of a service on its own core; ``file`` has the arrivals afterwards."""
    with on_cores(SERVICE):
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.arrival_server", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.stdin.close()
        status = server.wait()
        server.stdout.close()
    assert status == 0, "requests came in pieces, so their number is not known"


def read_arrivals(file: Path) -> Arrivals:
    """What an `arrival_server` wrote."""
    pairs = np.fromfile(file, dtype=np.int64).reshape(-1, 2)
    return Arrivals(pairs[:, 0], pairs[:, 1])


def off_grid_ns(at_ns: NDArray[np.int64], rate_rps: float) -> NDArray[np.float64]:
    """How far each arrival is from an even grid, whose beginning is chosen as well as possible.

    That is by the median: a tool is not blamed for when it started, but for all it leaves out.
    """
    late = at_ns - at_ns[0] - np.arange(len(at_ns)) * (NS_PER_S / rate_rps)
    off: NDArray[np.float64] = np.abs(late - np.median(late))
    return off


def transit_ns(samples: Samples, arrivals: Arrivals) -> tuple[NDArray[np.int64], int]:
    """From intended send to arrival for each sample, and the least time from sending to arrival.

    The clocks of both have different beginnings, so only differences of these mean something.
    ``samples`` are in order of ``seq``, and all of them arrived.
    """
    at_ns = np.empty(len(samples), dtype=np.int64)
    at_ns[np.searchsorted(samples.column("seq"), arrivals.seq)] = arrivals.at_ns
    least = int((at_ns - samples.column("sent_ns")).min())
    return at_ns - samples.column("intended_ns"), least
