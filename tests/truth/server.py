"""A service with a known fault, as a process of its own: ``python -m tests.truth.server FAULT``.

It answers each request when `Fault` says, by its own clock from its first request on, and knows
nothing of who asks. It prints its port and, when its standard input ends, how late it ever was
itself, with an answer or with a look at the clock: a disturbed server proves nothing about the
client.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from benchlab.load.arrivals.timer import make_timer
from tests.truth.faults import Fault

__all__ = ["FaultServer", "serving_fault"]

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_END = b"\r\n\r\n"
_BEAT_S = 0.01


class Service:
    """Answers that are due, in order of their time."""

    def __init__(self, fault: Fault) -> None:
        self._finish = fault.finisher()
        self._due: list[tuple[int, int, asyncio.Transport]] = []
        self._count = 0
        self._start_ns = 0
        self._timer = make_timer(asyncio.get_running_loop(), self._answer)
        self.answered = 0
        self.late_ns: list[int] = []
        self._beat(time.monotonic_ns())

    def _beat(self, due_ns: int) -> None:
        now_ns = time.monotonic_ns()
        self.late_ns.append(now_ns - due_ns)
        next_ns = now_ns + int(_BEAT_S * 1e9)
        asyncio.get_running_loop().call_later(_BEAT_S, self._beat, next_ns)

    def ask(self, transport: asyncio.Transport) -> None:
        """A request has come."""
        now_ns = time.monotonic_ns()
        self._start_ns = self._start_ns or now_ns
        due_s = self._finish((now_ns - self._start_ns) / 1e9)
        self._count += 1
        heapq.heappush(self._due, (self._start_ns + int(due_s * 1e9), self._count, transport))
        self._timer.set(self._due[0][0])

    def _answer(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic_ns():
            due_ns, _, transport = heapq.heappop(self._due)
            transport.write(_ANSWER)
            self.answered += 1
            self.late_ns.append(time.monotonic_ns() - due_ns)
        if self._due:
            self._timer.set(self._due[0][0])


class Connection(asyncio.Protocol):
    """Requests without a body, one after the other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(_END)
        for _ in requests:
            self._service.ask(self._transport)


async def serve(fault: Fault) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    service = Service(fault)
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    late_ns = sorted(service.late_ns)[-2]  # the longest may be a stop that was meant
    print(json.dumps({"count": service.answered, "late_ns": late_ns}))
    server.close()


@dataclass
class FaultServer:
    """A running service; ``count`` (of answers) and ``late_ns`` are its word, given at its end."""

    url: str
    pid: int
    count: int = 0
    late_ns: int = 0


@contextlib.contextmanager
def serving_fault(fault: Fault) -> Iterator[FaultServer]:
    """The service with ``fault`` in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.truth.server", json.dumps(fault.to_dict())],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        server = FaultServer(f"http://127.0.0.1:{process.stdout.readline().strip()}/", process.pid)
        yield server
        report = json.loads(process.communicate(timeout=10)[0])
        server.count, server.late_ns = report["count"], report["late_ns"]
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    uvloop.run(serve(Fault(**json.loads(sys.argv[1]))))
