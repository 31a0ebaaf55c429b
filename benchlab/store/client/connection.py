"""Opening a clickhouse-connect client, and saying its errors in one line of ours."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from benchlab.errors import InputError, StoreBusyError, StoreError, StoreUnavailableError
from benchlab.store.client.dsn import Dsn
from benchlab.store.client.errors import trouble
from benchlab.store.schema import cluster

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = [
    "DURABLE",
    "errors_in_our_words",
    "is_embedded",
    "make_read_only",
    "opened",
    "patiently",
    "reason",
]

T = TypeVar("T")

DURABLE = {"async_insert": 0, "wait_end_of_query": 1}
"""Settings of every insert: acknowledged means written. Servers buffer by default since 26.x."""

# What the client and the engine say around the reason: whose answer it is, code, version, stack.
_BEFORE = re.compile(
    r"^(Received ClickHouse exception, code: \d+(, server response: )?|Code: \d+\.\s*"
    r"|DB::\w*Exception:\s*)*"
)
_AFTER = re.compile(
    r"\s*\(version .*$|\s*Stack trace:.*$|\s*\(for url [^)]*\)$"
    r"|( FORMAT Native)?\. Expected one of: .*$|[. ]*: In scope SELECT formatQuery.*$"
)
# The engine's codes for what passes: too much at once, no room, no quota or memory left, a replica
# or its keeper away, an answer that was lost.
_PASSES = frozenset(
    {159, 201, 202, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 499, 745, 999}
)
# What the client logs is in the errors as well; who sets up logging gets it all the same.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

_ANSWER_S = 300
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
# The embedded engine gives no code for this: its own text is all there is to know it by.
_HELD_BY_ENGINE = ("Cannot lock file", "EmbeddedServer")


@contextmanager
def opened(dsn: Dsn, wait_s: float | None = None) -> Iterator[Client]:
    """A client of the store at ``dsn``, closed at the end of the block.

    A server has ``wait_s`` for its first answers; a query later on has the client's own time.

    Raises:
        StoreError: it cannot be opened, or an error of the client left the block.
    """
    client = _open(dsn, wait_s)
    try:
        with errors_in_our_words(dsn):
            yield client
    finally:
        client.close()


@contextmanager
def errors_in_our_words(dsn: Dsn) -> Iterator[None]:
    """Let the client's errors leave the block as StoreError, those that pass as its subclass."""
    from clickhouse_connect.driver.exceptions import Error

    try:
        yield
    except Error as exc:
        kind = StoreUnavailableError if _passes(exc, dsn) else StoreError
        raise kind(f"the store {dsn} failed: {reason(exc, dsn)}") from exc


def patiently(work: Callable[[], T], wait_s: float, say: Callable[[str], None]) -> T:
    """Do ``work``, which may be repeated, again while the store is unavailable.

    The pauses double from 0.5 s to 8 s; there is no attempt after ``wait_s``. ``say`` is told of
    each pause.

    Raises:
        StoreUnavailableError: it was to the last.
    """
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return work()
        except StoreUnavailableError as exc:
            if time.monotonic() + pause_s > deadline:
                raise
            say(f"{exc}; trying again in {pause_s:g} s")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _passes(exc: BaseException, dsn: Dsn) -> bool:
    from clickhouse_connect.driver.exceptions import OperationalError

    if known := trouble(exc, dsn):
        return known.passes
    code = getattr(exc, "code", None)
    return code in _PASSES if code is not None else isinstance(exc, OperationalError)


def is_embedded(client: Client) -> bool:
    """Whether the engine works in this process."""
    from clickhouse_connect.driver.httpclient import HttpClient

    return not isinstance(client, HttpClient)


def make_read_only(client: Client) -> None:
    """Let this client change nothing, and read from no table of a file or another host.

    The engine still lets it do what `benchlab.store.client.read_only` refuses.
    """
    if is_embedded(client):
        client.command("SET readonly = 1")  # there is no way back
    elif client.server_settings["readonly"].value == "0":
        # With every request, since the client itself sends settings that `SET` would forbid.
        client.set_client_setting("readonly", "1")


def reason(exc: BaseException, dsn: Dsn) -> str:
    """What is wrong on one line, without version, stack and password."""
    if known := trouble(exc, dsn):
        return known.words
    text = _BEFORE.sub("", _AFTER.sub("", " ".join(str(exc).split())))
    return dsn.redact(text[:500].rstrip(" .")) or type(exc).__name__


def _open(dsn: Dsn, wait_s: float | None) -> Client:
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import Error

    try:
        if dsn.path is not None:
            return clickhouse_connect.get_client(dsn=f"chdb://{dsn.path}")
        client = _get_server_client(dsn, wait_s)
    except (Error, OSError, RuntimeError) as exc:
        raise _cannot_open(dsn, exc) from exc
    if dsn.cluster:
        cluster.use_cluster(client, dsn.cluster)
    return client


def _get_server_client(dsn: Dsn, wait_s: float | None) -> Client:
    from clickhouse_connect import get_client
    from clickhouse_connect.driver.httpclient import HttpClient
    from urllib3 import Timeout

    arguments = _server_arguments(dsn)
    answer_s = int(arguments["send_receive_timeout"])
    if wait_s is not None:
        arguments["send_receive_timeout"] = int(max(1, min(answer_s, wait_s)))
    client = get_client(**arguments)
    assert isinstance(client, HttpClient)
    client.timeout = Timeout(connect=client.timeout.connect_timeout, read=answer_s)
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
        "send_receive_timeout": _ANSWER_S,
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
    known = trouble(exc, dsn)
    remedy = known.remedy if known else "Check that ClickHouse is running there and is well"
    kind = StoreUnavailableError if _passes(exc, dsn) else StoreError
    return kind(f"cannot reach the store {dsn}: {text}. {remedy}")
