"""A server of known latency: it holds each request for a given time and records how long.

The response to ``GET /hold/<ns>`` is sent that many nanoseconds after the request arrived. For
every request with a ``traceparent`` the server records two times of CLOCK_MONOTONIC, which a client
on the same host shares: the arrival, when it received the bytes, and the departure, just before it
passes the response to the kernel. Any time that a client measures beyond the difference was added
by the kernel, the loopback interface and the client.

``python -m benchlab.calibration.latency_server`` takes its options as JSON. It measures its own
timer first, then prints one line of JSON, ``{"url": …, "timer": …}``, and serves until its standard
input ends. Then it writes the recorded holds to a file.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import json
import os
import socket
import sys
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchlab.load.arrivals.timer import make_timer
from benchlab.processes.event_loop import loop_factory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["HOLD_FIELDS", "hold_path", "main", "read_holds"]

HOLD_FIELDS = ("run_id", "seq", "arrived_ns", "left_ns")
"""The recorded fields of a request, each an int64. The run's id is the first half of the trace id,
the sequence number the second; times are of CLOCK_MONOTONIC."""

_clock = time.monotonic_ns
_PATH = b"GET /hold/"
_TRACE = b"traceparent: 00-"
_TRIALS = 200
_TRIAL_NS = 1_000_000
_LARGEST_HEAD = 65_536
_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: benchlab-known-latency\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 2\r\n\r\nok"
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def hold_path(hold_ns: int) -> str:
    """The path whose response is held for ``hold_ns``."""
    return f"/hold/{hold_ns}"


def read_holds(path: Path) -> NDArray[np.int64]:
    """Read the recorded holds: int64, a row per traced request, with the columns `HOLD_FIELDS`."""
    import numpy as np

    return np.fromfile(path, dtype="<i8").reshape(-1, len(HOLD_FIELDS)).astype(np.int64)


class _Holder:
    """Holds responses until they are due, and records them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, early_ns: int) -> None:
        """The timer is set ``early_ns`` before a response is due, since it usually fires late."""
        self._due: list[tuple[int, int, _Connection]] = []
        self._early_ns = early_ns
        self._timer = make_timer(loop, self._on_timer)
        self._count = 0
        self.holds = array("q")

    def hold(self, connection: _Connection, until_ns: int) -> None:
        """Respond on ``connection`` at ``until_ns``."""
        self._count += 1
        heapq.heappush(self._due, (until_ns, self._count, connection))
        if self._due[0][1] == self._count:
            self._timer.set(until_ns - self._early_ns)

    def close(self) -> None:
        """Close the timer."""
        self._timer.close()

    def _on_timer(self) -> None:
        due = self._due
        while due and due[0][0] <= _clock() + self._early_ns:
            until_ns, _, connection = heapq.heappop(due)
            while _clock() < until_ns:  # the timer fired less late than usual: wait for the rest
                pass
            connection.respond()
        if due:
            self._timer.set(due[0][0] - self._early_ns)


class _Connection(asyncio.Protocol):
    """One request at a time: GET, without a body."""

    def __init__(self, holder: _Holder) -> None:
        self._holder = holder
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._arrived = 0
        self._trace: tuple[int, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        now = _clock()
        if self._data:
            data = self._data + data
        if not data.endswith(b"\r\n\r\n"):
            self._data = data
            if len(data) > _LARGEST_HEAD:
                self._refuse()
            return
        self._data = b""
        end = data.find(b" ", len(_PATH))
        hold = data[len(_PATH) : end]
        if not data.startswith(_PATH) or not hold.isdigit():
            self._refuse()
            return
        self._arrived = now
        start = data.find(_TRACE, end) + len(_TRACE)
        self._trace = None
        if start > len(_TRACE):
            self._trace = int(data[start : start + 16], 16), int(data[start + 16 : start + 32], 16)
        if hold == b"0":
            self.respond()
        else:
            self._holder.hold(self, now + int(hold))

    def respond(self) -> None:
        """Send the response now, and record the hold."""
        if self._transport is None:
            return
        left = _clock()
        self._transport.write(_RESPONSE)
        if self._trace is not None:
            self._holder.holds.extend((*self._trace, self._arrived, left))

    def _refuse(self) -> None:
        if self._transport is not None:
            self._transport.write(_NOT_FOUND)
            self._transport.close()


async def measure_timer(loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """The name of the timer, and its p50, p99 and maximum lateness in ns."""
    fired = asyncio.Event()
    late: list[int] = []
    at_ns = 0

    def on_timer() -> None:
        late.append(_clock() - at_ns)
        fired.set()

    timer = make_timer(loop, on_timer)
    for _ in range(_TRIALS):
        at_ns = _clock() + _TRIAL_NS
        timer.set(at_ns)
        await fired.wait()
        fired.clear()
    timer.close()
    late.sort()
    return {
        "clock": timer.name,
        "late_p50_ns": late[_TRIALS // 2],
        "late_p99_ns": late[_TRIALS * 99 // 100],
        "late_max_ns": late[-1],
    }


async def serve(holds: Path) -> None:
    """Measure the timer, announce the URL, and serve until standard input ends."""
    loop = asyncio.get_running_loop()
    timer = await measure_timer(loop)
    holder = _Holder(loop, timer["late_p50_ns"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = await loop.create_server(lambda: _Connection(holder), sock=listener)
    ended = asyncio.Event()
    loop.add_reader(0, lambda: None if os.read(0, 4096) else ended.set())
    gc.collect()
    gc.disable()  # the process only lives for seconds
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({"url": url, "timer": timer}), flush=True)
    await ended.wait()
    loop.remove_reader(0)
    server.close()
    holder.close()
    with holds.open("wb") as file:
        holder.holds.tofile(file)


def main() -> int:
    """Entry point of the process."""
    options = json.loads(sys.argv[1])
    if options["core"] is not None:
        os.sched_setaffinity(0, {options["core"]})
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(Path(options["holds"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
