"""Open clickhouse-connect clients and translate their errors."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from benchlab.errors import (
    InputError,
    StoreBusyError,
    StoreError,
    StoreUnavailableError,
    causes_of,
)
from benchlab.store.client import cluster
from benchlab.store.client.dsn import Dsn
from benchlab.store.client.errors import diagnose

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = [
    "is_embedded",
    "make_read_only",
    "opened",
    "reason",
    "retry_while_unavailable",
    "translate_errors",
]

T = TypeVar("T")

# What the client and the engine add to the reason: source, code, version, stack trace.
_BEFORE = re.compile(
    r"^(Received ClickHouse exception, code: \d+(, server response: )?|Code: \d+\.\s*"
    r"|DB::\w*Exception:\s*)*"
)
_AFTER = re.compile(
    r"\s*\(version .*$|[,\s]*Stack trace(:| \().*$|\s*\(for url [^)]*\)$"
    r"|( FORMAT Native)?\. Expected one of: .*$|[. ]*: In scope SELECT formatQuery.*$"
)
# The engine's codes of transient errors: too much at once, no space, quota or memory left, a
# replica or its keeper unavailable, a response that was lost.
_TRANSIENT = frozenset(
    {159, 201, 202, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 499, 745, 999}
)
# The errors contain what the client logs. Programs that configure logging still receive it.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

_RESPONSE_S = 300
_MIN_PAUSE_S = 0.5
_MAX_PAUSE_S = 8.0
# The embedded engine has no code for this: only its text identifies it.
_HELD_BY_ENGINE = ("Cannot lock file", "EmbeddedServer")


@contextmanager
def opened(dsn: Dsn, wait_s: float | None = None) -> Iterator[Client]:
    """A client of the store at ``dsn``, closed at the end of the block.

    A server has ``wait_s`` for its first responses; later queries have the client's own timeout.

    Raises:
        StoreError: it cannot be opened, or an error of the client left the block.
    """
    client = _open(dsn, wait_s)
    try:
        with translate_errors(dsn):
            yield client
    finally:
        client.close()


@contextmanager
def translate_errors(dsn: Dsn) -> Iterator[None]:
    """Raise the client's errors as StoreError, transient ones as StoreUnavailableError."""
    from clickhouse_connect.driver.exceptions import Error

    try:
        yield
    except Error as exc:
        kind = StoreUnavailableError if _is_transient(exc, dsn) else StoreError
        raise kind(f"the store {dsn} failed: {reason(exc, dsn)}") from exc


def retry_while_unavailable(
    work: Callable[[], T], wait_s: float, on_wait: Callable[[str], None]
) -> T:
    """Call ``work``, which must be repeatable, until the store is available; return its result.

    Pauses double from 0.5 s to 8 s, each reported to ``on_wait``; no attempt starts after
    ``wait_s``.

    Raises:
        StoreUnavailableError: the last attempt failed too.
    """
    deadline = time.monotonic() + wait_s
    pause_s = _MIN_PAUSE_S
    while True:
        try:
            return work()
        except StoreUnavailableError as exc:
            if time.monotonic() + pause_s > deadline:
                raise
            on_wait(f"{exc}; trying again in {pause_s:g} s")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _MAX_PAUSE_S)


def _is_transient(exc: BaseException, dsn: Dsn) -> bool:
    from clickhouse_connect.driver.exceptions import OperationalError

    if known := diagnose(exc, dsn):
        return known.transient
    code = getattr(exc, "code", None)
    return code in _TRANSIENT if code is not None else isinstance(exc, OperationalError)


def is_embedded(client: Client) -> bool:
    """Whether the engine runs in this process."""
    from clickhouse_connect.driver.httpclient import HttpClient

    return not isinstance(client, HttpClient)


def make_read_only(client: Client) -> None:
    """Make this client unable to change anything, or to read tables of files or other hosts.

    What the engine permits nevertheless, `benchlab.store.client.read_only` rejects.
    """
    if is_embedded(client):
        client.command("SET readonly = 1")  # cannot be undone
    elif client.server_settings["readonly"].value == "0":
        # With every request, since the client itself sends settings that `SET` would forbid.
        client.set_client_setting("readonly", "1")


def reason(exc: BaseException, dsn: Dsn) -> str:
    """The cause on one line, without version, stack trace and password."""
    if known := diagnose(exc, dsn):
        return known.message
    text = _BEFORE.sub("", _AFTER.sub("", " ".join(str(exc).split())))
    return dsn.redact(text[:500].rstrip(" .")) or type(exc).__name__


def _open(dsn: Dsn, wait_s: float | None) -> Client:
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import Error

    try:
        if dsn.path is not None:
            return clickhouse_connect.get_client(dsn=f"chdb://{dsn.path}")
        client = _get_server_client(dsn, wait_s)
    except (Error, OSError, RuntimeError, ValueError) as exc:  # the last two: the engine's own
        raise _cannot_open(dsn, exc) from exc
    except ImportError as exc:  # it is installed, and the system refuses to load it
        raise StoreError(
            f"the embedded engine cannot be loaded ({causes_of(exc)[-1]})",
            remedy="if this machine's memory or a limit (ulimit -v) is short, raise that",
        ) from exc
    if dsn.cluster:
        cluster.use_cluster(client, dsn.cluster)
    return client


def _get_server_client(dsn: Dsn, wait_s: float | None) -> Client:
    from clickhouse_connect import get_client
    from clickhouse_connect.driver.httpclient import HttpClient
    from urllib3 import Timeout

    arguments = _server_arguments(dsn)
    response_s = int(arguments["send_receive_timeout"])
    if wait_s is not None:
        arguments["send_receive_timeout"] = int(max(1, min(response_s, wait_s)))
    client = get_client(**arguments)
    assert isinstance(client, HttpClient)
    client.timeout = Timeout(connect=client.timeout.connect_timeout, read=response_s)
    return client


def _server_arguments(dsn: Dsn) -> dict[str, Any]:
    return {
        "interface": dsn.scheme,
        "host": dsn.host,
        "port": dsn.port,
        "username": dsn.user or None,
        "password": dsn.password,
        "database": dsn.database,
        "client_name": "benchlab",
        "send_receive_timeout": _RESPONSE_S,
        "settings": cluster.SETTINGS if dsn.cluster else {},
        **dict(dsn.options),
    }


def _cannot_open(dsn: Dsn, exc: Exception) -> Exception:
    text = reason(exc, dsn)
    if dsn.path is not None:
        if any(mark in str(exc) for mark in _HELD_BY_ENGINE):
            return StoreBusyError(
                f"the store {dsn} is open in a program other than benchlab: close it there"
            )
        return StoreError(f"cannot open the store {dsn}: {text}")
    if getattr(exc, "name", None) == "UNKNOWN_DATABASE":
        return InputError(
            f"the server of {dsn} has no database {dsn.database!r}: create it there with"
            f" CREATE DATABASE {dsn.database}, or correct BENCHLAB_DSN"
        )
    known = diagnose(exc, dsn)
    remedy = known.remedy if known else "Check that ClickHouse is running and healthy there"
    kind = StoreUnavailableError if _is_transient(exc, dsn) else StoreError
    return kind(f"cannot reach the store {dsn}: {text}. {remedy}")
