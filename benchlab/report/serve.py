"""Serve a directory of reports to the browsers of this machine."""

from __future__ import annotations

import errno
import html
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from benchlab.errors import InputError
from benchlab.report.index import find_reports, render_index

__all__ = ["HOST", "ReportServer", "file_below", "serve"]

HOST: Final = "127.0.0.1"

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".xml": "application/xml",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
"""What is served; of other files it says that there are none."""

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Pages bring their own style and script, and load pictures beside them: nothing else.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src"
    " 'unsafe-inline'; img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'",
}
_IDLE_S: Final = 30.0


class ReportServer(ThreadingHTTPServer):
    """Serves the reports below ``directory`` on `HOST`, and to nobody who calls it otherwise."""

    daemon_threads = True

    def __init__(self, directory: Path, port: int) -> None:
        """Listen on ``port``, or on a free one for 0.

        Raises:
            InputError: there is no such directory, or the port cannot be used.
        """
        if not directory.is_dir():
            raise InputError(
                f"there is no directory {directory}",
                remedy="write a report below it first, or choose another with --dir",
            )
        self.directory = directory.resolve()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as exc:
            problem = "is in use" if exc.errno == errno.EADDRINUSE else f"fails ({exc.strerror})"
            raise InputError(
                f"port {port} of {HOST} {problem}", remedy="choose another with --port"
            ) from exc

    @property
    def url(self) -> str:
        """Where the index is."""
        return f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""


def serve(directory: Path, port: int, announce: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; ``announce`` gets the URL once connections are accepted.

    Raises:
        InputError: there is no such directory, or the port cannot be used.
    """
    with ReportServer(directory, port) as server:
        announce(server.url)
        server.serve_forever(poll_interval=0.2)


def file_below(root: Path, target: str) -> Path | None:
    """The file that ``target`` of a request means; None if it is none that is served.

    ``root`` is absolute, and resolved. A directory, with the slash that makes the links of its page
    work, means its ``index.html``. What is hidden, or is not below ``root`` once links are
    followed, is not served.
    """
    path = _path(target)
    if path is None:
        return None
    parts = [part for part in path.split("/") if part]
    if "\0" in path or "\\" in path or any(part.startswith(".") for part in parts):
        return None
    try:
        found = root.joinpath(*parts).resolve(strict=True)
        if path.endswith("/"):
            found = (found / "index.html").resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there; a loop of links; no name of a file
        return None
    inside = found.is_relative_to(root) and found.is_file()
    return found if inside and found.suffix in _TYPES else None


def _path(target: str) -> str | None:
    """The path that ``target`` names; None if it is no URL."""
    try:
        return unquote(urlsplit(target).path, errors="surrogateescape")
    except ValueError:
        return None


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer
    server_version = "benchlab"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S

    def do_GET(self) -> None:
        """Send a file."""
        self._respond()

    def do_HEAD(self) -> None:
        """Send the head of what GET sends."""
        self._respond()

    def _respond(self) -> None:
        if not self._is_for_us():
            self._send_problem(HTTPStatus.MISDIRECTED_REQUEST, "This server has another name.")
            return
        if _path(self.path) in ("/", "/index.html"):
            # As the directory is now: reports may have been removed since the last was written.
            page = render_index(find_reports(self.server.directory))
            self._send(HTTPStatus.OK, _TYPES[".html"], page.encode())
            return
        found = file_below(self.server.directory, self.path)
        try:
            content = None if found is None else found.read_bytes()
        except OSError:
            content = None
        if found is None or content is None:
            self._send_problem(HTTPStatus.NOT_FOUND, "There is no such report.")
            return
        self._send(HTTPStatus.OK, _TYPES[found.suffix], content)

    def _is_for_us(self) -> bool:
        """Whether the request names this server: another page's name may lead here (rebinding)."""
        port = self.server.server_port
        names = {f"{host}:{port}" for host in (HOST, "localhost")}
        return self.headers.get_all("Host", []) in [[name] for name in names]

    def _send_problem(self, status: HTTPStatus, text: str) -> None:
        body = f'<!DOCTYPE html><title>{status.phrase}</title><p>{html.escape(text)} <a href="/">'
        self._send(status, _TYPES[".html"], f"{body}All reports</a></p>\n".encode())

    def _send(self, status: HTTPStatus, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # the base's name
        """Log nothing: the terminal is for the URL."""
