"""HTTP as ClickHouse speaks it, as far as its Python and Go clients need.

Queries by GET and POST, also as forms; ``param_*``, settings, sessions and databases; responses in
any format of the engine, chunked; bodies and responses compressed by Content-Encoding or in
ClickHouse's own blocks; Basic and ``X-ClickHouse-User`` authentication; errors with their codes.
A read-only user and GET may not write.
"""

from __future__ import annotations

import base64
import email.parser
import email.policy
import hmac
import json
import secrets
import sys
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.clickhouse_front import wire
from tests.clickhouse_front.engine import Engine, EngineError, Query, Result
from tests.clickhouse_front.faults import Faults, LostResponseError

__all__ = ["FrontServer", "User", "serve"]

# Parameters of the interface itself; every other one is a setting of the query.
_OF_HTTP = {
    "query", "database", "user", "password", "default_format", "compress", "decompress",
    "session_id", "session_timeout", "session_check", "query_id", "quota_key", "role", "stacktrace",
    "buffer_size", "wait_end_of_query", "client_protocol_version", "enable_http_compression",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
}  # fmt: skip
_HEADERS = {"database": "X-ClickHouse-Database", "default_format": "X-ClickHouse-Format"}
_NOT_FOUND = {46, 47, 50, 60, 81, 82, 115}
_BAD_REQUEST = {6, 26, 27, 33, 36, 41, 42, 43, 53, 62, 72, 130, 206, 349, 386, 456, 457}
_FORBIDDEN = {192, 193, 194, 497, 516}
_WRONG_LOGIN = 516


@dataclass(frozen=True)
class User:
    """Somebody who may come in."""

    name: str
    password: str
    read_only: bool = False


