"""``benchlab reports serve``: one server for all tests here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.report.index import Manifest, list_report
from benchlab.report.serve import HOST, ReportServer, file_below


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportServer]:
    base = tmp_path_factory.mktemp("served")
    root = base / "reports"
    for name in ("a b", "sweep"):
        (root / name).mkdir(parents=True)
    (base / "secret.html").write_text("secret")
    (root / "a b" / "report.html").write_text("<p>page</p>")
    (root / "a b" / "run.sqlite").write_text("x")
    (root / "a b" / "out.html").symlink_to(base / "secret.html")
    (root / "outside").symlink_to(base)
    (root / ".hidden.html").write_text("x")
    (root / "sweep" / "index.html").write_text("<p>sweep</p>")
    (root / "loop").symlink_to(root / "loop")
    list_report(root / "a b", Manifest(kind="run", title="listed"), "")
    (root / "a b" / "thumbnail.svg").write_text("<svg/>")
    with ReportServer(root, 0) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask(server: ReportServer, target: str, method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection(HOST, server.server_port, timeout=60)
    connection.putrequest(method, target, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    response.body = response.read().decode()  # type: ignore[attr-defined]
    connection.close()
    return response


@pytest.mark.parametrize(
    ("target", "content_type", "body"),
    [
        ("/", "text/html; charset=utf-8", "listed"),
        ("/index.html?x=1", "text/html; charset=utf-8", "a%20b/report.html"),
        ("/a%20b/report.html#x", "text/html; charset=utf-8", "<p>page</p>"),
        ("/a%20b/thumbnail.svg", "image/svg+xml", "<svg/>"),
        ("/sweep/", "text/html; charset=utf-8", "<p>sweep</p>"),
    ],
)
def test_reports_are_served_with_their_type(
    server: ReportServer, target: str, content_type: str, body: str
) -> None:
    response = ask(server, target)
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert body in response.body  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.html",
        "/a%20b/../../secret.html",
        "/%2e%2e/secret.html",
        "/..%2fsecret.html",
        "//etc/passwd",
        "/outside/secret.html",
        "/a%20b/out.html",
        "/a%20b/",
        "/a%20b",
        "/sweep",
        "/a%20b/report.html/",
        "ftp://[",
        "/a%20b/run.sqlite",
        "/a%20b/manifest.json/x",
        "/.hidden.html",
        "/loop/x.html",
        "/%00.html",
        "/a%5c..%5cx.html",
        "/" + "x" * 5000 + ".html",
        "/%ff.html",
        "/none.html",
    ],
)
def test_nothing_else_is_served(server: ReportServer, target: str) -> None:
    response = ask(server, target)
    assert response.status == 404
    assert "secret" not in response.body  # type: ignore[attr-defined]
    assert file_below(server.directory, target) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_page_under_another_name_reads_nothing(server: ReportServer, host: str) -> None:
    response = ask(server, "/", Host=host)
    assert (response.status, "listed" in response.body) == (421, False)  # type: ignore[attr-defined]


def test_localhost_is_the_same_and_head_has_no_body(server: ReportServer) -> None:
    response = ask(server, "/", "HEAD", Host=f"localhost:{server.server_port}")
    assert (response.status, response.body) == (200, "")  # type: ignore[attr-defined]
    assert int(response.headers["Content-Length"]) > 1000


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(server: ReportServer, method: str) -> None:
    assert ask(server, "/", method).status == 501


def test_only_this_machine_reaches_it(server: ReportServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_and_a_missing_directory_are_errors(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} of .* is in use.*--port"):
            ReportServer(tmp_path, port)
    with pytest.raises(InputError, match=r"no directory .*--dir"):
        ReportServer(tmp_path / "none", 0)
