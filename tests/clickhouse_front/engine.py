"""The embedded engine as a server has it: sessions, settings of one query, errors with codes."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Engine", "EngineError", "Query", "Result"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"Code: (\d+)\.")
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_INSERT = re.compile(
    rb"\s*(?P<into>INSERT\b.*?)(?P<settings>\bSETTINGS\b.*?)?"
    rb"\bFORMAT\s+(?P<format>\w+)[ \t]*\r?\n?",
    re.IGNORECASE | re.DOTALL,
)
_INPUT = re.compile(rb"\binput\s*\(", re.IGNORECASE)
_BEFORE = rb"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*"
_ASKS = re.compile(
    _BEFORE + rb"(?:SELECT|WITH|FROM|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK)\b",
    re.IGNORECASE | re.DOTALL,
)

# The engine has no streams of SHOW, DESCRIBE and the like; these results fit into one block.
_STREAMS = re.compile(_BEFORE + rb"(?:SELECT|WITH|FROM)\b", _ASKS.flags)
_NO_STREAM = "Streaming query is not supported"


class EngineError(Exception):
    """An error of the engine; ``code`` is ClickHouse's number."""

    def __init__(self, message: str) -> None:
        start = message.find("Code: ")
        super().__init__(message[max(0, start) :].strip())
        found = _CODE.search(message)
        self.code = int(found[1]) if found else 1002


@dataclass(frozen=True)
class Query:
    """One request, without what concerns HTTP. ``sql`` ends with the data of an INSERT."""

    sql: bytes
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    session_timeout_s: float = 60.0
    default_format: str = "TabSeparated"
    read_only: int = 0

    @property
    def format(self) -> str | None:
        """The format of the result; None when the statement has none."""
        found = _FORMAT.search(self.sql)
        if not _ASKS.match(self.sql):
            return None
        return found[1].decode() if found else self.default_format


@dataclass
class Result:
    """A result as it comes: whole Native blocks one by one, anything else in one piece."""

    pieces: Generator[bytes]
    summary: dict[str, int]


@dataclass
class _Session:
    connection: Any
    settings: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    expires_at: float = 0.0


class Engine:
    """Connections to the engine in one directory: one per session, or one per request."""

    def __init__(self, directory: Path) -> None:
        import chdb

        self._path = str(directory)
        self._chdb = chdb
        self._keeper = chdb.connect(self._path)  # the engine stays loaded while this is open
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()
        self.version = _rows(self._keeper, "SELECT version()")[0][0]
        self.timezone = _rows(self._keeper, "SELECT timezone()")[0][0]

    def close(self) -> None:
        """Let go of the directory."""
        for session in self._sessions.values():
            session.connection.close()
        self._keeper.close()

    @contextmanager
    def run(self, query: Query) -> Iterator[Result]:
        """Carry a query out; its result is there for the time of the block, whole or not.

        Raises:
            EngineError: here, or while the pieces are read.
        """
        self._forbid_several_statements(query)
        may_change = query.settings.get("readonly", "0") == "0" and not query.read_only
        if query.session and may_change:  # a session could not be made writable again
            session = self._session(query)
            if not session.lock.acquire(blocking=False):
                raise EngineError(
                    f"Code: 373. DB::Exception: Session {query.session} is locked by a concurrent"
                    " client. (SESSION_IS_LOCKED)"
                )
            try:
                with _restored(session, query), _run_on(session.connection, query) as result:
                    yield result
            finally:
                session.lock.release()
            return
        fresh = self._chdb.connect(self._path)
        try:
            with _run_on(fresh, query) as result:
                yield result
        finally:
            fresh.close()

    def _session(self, query: Query) -> _Session:
        now = time.monotonic()
        with self._lock:
            for name, session in list(self._sessions.items()):
                if session.expires_at < now and session.lock.acquire(blocking=False):
                    session.connection.close()
                    del self._sessions[name]
            found = self._sessions.get(query.session)
            if found is None:
                found = _Session(self._chdb.connect(self._path))
                self._sessions[query.session] = found
            found.expires_at = now + query.session_timeout_s
            return found

    def _forbid_several_statements(self, query: Query) -> None:
        """The engine carries out all statements of a text; a server refuses more than one."""
        found = _INSERT.match(query.sql)
        text = query.sql if found is None else found[0]
        if b";" not in text.strip().rstrip(b";"):
            return
        escaped = _quoted(text.decode(errors="replace"))
        try:
            _command(self._keeper, f"SELECT formatQuerySingleLine({escaped})")
        except EngineError as exc:
            if "Multi-statements" in str(exc):
                text_of_it = re.sub(
                    r"\s*: In scope SELECT formatQuery.*\(SYNTAX", " (SYNTAX", str(exc)
                )
                raise EngineError(text_of_it) from exc


