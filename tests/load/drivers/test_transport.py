"""How connections are made, over real sockets and by both drivers."""

from __future__ import annotations

import re
import socket
import ssl
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from benchlab import ClosedLoop, ConstantRate, Feed, Plan, Request, Transport, run
from benchlab.errors import InputError, TargetError
from benchlab.plan.drivers import drivers_for
from benchlab.runs.run import Run
from benchlab.samples.samples import Flag
from tests.load.servers import HTTP1_DRIVERS, Answering, serving


class Seen(Answering):
    """Responds to every request with 200 and records requests by connection."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.certificates: list[Any] = []
        self.connections = 0

    def connected(self, connection: socket.socket) -> None:
        self.connections += 1
        if isinstance(connection, ssl.SSLSocket):
            self.certificates.append(connection.getpeercert())

    def __call__(self, connection: socket.socket, request: bytes, _number: int) -> bool:
        self.requests.append(request)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return b"connection: close" not in request.lower()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, and client.pem with its key."""
    directory = tmp_path_factory.mktemp("certificates")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    client = authority.issue_cert("client@example.test")
    client.private_key_and_cert_chain_pem.write_to_path(directory / "client.pem")
    return directory


def server_tls(authority: trustme.CA, *names: str, ask_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if ask_client:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


def closed(driver: str, url: str, transport: Transport, **more: Any) -> Run:
    plan = Plan(
        [Request("GET", url)],
        ClosedLoop(2),
        duration_s=0.3,
        driver=driver,
        transport=transport,
        **more,
    )
    return run(plan)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_certificate_of_a_given_authority_is_trusted(
    driver: str, authority: trustme.CA, files: Path
) -> None:
    seen = Seen()
    with serving(seen, tls=server_tls(authority, "127.0.0.1")) as url:
        result = closed(driver, url, Transport(ca_file=str(files / "ca.pem")))
    assert result.summary.count > 0
    assert result.summary.errors == {}
    opened = result.connections.opened
    assert len(opened) == 2
    assert (opened.phase_ns("connect") > 0).all()
    assert (opened.phase_ns("tls") > 0).all()


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_an_unknown_authority_is_refused_unless_verify_is_off(
    driver: str, authority: trustme.CA
) -> None:
    seen = Seen()
    with serving(seen, tls=server_tls(authority, "127.0.0.1")) as url:
        with pytest.raises(TargetError, match=r"not trusted.*--insecure"):
            closed(driver, url, Transport())
        result = closed(driver, url, Transport(verify=False))
    assert result.summary.errors == {}
    assert result.summary.count > 0


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_client_certificate_and_a_server_name_are_sent(
    driver: str, authority: trustme.CA, files: Path
) -> None:
    seen = Seen()
    tls = server_tls(authority, "inner.example.test", ask_client=True)
    tls.sni_callback = lambda _socket, name, _context: seen.names.append(name)
    with serving(seen, tls=tls) as url:
        transport = Transport(
            ca_file=str(files / "ca.pem"),
            client_cert=str(files / "client.pem"),
            server_name="inner.example.test",
        )
        result = closed(driver, url, transport)
    assert result.summary.errors == {}
    assert set(seen.names) == {"inner.example.test"}
    assert any("client@example.test" in str(shown) for shown in seen.certificates)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ca_file", "ca_file='.*gone.pem' cannot be used: No such file"),
        ("client_cert", "client_cert='.*gone.pem' cannot be used: No such file"),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_missing_file_is_reported_before_any_load(
    name: str, message: str, scheme: str, tmp_path: Path
) -> None:
    plan = Plan(
        [Request("GET", f"{scheme}://127.0.0.1:1/")],
        transport=Transport(**cast(Any, {name: str(tmp_path / "gone.pem")})),
    )
    with pytest.raises(InputError, match=message):
        run(plan)


@pytest.mark.parametrize("options", ["", "foo, Close"])
@pytest.mark.parametrize("driver", drivers_for("http"))
def test_without_keep_alive_every_request_has_a_connection_of_its_own(
    driver: str, options: str
) -> None:
    """Also if the request says so, and the service does not repeat it (RFC 9112, section 9.6)."""
    seen = Seen()
    with serving(seen) as url:
        plan = Plan(
            [Request("GET", url, headers={"Connection": options} if options else {})],
            ConstantRate(100),
            duration_s=0.5,
            driver=driver,
            transport=Transport(keep_alive=bool(options)),
        )
        result = run(plan)
    assert result.summary.count == 50
    assert result.summary.errors == {}
    assert (result.samples.column("flags") & Flag.NEW_CONNECTION).all()
    # The preflight's connection sends nothing.
    assert seen.connections == 51
    assert sorted(result.connections.records["seq"]) == list(range(50))
    if driver in HTTP1_DRIVERS:  # HTTP/2 has no such header
        expected = f"connection: {options or 'close'}\r\n".lower().encode()
        assert all(expected in request.lower() for request in seen.requests)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_closed_loop_works_without_keep_alive(driver: str) -> None:
    seen = Seen()
    with serving(seen) as url:
        result = closed(driver, url, Transport(keep_alive=False))
    assert result.summary.errors == {}
    assert result.summary.count > 2
    assert len(seen.requests) == len(result.samples)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_unix_socket_replaces_the_host(driver: str, tmp_path: Path) -> None:
    seen = Seen()
    path = tmp_path / "service.sock"
    with serving(seen, unix_socket=path):
        result = closed(driver, "http://service.test/x", Transport(unix_socket=str(path)))
    assert result.summary.errors == {}
    assert result.summary.count > 0
    assert b"\r\nhost: service.test\r\n" in seen.requests[0].lower()


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_resolve_changes_the_address_but_not_the_host_header(driver: str) -> None:
    seen = Seen()
    with serving(seen) as url:
        address = url.removeprefix("http://").rstrip("/")
        transport = Transport(resolve={"service.test:8080": address})
        result = closed(driver, "http://service.test:8080/x", transport)
    assert result.summary.errors == {}
    assert b"\r\nhost: service.test:8080\r\n" in seen.requests[0].lower()


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_ipv6(driver: str) -> None:
    seen = Seen()
    with serving(seen, host="::1") as url:
        result = closed(driver, url, Transport())
    assert "[::1]" in url
    assert result.summary.errors == {}
    assert result.summary.count > 0


def test_looking_up_a_name_is_a_phase_of_its_own() -> None:
    with serving(Seen()) as url:
        port = url.rstrip("/").rpartition(":")[2]
        plan = Plan(
            [Request("GET", f"http://localhost:{port}/")],
            ConstantRate(50),
            duration_s=0.4,
            transport=Transport(keep_alive=False, dns_ttl_s=0),
        )
        result = run(plan)
    assert result.summary.errors == {}
    assert (result.connections.phase_ns("dns") > 0).all()
    assert (result.connections.phase_ns("connect") > 0).all()
    assert (result.connections.phase_ns("tls") == 0).all()


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_plan_may_have_several_services(driver: str) -> None:
    one, other = Seen(), Seen()
    with serving(one) as first, serving(other) as second:
        plan = Plan(
            [Request("GET", "/a", weight=3), Request("GET", "/b")],
            ConstantRate(200),
            duration_s=1,
            driver=driver,
            targets={"one": first, "other": second},
            max_connections=3,
        )
        result = run(plan)
    assert result.summary.count == 200
    assert result.summary.errors == {}
    counts = {name: stats.count for name, stats in result.by_endpoint().items()}
    assert counts["GET /a @ one"] + counts["GET /b @ one"] == len(one.requests)
    assert counts["GET /a @ other"] + counts["GET /b @ other"] == len(other.requests)
    assert all(count > 0 for count in counts.values())
    assert set(result.connections.records["origin"]) == {0, 1}


def test_a_closed_loop_keeps_its_users_over_several_services() -> None:
    one, other = Seen(), Seen()
    with serving(one) as first, serving(other) as second:
        plan = Plan([Request("GET", "/")], ClosedLoop(3), duration_s=0.4, targets=[first, second])
        result = run(plan)
    assert result.summary.errors == {}
    assert sum(worker.in_flight_max for worker in result.health.workers) == 3
    assert len(result.connections) == 6  # each user has one to each service
    assert len(one.requests) > 10
    assert len(other.requests) > 10


@pytest.mark.parametrize("driver", drivers_for("http"))
@pytest.mark.parametrize("workers", [1, 2])
def test_rows_fill_requests_in_turn(driver: str, workers: int) -> None:
    seen = Seen()
    rows = [{"id": number, "name": f'Ä "{number}"', "token": f"t{number}"} for number in range(25)]
    with serving(seen) as url:
        request = Request(
            "POST",
            url + "users/{{name}}?id={{id}}",
            headers={"X-Token": "{{token}}"},
            json={"id": "{{id}}", "name": "{{name}}"},
            data=Feed(rows),
        )
        plan = Plan([request], ConstantRate(100), duration_s=0.5, driver=driver, workers=workers)
        result = run(plan)
    assert result.summary.errors == {}
    found = Counter(
        re.search(rb"\?id=(\d+) .*x-token: t(\d+)\r", text.lower(), re.DOTALL).groups()  # type: ignore[union-attr]
        for text in seen.requests
    )
    assert found == {(b"%d" % n, b"%d" % n): 2 for n in range(25)}
    bodies = {text.partition(b"\r\n\r\n")[2] for text in seen.requests}
    assert b'{"id":"7","name":"\\u00c4 \\"7\\""}' in bodies
    assert any(b"/users/%C3%84%20%227%22?" in text for text in seen.requests)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_built_in_fields_make_every_request_unique(driver: str) -> None:
    seen = Seen()
    with serving(seen) as url:
        request = Request("POST", url, body="{{seq}} {{uuid}} 100 %", headers={"X-Id": "{{uuid}}"})
        plan = Plan([request], ConstantRate(100), duration_s=0.3, driver=driver, trace_ratio=0.5)
        result = run(plan)
    assert result.summary.errors == {}
    bodies = [text.partition(b"\r\n\r\n")[2].decode() for text in seen.requests]
    assert sorted(int(body.split()[0]) for body in bodies) == list(range(30))
    ids = {body.split()[1] for body in bodies}
    assert len(ids) == 30
    assert all(
        re.fullmatch(r"[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}", i)
        for i in ids
    )
    assert all(body.endswith(" 100 %") for body in bodies)


def test_a_row_that_is_invalid_in_a_header_is_reported_before_any_load() -> None:
    with serving(Seen()) as url:
        request = Request(
            "GET", url, headers={"X": "{{v}}"}, data=Feed([{"v": "a"}, {"v": "b\r\nY: z"}])
        )
        with pytest.raises(InputError, match=r"row 2 of rows cannot fill a header.*line break"):
            run(Plan([request], duration_s=0.1))
