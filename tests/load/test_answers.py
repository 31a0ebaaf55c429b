"""Every way an answer can go wrong ends in the right error kind, and in exact counts."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, run
from benchlab.values.run import Run
from tests.load.servers import Behaviour, always, in_pieces, ok, reset, serving

COUNT = 20


def measure(url: str, driver: str = "http", method: str = "GET", timeout_s: float = 1.0) -> Run:
    return run(
        Plan(
            [Request(method, url)],
            ConstantRate(100),
            duration_s=COUNT / 100,
            timeout_s=timeout_s,
            driver=driver,
        )
    )


def silent(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return True


def close(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return False


def half_then_reset(connection: socket.socket, request: bytes, number: int) -> bool:
    connection.sendall(ok(b"0123456789")[:-4])
    time.sleep(0.02)
    return reset(connection, request, number)


GOOD = {
    "ordinary": always(ok()),
    "empty body": always(ok(b"")),
    "byte by byte": in_pieces(ok(b"0123456789")),
    "chunked": always(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nT: v\r\n\r\n"
    ),
    "until close": always(b"HTTP/1.1 200 OK\r\n\r\nok", keep=False),
    "http/1.0": always(b"HTTP/1.0 200 OK\r\n\r\nok", keep=False),
    "connection: close": always(ok(extra=b"Connection: close\r\n"), keep=False),
    "no content": always(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "not modified": always(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
    "interim answers first": always(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok()
    ),
    "surplus bytes": always(ok() + b"surplus"),
    "64 KB of headers": always(ok(extra=b"X-Long: " + b"x" * 65_000 + b"\r\n")),
    "1 MB body": always(ok(b"x" * 1_000_000)),
}

BAD = {
    "closed at once": (close, "closed"),
    "reset at once": (reset, "reset"),
    "reset in the body": (half_then_reset, "reset"),
    "truncated body": (always(ok(b"0123456789")[:-4], keep=False), "closed"),
    "truncated head": (always(b"HTTP/1.1 200 OK\r\nContent-", keep=False), "closed"),
    "truncated chunk": (
        always(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\nok",
            keep=False,
        ),
        "closed",
    ),
    "no http at all": (always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol"),
    "bad chunk size": (
        always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"),
        "protocol",
    ),
    "negative length": (always(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "protocol"),
    "two lengths": (
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        "protocol",
    ),
    "another protocol": (
        always(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "protocol",
    ),
    "silence": (silent, "timeout"),
    "half an answer, then silence": (always(ok(b"0123456789")[:-4]), "timeout"),
    "server error": (always(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), "status"),
    "not found": (always(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"), "status"),
}


@pytest.mark.parametrize("behaviour", GOOD.values(), ids=GOOD.keys())
def test_good_answers_are_no_errors(behaviour: Behaviour) -> None:
    with serving(behaviour) as url:
        result = measure(url)
    assert result.stats.errors == {}
    assert result.stats.count == COUNT
    assert sorted(result.samples.column("seq")) == list(range(COUNT))


@pytest.mark.parametrize(("behaviour", "kind"), BAD.values(), ids=BAD.keys())
def test_bad_answers_have_their_kind(behaviour: Behaviour, kind: str) -> None:
    with serving(behaviour) as url:
        result = measure(url, timeout_s=0.3)
    assert result.stats.errors == {kind: COUNT}
    assert result.stats.count == COUNT


def test_head_answers_have_no_body() -> None:
    with serving(always(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as url:
        result = measure(url, method="HEAD")
    assert result.stats.errors == {}
    assert result.health.workers[0].connections_opened < COUNT


def test_body_bytes_are_counted() -> None:
    with serving(always(ok(b"x" * 100_000))) as url:
        result = measure(url)
    assert set(result.samples.column("bytes_in")) == {100_000}


def test_surplus_bytes_cost_the_connection() -> None:
    with serving(always(ok() + b"surplus")) as url:
        result = measure(url)
    assert result.health.workers[0].connections_opened == COUNT


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (always(ok()), None),
        (close, "closed"),
        (reset, "reset"),
        (always(b"SSH-2.0\r\n\r\n"), "protocol"),
        (silent, "timeout"),
        (always(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "status"),
    ],
)
def test_the_httpx_driver_speaks_of_the_same_kinds(behaviour: Behaviour, kind: str | None) -> None:
    with serving(behaviour) as url:
        result = measure(url, driver="httpx", timeout_s=0.3)
    assert result.stats.errors == ({kind: COUNT} if kind else {})
    assert result.stats.count == COUNT


@pytest.mark.parametrize("driver", ["http", "httpx"])
@pytest.mark.parametrize("load", [ClosedLoop(2), ConstantRate(100)])
def test_a_server_that_goes_away_gives_connect_errors(
    driver: str, load: ClosedLoop | ConstantRate
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def leave() -> None:
        connection, _ = listener.accept()  # the preflight's; nothing is accepted after it
        connection.close()
        listener.close()

    threading.Thread(target=leave, daemon=True).start()
    plan = Plan([Request("GET", f"http://127.0.0.1:{port}/")], load, duration_s=0.3, driver=driver)
    result = run(plan)
    assert set(result.stats.errors) <= {"connect", "reset", "closed"}
    assert result.stats.errors["connect"] >= 10
    assert result.stats.error_count == result.stats.count