@contextmanager
def _run_on(connection: Any, query: Query) -> Iterator[Result]:
    if query.database:
        _command(connection, f"USE {_quoted(query.database, '`')}")
    if query.read_only:
        _command(connection, f"SET readonly = {query.read_only}")
    # A server takes all settings of a request at once, whatever one of them forbids.
    for name, value in sorted(query.settings.items(), key=lambda item: item[0] == "readonly"):
        _command(connection, f"SET {_checked(name)} = {_quoted(value)}")
    result = _result_of(connection, query)
    # A client that is gone leaves pieces behind, and the engine what it has open for them.
    with closing(result.pieces):
        yield result


@contextmanager
def _restored(session: _Session, query: Query) -> Iterator[None]:
    """Leave the session with the settings that it was given by SET, not by this request."""
    try:
        yield
    finally:
        _restore(session, query)


def _restore(session: _Session, query: Query) -> None:
    if re.match(rb"\s*SET\b", query.sql, re.IGNORECASE):
        changed = _rows(session.connection, "SELECT name, value FROM system.settings WHERE changed")
        session.settings = dict(changed)
    for name in query.settings:
        kept = session.settings.get(name)
        literal = "DEFAULT" if kept is None else _quoted(kept)
        with suppress(EngineError):  # there is no such setting, and the request failed for it
            _command(session.connection, f"SET {_checked(name)} = {literal}")


def _result_of(connection: Any, query: Query) -> Result:
    started = time.monotonic()
    parameters = dict(query.parameters)
    written = bool(_INSERT.match(query.sql))
    try:
        if query.format == "Native" and _STREAMS.match(query.sql):
            try:
                # The first block is asked for here, since most errors come with it.
                pieces = _pieces(connection.send_query(query.sql, "Native", params=parameters))
                first = next(pieces, None)
                return Result(_chain(first, pieces), _elapsed(started))
            except Exception as exc:
                if _NO_STREAM not in str(exc):  # WITH … INSERT
                    raise
        with _data_in_a_file(query.sql) as sql:
            result = connection.query(sql, query.default_format, params=parameters)
    except EngineError:
        raise
    except Exception as exc:
        raise EngineError(str(exc)) from exc
    return Result(
        _chain(result.bytes(), ()),
        {
            "read_rows": result.rows_read(),
            "read_bytes": result.bytes_read(),
            "written_rows": result.rows_written() or result.rows_read() * written,
            "written_bytes": result.bytes_written() or result.bytes_read() * written,
            **_elapsed(started),
        },
    )


@contextmanager
def _data_in_a_file(sql: bytes) -> Iterator[bytes]:
    """An INSERT whose data stands in a file, since the engine takes some of it for SQL."""
    found = _INSERT.match(sql)
    if found is None or not sql[found.end() :]:
        yield sql
        return
    with tempfile.NamedTemporaryFile(prefix="front-") as file:
        file.write(sql[found.end() :])
        file.flush()
        into, form, settings = found["into"], found["format"], found["settings"] or b""
        name = file.name.encode()
        if _INPUT.search(into):
            call = b"file('%b', '%b', " % (name, form)
            yield _INPUT.sub(lambda _: call, into) + settings
        else:
            yield b"%b FROM INFILE '%b' %b FORMAT %b" % (into, name, settings, form)


def _pieces(stream: Any) -> Iterator[bytes]:
    try:
        for piece in stream:
            yield piece.bytes()
    except Exception as exc:
        raise EngineError(str(exc)) from exc
    finally:
        stream.close()


def _chain(first: bytes | None, rest: Iterable[bytes]) -> Generator[bytes]:
    if first is not None:
        yield first
    yield from rest


def _elapsed(started: float) -> dict[str, int]:
    return {"elapsed_ns": int((time.monotonic() - started) * 1e9)}


def _command(connection: Any, sql: str) -> str:
    try:
        text: str = connection.query(sql, "TabSeparated").bytes().decode()
    except Exception as exc:
        raise EngineError(str(exc)) from exc
    return text


def _rows(connection: Any, sql: str) -> list[list[str]]:
    return [line.split("\t") for line in _command(connection, sql).splitlines()]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise EngineError(f"Code: 115. DB::Exception: Unknown setting {name!r}. (UNKNOWN_SETTING)")
    return name


def _quoted(text: str, mark: str = "'") -> str:
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark
