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
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Transport, run
from benchlab.errors import TargetError
from benchlab.plan.drivers import drivers_for
from benchlab.runs.run import Run
from tests.load.bad_servers import flood
from tests.load.servers import always, by_path, ok, serving

EACH = 10
"""On average: the order of requests is random. So many that none is left out."""

RATE_RPS = 200
TIMEOUT_S = 1.5
WRONG = ("expired", "of another host", "of a stranger")

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


class Case(NamedTuple):
    """How a service fails from its second connection on, and the error kinds that this may have.

    ``first`` is the certificate that the first connection gets; without it there is no TLS.
    """

    handle: Handler
    kinds: set[str]
    first: ssl.SSLContext | None = None


def cases(certificates: Certificates) -> dict[str, Case]:
    """All services of one run."""
    contexts = certificates.contexts
    good = contexts["good"]
    return {
        "closes": Case(drop, {"closed", "reset"}),
        # A request that is written after the RST was handled finds the connection closed.
        "resets": Case(refuse_late, {"reset", "connect", "closed"}),
        "is silent": Case(vanish, {"timeout"}),
        **{
            f"certificate {name}": Case(with_certificate(contexts[name]), {"tls"}, good)
            for name in WRONG
        },
        # Which of them, the time of the RST decides.
        "closes in TLS": Case(drop, {"tls", "connect"}, good),
        "resets in TLS": Case(refuse_late, {"tls", "connect"}, good),
        "is silent in TLS": Case(vanish, {"timeout"}, good),
        "does not speak TLS": Case(plain, {"tls"}, good),
    }


@pytest.fixture(scope="module", params=drivers_for("http"))
def result(
    request: pytest.FixtureRequest,
    certificates: Certificates,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    """A run with every service; its requests are named after the cases."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("BENCHLAB_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        urls = {
            "speaks TLS": stack.enter_context(
                serving(always(ok()), tls=certificates.contexts["good"])
            )
        }
        urls["speaks TLS"] = urls["speaks TLS"].replace("https:", "http:")
        for name, case in cases(certificates).items():
            scheme = "http" if case.first is None else "https"
            urls[name] = (
                f"{scheme}://127.0.0.1:{stack.enter_context(failing(case.handle, case.first))}/"
            )
        requests = [Request("GET", url, name=name) for name, url in urls.items()]
        yield run(
            Plan(
                requests,
                ConstantRate(RATE_RPS),
                duration_s=EACH * len(requests) / RATE_RPS,
                timeout_s=TIMEOUT_S,
                driver=request.param,
                transport=Transport(ca_file=certificates.ca_file),
            )
        )


def test_a_service_that_accepts_and_fails(result: Run, certificates: Certificates) -> None:
    known = cases(certificates)
    # Servers respond with an alert or close the connection; neither is HTTP.
    kinds = {"speaks TLS": {"protocol", "closed", "reset"}}
    kinds |= {name: case.kinds for name, case in known.items()}
    for name in kinds:
        samples = result.samples.endpoint(name)
        assert len(samples) > 0, name
        assert samples.error_count == len(samples), name
        assert set(samples.errors) <= kinds[name], name
    count = EACH * len(kinds)
    assert list(result.samples.column("seq")) == list(range(count))
    assert (result.samples.column("done_ns") >= result.samples.column("sent_ns")).all()


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        ("expired", "is not trusted: certificate has expired"),
        ("of another host", "is for another name.*--server-name"),
        ("of a stranger", "is not trusted.*--insecure"),
    ],
)
def test_a_wrong_certificate_is_reported_before_any_load(
    certificate: str, message: str, certificates: Certificates
) -> None:
    with serving(always(ok()), tls=certificates.contexts[certificate]) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(10),
            duration_s=1,
            transport=Transport(ca_file=certificates.ca_file),
        )
        with pytest.raises(TargetError, match=message):
            run(plan)


def test_a_run_that_sent_nothing_is_invalid(certificates: Certificates) -> None:
    good = certificates.contexts["good"]
    with failing(hang_up_in_tls(good), good) as port:
        result = run(
            Plan(
                [Request("GET", f"https://127.0.0.1:{port}/")],
                ConstantRate(100),
                duration_s=0.1,
                transport=Transport(ca_file=certificates.ca_file),
            )
        )
    assert result.summary.errors == {"tls": 10}
    assert result.verdict == "invalid"
    assert str(result.invalid_reason).startswith("no request was sent")


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_users_of_a_service_that_goes_away_get_connect_errors(driver: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def leave() -> None:
        connection, _ = listener.accept()
        connection.close()
        listener.close()

    threading.Thread(target=leave, daemon=True).start()
    url = f"http://127.0.0.1:{port}/"
    result = run(Plan([Request("GET", url)], ClosedLoop(2), duration_s=0.3, driver=driver))
    assert set(result.summary.errors) <= {"connect", "reset", "closed"}
    assert result.summary.errors["connect"] >= 2
    assert result.summary.error_count == result.summary.count


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_restarting_service_fails_only_during_the_restart(driver: str) -> None:
    with serving(always(ok())) as url:
        port = int(url.rstrip("/").rpartition(":")[2])

    def until_the_fortieth(connection: socket.socket, request: bytes, number: int) -> bool:
        if number == 40:
            busy.set()
        return always(ok())(connection, request, number)

    def restart() -> None:
        with serving(until_the_fortieth, port=port):
            up.set()
            busy.wait(60)
        time.sleep(0.5)
        with serving(always(ok()), port=port):
            back_at_ns.append(time.time_ns())
            down.wait(60)

    back_at_ns: list[int] = []
    up, busy, down = threading.Event(), threading.Event(), threading.Event()
    thread = threading.Thread(target=restart)
    thread.start()
    up.wait(5)
    plan = Plan([Request("GET", url)], ConstantRate(100), 2, timeout_s=TIMEOUT_S, driver=driver)
    result = run(plan)
    down.set()
    thread.join()
    failed = result.samples.column("error") != 0
    sent_at_ns = result.started_at_ns + result.samples.column("sent_ns")
    assert result.summary.count == 200
    assert set(result.summary.errors) <= {"connect", "reset", "closed"}
    assert result.summary.errors["connect"] > 0
    assert not failed[0]
    assert sent_at_ns[failed].max() <= back_at_ns[0]


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


SIZE = 1 << 28


def test_long_bodies_are_counted_and_not_stored() -> None:
    sized = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE
    until_close = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    piece = b"x" * 65_536
    behaviour = by_path(flood(sized, piece, SIZE), flood(until_close, piece, SIZE, keep=False))
    with serving(behaviour) as url:
        requests = [Request("GET", f"{url}{index}") for index in range(2)]
        result = run(Plan(requests, ClosedLoop(2), request_count=4, timeout_s=60))
    assert result.summary.errors == {}
    assert set(result.samples.column("bytes_in")) == {SIZE}
    assert result.health.workers[0].memory_max_bytes < 200e6


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_hosts_are_sent_and_checked_by_their_names(driver: str, certificates: Certificates) -> None:
    hosts, names = [], []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.authority.issue_cert("localhost", "xn--fa-hia.test").configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    def behave(connection: socket.socket, request: bytes, number: int) -> bool:
        hosts.append(
            next(line[6:] for line in request.split(b"\r\n") if line[:6].lower() == b"host: ")
        )
        return always(ok())(connection, request, number)

    with serving(behave, tls=context) as url:
        port = url.rstrip("/").rpartition(":")[2]
        result = run(
            Plan(
                [Request("GET", f"https://{host}:{port}/") for host in ("localhost.", "faß.test")],
                ClosedLoop(1),
                request_count=40,
                driver=driver,
                transport=Transport(
                    ca_file=certificates.ca_file,
                    resolve={"localhost": "127.0.0.1", "faß.test": "127.0.0.1"},
                ),
            )
        )
    assert result.summary.errors == {}
    assert set(hosts) == {f"localhost.:{port}".encode(), f"xn--fa-hia.test:{port}".encode()}
    assert set(names) == {"localhost", "xn--fa-hia.test"}
    assert {origin.host for origin in result.plan.origins} == {"localhost.", "xn--fa-hia.test"}


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_the_zone_of_an_address_is_used_and_not_sent(driver: str) -> None:
    address, zone = link_local_address()
    requests: list[bytes] = []

    def behave(connection: socket.socket, request: bytes, number: int) -> bool:
        requests.append(request)
        return always(ok())(connection, request, number)

    with serving(behave, "::") as url:
        port = url.rstrip("/").rpartition(":")[2]
        request = Request("GET", f"http://[{address}%25{zone}]:{port}/")
        result = run(Plan([request], ClosedLoop(1), request_count=1, driver=driver))
    assert result.summary.errors == {}
    assert f"\r\nhost: [{address}]:{port}\r\n".encode() in requests[0].lower()


def link_local_address() -> tuple[str, str]:
    """A link-local address of this machine, and the interface that has it."""
    table = Path("/proc/net/if_inet6")
    for line in table.read_text().splitlines() if table.exists() else ():
        address, *_, interface = line.split()
        if address.startswith("fe80"):
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address)), interface
    pytest.skip("this machine has no link-local address")