class FrontServer(ThreadingHTTPServer):
    """One engine, its users, and what is to go wrong."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, engine: Engine, users: Sequence[User]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.engine = engine
        self.users = {user.name: user for user in users}
        self.faults = Faults()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless it is that a client has left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(directory: Path, port: int, users: Sequence[User]) -> FrontServer:
    """A server on 127.0.0.1, bound and ready for ``serve_forever``."""
    return FrontServer(port, Engine(directory), users)


class _Handler(BaseHTTPRequestHandler):
    server: FrontServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        self._handle(may_write=False)

    def do_POST(self) -> None:
        self._handle(may_write=True)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args

    def _handle(self, *, may_write: bool) -> None:
        url = urlsplit(self.path)
        parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        body = self._body()
        if url.path == "/front/faults":
            self.server.faults.set(json.loads(body))
            self._send(200, b"")
        elif url.path == "/ping" or not (parameters.get("query") or body):
            self._send(200, b"Ok.\n")
        else:
            try:
                self._query(parameters, body, may_write=may_write)
            except EngineError as exc:
                self._send_error(exc)
            except LostResponseError:
                self.close_connection = True
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    def _query(self, parameters: dict[str, str], body: bytes, *, may_write: bool) -> None:
        user = self._user(parameters)
        if encoding := self.headers.get("Content-Encoding"):
            body = wire.decompress(body, encoding)
        if parameters.get("decompress") == "1":
            body = wire.unpack_blocks(body)
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            parameters |= _form(kind, body)
            body = b""
        for name, header in _HEADERS.items():
            parameters[name] = parameters.get(name) or str(self.headers.get(header, ""))
        query = _query_of(parameters, body)
        if user.read_only:
            query = replace(query, read_only=1)
        elif not may_write:
            query = replace(query, read_only=2)
        rule = self.server.faults.meet(query.sql)
        if rule is not None:
            self.server.faults.before(rule)
        with self.server.engine.run(query) as result:
            if rule is not None:
                self.server.faults.after(rule)
            self._send_result(query, parameters, result)

    def _user(self, parameters: dict[str, str]) -> User:
        name = parameters.get("user") or self.headers.get("X-ClickHouse-User") or "default"
        password = parameters.get("password") or self.headers.get("X-ClickHouse-Key") or ""
        scheme, _, login = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, password = base64.b64decode(login).decode().partition(":")
        user = self.server.users.get(name)
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            raise EngineError(
                f"Code: {_WRONG_LOGIN}. DB::Exception: {name}: Authentication failed: password is"
                " incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
            )
        return user

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def _send_result(self, query: Query, parameters: dict[str, str], result: Result) -> None:
        pieces: Iterable[bytes] = result.pieces
        if query.format == "Native":
            revision = int(parameters.get("client_protocol_version") or 0)
            pieces = (wire.native_block(piece, revision) for piece in pieces)
        if parameters.get("wait_end_of_query") == "1":
            pieces = list(pieces)  # an error among them is an error of the request
        if parameters.get("compress") == "1":
            pieces = map(wire.pack_blocks, pieces)
        encoding = self._encoding(parameters)
        tag = secrets.token_hex(8)
        self._start(200, query.format, result.summary)
        self.send_header("X-ClickHouse-Query-Id", parameters.get("query_id") or str(uuid.uuid4()))
        self.send_header("X-ClickHouse-Exception-Tag", tag)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        compress, finish = wire.compressor(encoding) if encoding else (_same, _nothing)
        try:
            for piece in pieces:
                self._chunk(compress(piece))
            self._chunk(finish())
            self.wfile.write(b"0\r\n\r\n")
        except EngineError as exc:
            text = self._text(exc)
            framed = b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (
                tag.encode(), text, len(text), tag.encode()
            )  # fmt: skip
            self._chunk(compress(framed))
            self._chunk(finish())
            self.close_connection = True

    def _encoding(self, parameters: dict[str, str]) -> str:
        if parameters.get("enable_http_compression") != "1":
            return ""
        accepted = {part.strip() for part in self.headers.get("Accept-Encoding", "").split(",")}
        return next((known for known in wire.ENCODINGS if known in accepted), "")

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _start(self, status: int, form: str | None, summary: dict[str, int]) -> None:
        self.send_response(status)
        self.send_header("X-ClickHouse-Server-Display-Name", "front")
        self.send_header("X-ClickHouse-Timezone", self.server.engine.timezone)
        texts = {name: str(value) for name, value in summary.items()}
        self.send_header("X-ClickHouse-Summary", json.dumps(texts))
        if form:
            self.send_header("X-ClickHouse-Format", form)

    def _text(self, exc: EngineError) -> bytes:
        return f"{exc} (version {self.server.engine.version} (official build))\n".encode()

    def _send_error(self, exc: EngineError) -> None:
        status = 500
        if exc.code in _NOT_FOUND:
            status = 404
        elif exc.code in _BAD_REQUEST:
            status = 400
        elif exc.code in _FORBIDDEN:
            status = 403
        self._send(status, self._text(exc), {"X-ClickHouse-Exception-Code": str(exc.code)})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._start(status, None, {})
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _query_of(parameters: dict[str, str], body: bytes) -> Query:
    text = parameters.get("query", "").encode()
    sql = text + b"\n" + body if text and body else text or body
    return Query(
        sql=sql,
        database=parameters.get("database", ""),
        settings={
            name: value
            for name, value in parameters.items()
            if name not in _OF_HTTP and not name.startswith("param_")
        },
        parameters={
            name.removeprefix("param_"): value
            for name, value in parameters.items()
            if name.startswith("param_")
        },
        session=parameters.get("session_id", ""),
        session_timeout_s=float(parameters.get("session_timeout") or 60),
        default_format=parameters.get("default_format") or "TabSeparated",
    )


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The plain fields of a form; files, which are external tables, are not served."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise EngineError(
                f"Code: 48. DB::Exception: external table {name} is not served by this front."
                " (NOT_IMPLEMENTED)"
            )
        content = part.get_payload(decode=True)
        fields[str(name)] = content.decode() if isinstance(content, bytes) else ""
    return fields


def _same(piece: bytes) -> bytes:
    return piece


def _nothing() -> bytes:
    return b""
