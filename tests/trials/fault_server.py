"""A service with known faults: ``… -m tests.trials.fault_server SETTINGS FILE``.

It serves HTTP/1.1 on one port per target, and says them on standard output. What a request takes is
drawn when it arrives: its own time, and what each fault adds. When standard input ends, the truth
about every request is written to FILE (npz), to be read by `tests.trials.truth`.

Waiting is virtual: a slot or a lock is busy until a time, so that the service has no noise but that
of the machine. Only a blocked event loop blocks in fact.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import json
import math
import random
import socket
import ssl
import sys
import threading
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import uvloop

from benchlab.load.arrivals.timer import make_timer

__all__ = ["ROW"]

ROW = (
    "seq",
    "arrived_ns",
    "started_ns",
    "ended_ns",
    "left_ns",
    "own_ns",
    "first_ns",
    "second_ns",
    "instance",
    "status",
)
"""The columns of the truth: the server's span is from ``started_ns`` to ``ended_ns``, ``own_ns`` is
what the request would have taken alone, ``first_ns`` and ``second_ns`` what each cause added."""

_clock = time.monotonic_ns
_TRACE = b"traceparent: 00-"
_REASONS = {200: b"OK", 429: b"Too Many Requests", 500: b"Internal Server Error", 503: b"Busy"}
_BODY = memoryview(b"x" * 1_000_000)
_MS = 1_000_000


class Call:
    """A request while it is served."""

    __slots__ = (
        "added",
        "arrived",
        "body_ns",
        "child",
        "connection",
        "ended",
        "endpoint",
        "extra",
        "instance",
        "is_early",
        "late",
        "left",
        "lock",
        "own",
        "seq",
        "size",
        "split_ns",
        "started",
        "status",
    )

    def __init__(self, connection: Connection, seq: int, endpoint: int, now: int) -> None:
        self.connection, self.seq, self.endpoint = connection, seq, endpoint
        self.arrived = self.started = self.ended = self.left = now
        self.own = self.instance = self.size = 0
        self.extra = self.child = 0  # within the handler, and within a child span of it
        self.body_ns = 0  # how long the rest of the body takes, within the span
        self.split_ns = 0  # how long the rest of the body is on its way, after the span
        self.late = 0  # how long the response is on its way
        self.lock: dict[str, Any] | None = None
        self.added = [0, 0]
        self.status, self.is_early = 200, False


class Service:
    """What all connections share: clock, timer, slots, the lock, and the truth."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.random = random.Random(settings["seed"])
        self.due: list[tuple[int, int, Call | None, Callable[[], None]]] = []
        self.count = 0
        self.timer = make_timer(loop, self.on_timer)
        self.rows = array("q")
        self.pauses: list[tuple[int, int, int]] = []
        self.children: dict[str, array[int]] = {}
        self.slots = [0] * settings.get("slots", 0)
        self.faults = settings["faults"]
        self.lock_free = self.held_until = self.began = 0
        self.tokens, self.filled = 0.0, 0
        self.served = self.opened = 0
        base = settings["base"]
        self.scale, self.sigma, self.tail = base["median_ns"], base["sigma"], base["tail_ns"]

    def at(self, due: int, call: Call | None, action: Callable[[], None]) -> None:
        """Call ``action`` at ``due``; a pause moves what belongs to a ``call``."""
        self.count += 1
        heapq.heappush(self.due, (due, self.count, call, action))
        if self.due[0][1] == self.count:
            self.timer.set(due)

    def on_timer(self) -> None:
        """Do what is due."""
        while self.due and self.due[0][0] <= _clock():
            heapq.heappop(self.due)[3]()
        if self.due:
            self.timer.set(self.due[0][0])

    def begin(self, now: int) -> None:
        """The first request has come: faults that follow the clock begin to count."""
        self.began = now
        for fault in self.faults:
            for start, length in fault.get("pauses", ()):
                pause = self.hold if fault["kind"] == "hold" else self.block
                at = now + start
                self.at(at, None, lambda at=at, n=length, f=fault, p=pause: p(at, n, f["cause"]))  # type: ignore[misc]

    def hold(self, at: int, length: int, cause: int) -> None:
        """Stop all handlers for ``length``, as a stop-the-world collection does."""
        self.pauses.append((cause, at, at + length))
        self.held_until = at + length
        moved: list[tuple[int, int, Call | None, Callable[[], None]]] = []
        for due, count, call, action in self.due:
            if call is not None and due > at:
                call.ended += length
                call.left += length
                moved.append((due + length, count, call, action))
            else:
                moved.append((due, count, call, action))
        heapq.heapify(moved)
        self.due = moved
        self.slots = [free + length if free > at else free for free in self.slots]
        self.lock_free += length if self.lock_free > at else 0

    def block(self, _: int, length: int, cause: int) -> None:
        """Block the event loop."""
        start = _clock()
        time.sleep(length / 1e9)
        self.pauses.append((cause, start, _clock()))

    def draw(self, median_ns: float, sigma: float) -> int:
        """A time from a lognormal distribution."""
        return int(median_ns * math.exp(self.random.gauss(0.0, sigma)))

    def arrive(self, call: Call, is_first: bool) -> None:
        """Decide all that happens to a request."""
        now = call.arrived
        if not self.began:
            self.begin(now)
        self.served += 1
        own = self.draw(self.scale, self.sigma)
        if self.tail:
            own += int(self.random.expovariate(1.0) * self.tail)
        call.own = own
        size = self.settings["size"]
        call.size = min(
            int(size["median"] * math.exp(self.random.gauss(0, size["sigma"]))), 400_000
        )
        if self.settings["instance_by"] == "request":
            call.instance = self.random.randrange(self.settings["instances"])
        for fault in self.faults:
            if fault["kind"] not in {"hold", "block"} and self.applies(fault, call, is_first):
                self.inflict(fault, call)
        if call.is_early:
            own = call.own = min(own, _MS)
            call.extra = call.child = 0
        self.plan(call)
        call.left = call.ended + call.late
        self.at(call.left, call, lambda: self.respond(call))

    def inflict(self, fault: dict[str, Any], call: Call) -> None:
        """Let a fault have its effect on a request that it applies to."""
        kind, cause = fault["kind"], fault["cause"]
        if kind == "lock":
            call.lock = fault
        elif kind == "limit":
            self.limit(fault, call)
        elif kind == "error":
            call.status, call.is_early = fault["status"], bool(fault["quick"])
            call.added[cause] += 1
        elif kind == "block_request":
            length = self.amount(fault)
            self.at(call.arrived, None, lambda: self.block(0, length, cause))
        else:
            self.delay(fault, call)

    def delay(self, fault: dict[str, Any], call: Call) -> None:
        """Delay a request: its handler, a child span of it, its body, or on its way back."""
        kind = fault["kind"]
        if kind == "drift":
            part = (call.arrived - self.began) / fault["length_ns"]
            share = math.exp(-part * fault["decay"]) if fault["decay"] else part
            added = int(fault["amount_ns"] * share)
        elif kind == "per_byte":
            added = int(fault["ns"] * call.size)
        elif kind == "tcp":
            added = self.stalled(fault)
        else:
            added = self.amount(fault)
        call.added[fault["cause"]] += added
        if kind == "slow_body":
            call.body_ns += added
        elif kind == "tcp" and fault["place"] == "between":
            call.split_ns += added
        elif kind == "tcp":
            call.late += added
        elif kind == "child":
            call.child += added
        else:
            call.extra += added

    def plan(self, call: Call) -> None:
        """Find out when the handler starts and ends: slots, pauses, the lock."""
        start, own, lock = call.arrived, call.own, call.lock
        if self.slots:
            start = max(start, heapq.heappop(self.slots))
            call.added[self.settings.get("slots_cause", 0)] += start - call.arrived
        call.started = start
        end = max(start, self.held_until) + own + call.extra + call.child
        if lock is not None:
            got = max(end, self.lock_free)
            hold = int(lock["amount_ns"] * (self.random.expovariate(1.0) if lock["random"] else 1))
            call.added[lock["cause"]] += got - end
            if name := lock.get("child"):
                self.children.setdefault(name, array("q")).extend((call.seq, end, got - end))
            end = self.lock_free = got + hold
        call.ended = end
        if self.slots:
            heapq.heappush(self.slots, end)
        names = self.settings.get("children", ())
        if names:
            at, part = max(start, self.held_until), own // (len(names) + 1)
            for number, name in enumerate(names):
                took = part + (call.child if number == self.settings["slow_child"] else 0)
                self.children.setdefault(name, array("q")).extend((call.seq, at, took))
                at += took

    def applies(self, fault: dict[str, Any], call: Call, is_first: bool) -> bool:
        """Whether a fault concerns a request, by its place, window and ratio."""
        since = call.arrived - self.began
        window = fault.get("window")
        if window and not window[0] <= since < window[1]:
            return False
        where, which = fault.get("where"), fault.get("which")
        found = {
            None: True,
            "endpoint": call.endpoint == which,
            "target": call.connection.target == which,
            "instance": call.instance == which,
            "connection": call.connection.number == which,
            "first": is_first,
        }[where]
        return found and self.random.random() < fault.get("ratio", 1.0)

    def amount(self, fault: dict[str, Any]) -> int:
        """How long a fault takes, by its distribution."""
        if fault.get("exponential"):
            return int(fault["amount_ns"] * self.random.expovariate(1.0))
        return self.draw(fault["amount_ns"], fault["sigma"])

    def stalled(self, fault: dict[str, Any]) -> int:
        """How long a packet is late: a timeout, and its doublings if it is lost again."""
        total, step = 0, int(fault["amount_ns"])
        while True:
            total += step + int(abs(self.random.gauss(0, 0.6e6)))
            if self.random.random() >= fault["again"]:
                return total
            step *= 2

    def limit(self, fault: dict[str, Any], call: Call) -> None:
        """Refuse what exceeds a rate, by a token bucket."""
        now, rate = call.arrived, fault["rps"]
        self.tokens = min(rate * 0.1, self.tokens + (now - self.filled) * rate / 1e9)
        self.filled = now
        if self.tokens < 1:
            call.status, call.is_early = 429, True
            call.added[fault["cause"]] += 1
        else:
            self.tokens -= 1

    def respond(self, call: Call) -> None:
        """Send the response, or its first part."""
        if call.status == 0:
            call.connection.drop()
            self.finish(call)
            return
        connection, size = call.connection, call.size if call.status == 200 else 0
        head = (
            b"HTTP/1.1 %d %s\r\nServer: benchlab-trials\r\nContent-Type: text/plain\r\n"
            b"Content-Length: %d\r\n%s\r\n"
        ) % (
            call.status,
            _REASONS[call.status],
            size,
            b"Connection: close\r\n" if connection.is_last() else b"",
        )
        rest_ns = call.body_ns + call.split_ns
        if not rest_ns or size < 8:
            connection.write(head + _BODY[:size])
            self.finish(call)
            return
        first = size // 4
        connection.write(head + _BODY[:first])
        call.ended += call.body_ns
        call.left += rest_ns
        steps = 1 if call.split_ns else 3
        for step in range(1, steps + 1):
            end = first + (size - first) * step // steps
            start = first + (size - first) * (step - 1) // steps
            self.at(
                call.left - rest_ns + rest_ns * step // steps,
                call,
                lambda a=start, b=end, last=step == steps: self.go_on(call, a, b, last),  # type: ignore[misc]
            )

    def go_on(self, call: Call, start: int, end: int, is_last: bool) -> None:
        """Send another part of a body."""
        call.connection.write(_BODY[start:end])
        if is_last:
            self.finish(call)

    def finish(self, call: Call) -> None:
        """Note the truth; close the connection if this was its last response."""
        self.rows.extend(
            (
                call.seq,
                call.arrived,
                call.started,
                call.ended,
                _clock(),
                call.own,
                *call.added,
                call.instance,
                call.status,
            )
        )
        call.connection.done()

    def save(self, file: Path, to_wall_ns: int) -> None:
        """Write the truth, times of the wall clock."""
        rows = np.frombuffer(self.rows, dtype="<i8").reshape(-1, len(ROW)).copy()
        rows[:, 1:5] += to_wall_ns
        pauses = np.array(self.pauses, dtype="<i8").reshape(-1, 3)
        pauses[:, 1:] += to_wall_ns
        children = {}
        for name, values in self.children.items():
            table = np.frombuffer(values, dtype="<i8").reshape(-1, 3).copy()
            table[:, 1] += to_wall_ns
            children[f"child:{name}"] = table
        np.savez_compressed(file, rows=rows, pauses=pauses, **children)  # type: ignore[arg-type]


