"""Services that fail before they respond: each failure has its error kind, with every driver.

A service that cannot be reached at all is reported before the run. So every service here accepts
the first connection, and fails from then on.
"""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
import trustme

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Transport, run
from benchlab.errors import TargetError
from benchlab.plan.drivers import DRIVERS
from tests.load.bad_servers import flood
from tests.load.servers import Behaviour, always, ok, serving

COUNT = 20
TIMEOUT_S = 0.4

Handler = Callable[[socket.socket], None]
"""Handles an accepted connection, which is closed afterwards."""


def drop(_connection: socket.socket) -> None:
    """Close the connection at once."""


def refuse_late(connection: socket.socket) -> None:
    """Reset the connection at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def vanish(connection: socket.socket) -> None:
    """Neither read nor send anything."""
    time.sleep(3 * TIMEOUT_S)


def plain(connection: socket.socket) -> None:
    """HTTP where TLS is expected."""
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    with contextlib.suppress(OSError):
        connection.recv(4096)


def with_certificate(context: ssl.SSLContext) -> Handler:
    """TLS with another certificate."""

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(ok())

    return handle


def hang_up_in_tls(context: ssl.SSLContext) -> Handler:
    """A valid handshake, then bytes that are not TLS."""

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection.dup(), server_side=True) as secure:
            secure.recv(4096)
            connection.sendall(b"this is not TLS" * 100)
            time.sleep(0.05)

    return handle


@contextlib.contextmanager
def failing(handle: Handler, first: ssl.SSLContext | None = None) -> Iterator[int]:
    """A service on a free port that fails from the second connection on; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    turn = iter(range(10**6))

    def serve(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection:
            if number:
                handle(connection)
            elif first is not None:
                first.wrap_socket(connection, server_side=True).close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                arguments = (connection, next(turn))
                threading.Thread(target=serve, args=arguments, daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


class Certificates(NamedTuple):
    authority: trustme.CA
    ca_file: str
    contexts: dict[str, ssl.SSLContext]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority, stranger = trustme.CA(), trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    begin, end = (datetime.datetime(2020, 1, day, tzinfo=datetime.UTC) for day in (1, 2))
    certs = {
        "good": authority.issue_cert("127.0.0.1"),
        "expired": authority.issue_cert("127.0.0.1", not_before=begin, not_after=end),
        "of another host": authority.issue_cert("elsewhere.example"),
        "of a stranger": stranger.issue_cert("127.0.0.1"),
    }
    contexts = {}
    for name, cert in certs.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert.configure_cert(contexts[name])
    return Certificates(authority, str(path), contexts)


def measured_errors(driver: str, url: str, transport: Transport | None = None) -> dict[str, int]:
    plan = Plan(
        [Request("GET", url)],
        ConstantRate(100),
        duration_s=COUNT / 100,
        timeout_s=TIMEOUT_S,
        driver=driver,
        transport=transport or Transport(),
    )
    result = run(plan)
    assert list(result.samples.column("seq")) == list(range(COUNT))
    assert (result.samples.column("done_ns") >= result.samples.column("sent_ns")).all()
    return result.summary.errors


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("handle", "kinds"),
    [(drop, {"closed", "reset"}), (refuse_late, {"reset", "connect"}), (vanish, {"timeout"})],
)
def test_a_service_that_accepts_and_fails(driver: str, handle: Handler, kinds: set[str]) -> None:
    with failing(handle) as port:
        errors = measured_errors(driver, f"http://127.0.0.1:{port}/")
    assert set(errors) <= kinds
    assert sum(errors.values()) == COUNT


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("certificate", ["expired", "of another host", "of a stranger"])
def test_a_wrong_certificate_is_a_tls_error(
    driver: str, certificate: str, certificates: Certificates
) -> None:
    contexts = certificates.contexts
    with failing(with_certificate(contexts[certificate]), contexts["good"]) as port:
        transport = Transport(ca_file=certificates.ca_file)
        errors = measured_errors(driver, f"https://127.0.0.1:{port}/", transport)
    assert errors == {"tls": COUNT}


@pytest.mark.parametrize("certificate", ["expired", "of another host", "of a stranger"])
def test_a_wrong_certificate_is_reported_before_any_load(
    certificate: str, certificates: Certificates
) -> None:
    with serving(always(ok()), tls=certificates.contexts[certificate]) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(10),
            duration_s=1,
            transport=Transport(ca_file=certificates.ca_file),
        )
        with pytest.raises(TargetError, match="is not trusted"):
            run(plan)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("handle", "kinds"),
    [
        (plain, {"tls"}),
        (drop, {"tls"}),
        (refuse_late, {"tls", "connect"}),  # which of them, the time of the RST decides
        (vanish, {"timeout"}),
    ],
)
def test_a_service_without_tls_is_reported(
    driver: str, handle: Handler, kinds: set[str], certificates: Certificates
) -> None:
    with failing(handle, certificates.contexts["good"]) as port:
        transport = Transport(ca_file=certificates.ca_file)
        errors = measured_errors(driver, f"https://127.0.0.1:{port}/", transport)
    assert set(errors) <= kinds
    assert sum(errors.values()) == COUNT


