"""A service that notes when each request arrives: ``… -m tests.benchmarks.arrival_server FILE``.

It says its port on standard output, answers until standard input ends, and then writes a pair of
64-bit integers for each request to FILE: the time of the monotonic clock, and the sequence number
in its ``traceparent``, or -1 where it has none. Exit status 1 if a request came in pieces.

It never sleeps, so no time of the machine's for waking it up is in what it notes, and needs a core
of its own for that. A turn takes a few µs per request; what arrives within one has the same time.
"""

from __future__ import annotations

import gc
import os
import select
import socket
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_MARK = b"traceparent: 00-"
_AT = len(_MARK) + 16  # the first half of a trace id is the run's
_STDIN = 0


def serve(file: Path) -> int:
    """Answer until standard input ends; the exit status."""
    gc.disable()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    accepting = listener.fileno()
    poll = select.epoll()
    poll.register(accepting, select.EPOLLIN)
    poll.register(_STDIN, select.EPOLLIN)
    print(listener.getsockname()[1], flush=True)
    connections: dict[int, socket.socket] = {}
    arrivals = array("q")
    torn = 0
    note, clock, look = arrivals.append, time.monotonic_ns, poll.poll
    while True:
        ready = look(0)
        now = clock()
        for fd, _ in ready:
            if fd == accepting:
                for connection in _accept(listener):
                    connections[connection.fileno()] = connection
                    poll.register(connection.fileno(), select.EPOLLIN)
                continue
            if fd == _STDIN:
                with file.open("wb") as out:
                    arrivals.tofile(out)
                return 1 if torn else 0
            try:
                data = os.read(fd, 65536)
                if data:
                    found = data.find(_MARK)
                    note(now)
                    note(int(data[found + _AT : found + _AT + 16], 16) if found >= 0 else -1)
                    torn += not data.endswith(b"\r\n\r\n")
                    os.write(fd, ANSWER)
                    continue
            except OSError:
                pass
            connections.pop(fd).close()


def _accept(listener: socket.socket) -> Iterator[socket.socket]:
    """All connections that wait."""
    with suppress(BlockingIOError):
        while True:
            connection = listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
