"""A service whose faults are set over HTTP, as the bundled target's are; it notes what was done."""

from __future__ import annotations

import json
import socket
import threading
import time
from http import HTTPStatus
from typing import Any

__all__ = ["FaultyService"]


class FaultyService:
    """A server's behaviour: ``error`` faults fail requests while they are on, and nothing else.

    ``refuse`` has the methods of the control API that fail.
    """

    def __init__(self, *refuse: str) -> None:
        self.refuse = set(refuse)
        self.requests = 0
        self.changed = threading.Condition()
        self.done: list[str] = []
        self._on: dict[str, tuple[dict[str, Any], float]] = {}

    def __call__(self, connection: socket.socket, request: bytes, _number: int) -> bool:
        method, path, _ = request.split(b" ", 2)
        if not path.startswith(b"/faults"):
            self.requests += 1
            status = next((int(fault["status"]) for fault in self.on.values()), 200)
            connection.sendall(response(status, b"ok"))
            return True
        name = path.partition(b"?")[0].removeprefix(b"/faults").strip(b"/").decode()
        only_check = path.endswith(b"?do=check")
        if method.decode() in self.refuse and not only_check:
            connection.sendall(response(503, b'{"detail": "not now"}'))
            return True
        body = request.partition(b"\r\n\r\n")[2]
        with self.changed:
            if method == b"PUT" and not only_check:
                fault = json.loads(body)
                self.done.append("renewed" if path.endswith(b"?do=renew") else "set")
                self._on[name] = fault, time.monotonic() + fault["lease_s"]
            elif method == b"DELETE":
                gone = [key for key in self._on if name in ("", key)]
                for key in gone:
                    del self._on[key]
                self.done.append("lifted")
            self.changed.notify_all()
        shown = {"enabled": True, "requests_served": self.requests, "faults": list(self.on)}
        connection.sendall(response(200, json.dumps(shown).encode()))
        return True

    @property
    def on(self) -> dict[str, dict[str, Any]]:
        """The faults that are on."""
        now_s = time.monotonic()
        return {name: fault for name, (fault, until_s) in self._on.items() if until_s > now_s}

    def wait_until(self, *done: str) -> None:
        """Wait until ``done`` has happened, in this order."""
        with self.changed:
            assert self.changed.wait_for(lambda: is_part(done, self.done), timeout=60), self.done

    def wait_until_off(self) -> None:
        """Wait until no fault is on: it was lifted, or its lease has ended."""
        until_s = time.monotonic() + 60
        while self.on:
            assert time.monotonic() < until_s
            time.sleep(0.05)


def is_part(part: tuple[str, ...], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(item in rest for item in part)


def response(status: int, body: bytes) -> bytes:
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