def test_broken_tls_is_a_tls_error(certificates: Certificates) -> None:
    good = certificates.contexts["good"]
    with failing(hang_up_in_tls(good), good) as port:
        transport = Transport(ca_file=certificates.ca_file)
        errors = measured_errors("http", f"https://127.0.0.1:{port}/", transport)
    assert errors == {"tls": COUNT}


@pytest.mark.parametrize("driver", DRIVERS)
def test_tls_where_plain_http_is_expected(driver: str, certificates: Certificates) -> None:
    """Servers respond with an alert or close the connection; neither is HTTP."""
    with serving(always(ok()), tls=certificates.contexts["good"]) as url:
        errors = measured_errors(driver, url.replace("https://", "http://"))
    assert set(errors) <= {"protocol", "closed", "reset"}
    assert sum(errors.values()) == COUNT


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("load", [ClosedLoop(2), ConstantRate(100)])
def test_a_service_that_goes_away_gives_connect_errors(
    driver: str, load: ClosedLoop | ConstantRate
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def leave() -> None:
        connection, _ = listener.accept()
        connection.close()
        listener.close()

    threading.Thread(target=leave, daemon=True).start()
    plan = Plan([Request("GET", f"http://127.0.0.1:{port}/")], load, duration_s=0.3, driver=driver)
    result = run(plan)
    assert set(result.summary.errors) <= {"connect", "reset", "closed"}
    assert result.summary.errors["connect"] >= 10
    assert result.summary.error_count == result.summary.count


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_restarting_service_fails_only_during_the_restart(driver: str) -> None:
    with serving(always(ok())) as url:
        port = int(url.rstrip("/").rpartition(":")[2])

    def restart() -> None:
        with serving(always(ok()), port=port):
            up.set()
            time.sleep(0.8)
        time.sleep(0.4)
        with serving(always(ok()), port=port):
            down.wait(20)

    up, down = threading.Event(), threading.Event()
    thread = threading.Thread(target=restart)
    thread.start()
    up.wait(5)
    plan = Plan([Request("GET", url)], ConstantRate(100), 2, timeout_s=TIMEOUT_S, driver=driver)
    result = run(plan)
    down.set()
    thread.join()
    failed = result.samples.column("error") != 0
    at_s = result.samples.column("sent_ns") / 1e9
    assert result.summary.count == 200
    assert set(result.summary.errors) <= {"connect", "reset", "closed"}
    assert result.summary.errors["connect"] >= 5
    assert np.ptp(at_s[failed]) < 1
    assert not failed[-20:].any()


@pytest.mark.parametrize("load", [ClosedLoop(8), ConstantRate(40)])
def test_a_full_backlog_is_a_timeout_and_the_run_still_starts(
    load: ClosedLoop | ConstantRate,
) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)  # and never accept
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with listener:
        result = run(Plan([Request("GET", url)], load, duration_s=0.3, timeout_s=0.3))
    assert set(result.summary.errors) == {"timeout"}
    assert result.summary.count >= 8


GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    "behaviour",
    [
        flood(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIGABYTE, b"x" * 65_536, GIGABYTE),
        flood(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 65_536, GIGABYTE, keep=False),
    ],
    ids=["length", "until close"],
)
def test_a_body_of_a_gigabyte_is_counted_and_not_stored(behaviour: Behaviour) -> None:
    with serving(behaviour) as url:
        result = run(Plan([Request("GET", url)], ConstantRate(1), 1, timeout_s=60))
    assert result.summary.errors == {}
    assert list(result.samples.column("bytes_in")) == [GIGABYTE]
    assert result.health.workers[0].memory_max_bytes < 200e6
