"""Connection failures are one line: what is wrong, where, and what to do."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from clickhouse_connect.driver.httpclient import HttpClient

from benchlab.errors import StoreError, StoreUnavailableError
from benchlab.store import Store
from tests.clickhouse_front import Front


def error_of(dsn: str, kind: type[StoreError], capfd: pytest.CaptureFixture[str]) -> str:
    """The message of the error that opening a store ends in; nothing else is printed."""
    # As in a program without logging set up: pytest's own handlers would take what is logged.
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        with pytest.raises(StoreError) as caught:
            Store(dsn).runs()
    finally:
        root.handlers = handlers
    message = str(caught.value)
    assert type(caught.value) is kind, message
    assert message.startswith("cannot reach the store http")
    for noise in ("hunter2", "\n", "Pool", "urllib3", "query_id", "<html>", "_ssl.c", "attempt"):
        assert noise not in message
    assert "".join(capfd.readouterr()) == ""
    return message


@contextmanager
def web_server(status: int, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a web server that returns this status for everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b"<html><body><h1>\n%d nginx</h1></body></html>" % status
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_connection_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port = taken.getsockname()[1]
        message = error_of(f"http://me:hunter2@127.0.0.1:{port}/lab", StoreUnavailableError, capfd)
    assert message == (
        f"cannot reach the store http://me:***@127.0.0.1:{port}/lab: nothing listens on port {port}"
        " (connection refused). Start ClickHouse there, or correct host and port in BENCHLAB_DSN"
    )


def test_unknown_host(capfd: pytest.CaptureFixture[str]) -> None:
    message = error_of("http://me:hunter2@no-such.invalid/lab", StoreUnavailableError, capfd)
    assert "the host no-such.invalid is unknown. Correct it in BENCHLAB_DSN" in message


def test_no_response(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        dsn = f"http://me:hunter2@127.0.0.1:{port}/lab?send_receive_timeout=1"
        message = error_of(dsn, StoreUnavailableError, capfd)
    assert "no response within 1 s. " in message
    assert "?send_receive_timeout=600 in BENCHLAB_DSN" in message


def test_the_first_response_may_take_wait_s() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = Store(f"http://127.0.0.1:{silent.getsockname()[1]}/lab", wait_s=1)
        with pytest.raises(StoreUnavailableError, match="no response within 1 s") as caught:
            store.runs()
    assert "BENCHLAB_STORE_WAIT_S=300 for the first response" in str(caught.value)


def test_a_query_has_the_default_timeout(front: Front) -> None:
    with Store(front.dsn(), wait_s=1).connect() as client:
        assert isinstance(client, HttpClient)
        assert client.timeout.read_timeout == 300


def test_write_by_a_read_only_user(front: Front) -> None:
    reader = Store(front.dsn("default", "reader:look"))
    with pytest.raises(StoreError, match="the user 'reader' has no write permission"):
        reader.query_df("CREATE TABLE mine (n Int64) ENGINE = Memory", write=True)


def test_connection_closed_without_a_response(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_all() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=close_all)
        thread.start()
        port = server.getsockname()[1]
        message = error_of(f"http://me:hunter2@127.0.0.1:{port}/lab", StoreUnavailableError, capfd)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert "the connection was closed without a response. Check that ClickHouse" in message


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (200, StoreError, "the server there (HTTP status 200) is not ClickHouse. Correct"),
        (404, StoreError, "the server there (HTTP status 404) is not ClickHouse. Correct"),
        (405, StoreError, "the server there (HTTP status 405) is not ClickHouse. Correct"),
        (502, StoreUnavailableError, "a proxy there returns HTTP status 502; ClickHouse"),
        (503, StoreUnavailableError, "a proxy there returns HTTP status 503; ClickHouse"),
    ],
)
def test_a_web_server_that_is_not_clickhouse(
    capfd: pytest.CaptureFixture[str], status: int, kind: type[StoreError], message: str
) -> None:
    with web_server(status) as port:
        assert message in error_of(f"http://me:hunter2@127.0.0.1:{port}/lab", kind, capfd)


def test_tls_errors(capfd: pytest.CaptureFixture[str], front: Front, tmp_path: Path) -> None:
    plain = f"https://me:hunter2@127.0.0.1:{front.port}/lab"
    assert "it does not speak TLS on port" in error_of(plain, StoreError, capfd)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with web_server(404, context) as port:
        dsn = f"https://me:hunter2@127.0.0.1:{port}/lab"
        message = error_of(dsn, StoreError, capfd)
        assert "its certificate is not trusted (unable to get local issuer cert" in message
        assert "?ca_cert=/path/ca.pem in BENCHLAB_DSN" in message
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        assert "status 404" in error_of(f"{dsn}?ca_cert={tmp_path / 'ca.pem'}", StoreError, capfd)


def test_a_wrong_password(capfd: pytest.CaptureFixture[str], front: Front) -> None:
    message = error_of(f"http://me:hunter2@127.0.0.1:{front.port}/default", StoreError, capfd)
    assert "authentication failed for the user 'me'" in message
    assert message.endswith("Correct user and password in BENCHLAB_DSN")