class Connection(asyncio.Protocol):
    """One request at a time: GET, without a body."""

    def __init__(self, service: Service, target: int) -> None:
        self.service, self.target = service, target
        self.transport: asyncio.Transport | None = None
        self.data = b""
        self.count = 0
        self.number = -1
        self.wants_close = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        now = _clock()
        self.data += data
        if not self.data.endswith(b"\r\n\r\n"):
            return
        data, self.data = self.data, b""
        service = self.service
        if data.startswith(b"GET /served"):
            text = b"%d" % service.served
            self.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
            return
        if self.number < 0:
            self.number = service.opened
            service.opened += 1
        start = data.find(_TRACE) + len(_TRACE) + 16
        seq = int(data[start : start + 16], 16) if start >= len(_TRACE) + 16 else -1
        endpoint = data[len(b"GET /e")] - ord("0")
        self.wants_close = b"onnection: close" in data
        self.count += 1
        call = Call(self, seq, endpoint, now)
        settings = service.settings
        if settings["instance_by"] == "target":
            call.instance = self.target
        elif settings["instance_by"] == "connection":
            call.instance = self.number % settings["instances"]
        service.arrive(call, self.count == 1)

    def is_last(self) -> bool:
        """Whether the service closes this connection after the response."""
        most = self.service.settings.get("responses_per_connection", 0)
        return self.wants_close or (most > 0 and self.count >= most)

    def write(self, data: bytes | memoryview) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def done(self) -> None:
        """A response was sent."""
        if self.transport is not None and self.is_last():
            self.transport.close()

    def drop(self) -> None:
        """Close the connection without a response."""
        if self.transport is not None:
            self.transport.abort()


class LateHandshakes:
    """Accepts connections at once, and starts TLS on each a while later."""

    def __init__(
        self, service: Service, target: int, listener: socket.socket, tls: ssl.SSLContext
    ) -> None:
        self.service, self.target, self.listener, self.tls = service, target, listener, tls
        self.loop = asyncio.get_running_loop()
        self.tasks: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self.loop.add_reader(listener.fileno(), self.accept)

    def accept(self) -> None:
        """Accept what waits; the first bytes of its handshake stay in the kernel meanwhile."""
        settings = self.service.settings
        with suppress(BlockingIOError):
            while True:
                raw = self.listener.accept()[0]
                late = self.service.draw(settings["handshake_ns"], settings["handshake_sigma"])
                self.service.at(_clock() + late, None, lambda raw=raw: self.start(raw))  # type: ignore[misc]

    def start(self, raw: socket.socket) -> None:
        """Begin the handshake."""
        task = self.loop.create_task(self.shake(raw))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def shake(self, raw: socket.socket) -> None:
        """Carry it out."""
        with suppress(OSError):
            await self.loop.connect_accepted_socket(
                lambda: Connection(self.service, self.target), raw, ssl=self.tls
            )


async def serve(settings: dict[str, Any], file: Path) -> None:
    """Serve until standard input ends, then write the truth."""
    loop = asyncio.get_running_loop()
    to_wall_ns = time.time_ns() - _clock()
    service = Service(loop, settings)
    tls = None
    if settings["tls"]:
        import trustme

        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("127.0.0.1").configure_cert(tls)
    ports = []
    for target in range(settings["targets"]):
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        ports.append(listener.getsockname()[1])
        if tls is not None and settings.get("handshake_ns"):
            LateHandshakes(service, target, listener, tls)
        else:
            await loop.create_server(
                lambda n=target: Connection(service, n),
                sock=listener,
                ssl=tls,
            )
    ended = asyncio.Event()

    def watch() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    print(json.dumps(ports), flush=True)
    gc.collect()
    gc.freeze()
    gc.disable()
    await ended.wait()
    service.save(file, to_wall_ns)


if __name__ == "__main__":
    uvloop.run(serve(json.loads(sys.argv[1]), Path(sys.argv[2])))
