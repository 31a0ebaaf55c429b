"""Why a server could not be spoken with, in words, and what to do about it.

The client passes on what urllib3 says, with its own objects in it. Here the causes are told apart
by their types, and what is no ClickHouse by the status it answers with.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from benchlab.errors import causes_of
from benchlab.store.client.dsn import Dsn

__all__ = ["Trouble", "trouble"]

_STATUS = re.compile(r"HTTP driver received HTTP status (\d+)")
_OTHER_ANSWER = "Unexpected response to server version query"
_READ_TIMEOUT = re.compile(r"read timeout=(\d+)")
_GATEWAYS = ("502", "503", "504")
_PORTS = "ClickHouse's HTTP interface is usually on port 8123, or with https on 8443"
_LOGIN = (193, 194, 516)  # codes of the engine: WRONG_PASSWORD, REQUIRED_PASSWORD, …
_READONLY = 164


class Trouble(NamedTuple):
    """What is wrong, in words; the remedy; and whether it may pass by itself."""

    words: str
    remedy: str
    passes: bool = True


def trouble(exc: BaseException, dsn: Dsn) -> Trouble | None:
    """What keeps the server from answering; None when ``exc`` is about something else."""
    if dsn.path is not None:
        return None
    if getattr(exc, "code", None) in _LOGIN:
        user = dsn.user or "default"
        return Trouble(
            f"Authentication failed: it does not know the user {user!r} with this password",
            "Correct user and password in BENCHLAB_DSN",
            passes=False,
        )
    if str(exc).startswith(_OTHER_ANSWER):
        return _not_clickhouse("200", dsn)
    if getattr(exc, "code", None) == _READONLY:
        return Trouble(
            f"the user {dsn.user or 'default'!r} may only read there",
            "Name one who may write in BENCHLAB_DSN",
            passes=False,
        )
    if found := _STATUS.match(str(exc)):
        return _not_clickhouse(found[1], dsn)
    for cause in causes_of(exc):
        if known := _by_type(cause, dsn):
            return known
    return None


def _not_clickhouse(status: str, dsn: Dsn) -> Trouble:
    if status in _GATEWAYS:
        return Trouble(
            f"a proxy there answers with HTTP status {status}, and ClickHouse not at all",
            "Check that ClickHouse is running behind it",
        )
    return Trouble(
        f"what answers there (with HTTP status {status}) is not ClickHouse",
        f"Correct host and port in BENCHLAB_DSN, now {dsn.host} and {dsn.port}: {_PORTS}",
        passes=False,
    )


def _by_type(cause: BaseException, dsn: Dsn) -> Trouble | None:
    from urllib3 import exceptions

    options = dict(dsn.options)
    if isinstance(cause, exceptions.NameResolutionError):
        return Trouble(
            f"the name {dsn.host} is not known",
            "Correct it in BENCHLAB_DSN, or check the DNS",
        )
    if type(cause) is exceptions.ConnectTimeoutError:  # a refused connection is a kind of it
        waited_s = options.get("connect_timeout", "10")
        return Trouble(
            f"no connection within {waited_s} s",
            "Check host, port and firewall, or wait longer with ?connect_timeout=60"
            " in BENCHLAB_DSN",
        )
    if isinstance(cause, exceptions.ReadTimeoutError):
        waited = _READ_TIMEOUT.search(str(cause))
        return Trouble(
            f"no answer within {waited[1]} s" if waited else "no answer in time",
            f"Check that ClickHouse is well and listens there: {_PORTS}. Or wait longer: with"
            " BENCHLAB_STORE_WAIT_S=300 for a server to answer at all, with"
            " ?send_receive_timeout=600 in BENCHLAB_DSN for a query",
        )
    if isinstance(cause, exceptions.SSLError):
        return _tls(cause, dsn)
    if isinstance(cause, ConnectionRefusedError):
        return Trouble(
            f"nothing listens on port {dsn.port} (connection refused)",
            "Start ClickHouse there, or correct host and port in BENCHLAB_DSN",
        )
    if isinstance(cause, exceptions.ProtocolError):
        return Trouble(
            "the connection was closed without an answer",
            f"Check that ClickHouse is running there and on this port: {_PORTS}",
        )
    if isinstance(cause, OSError) and cause.strerror:
        return Trouble(f"no connection ({cause.strerror})", "Check host, port and network")
    return None


def _tls(cause: BaseException, dsn: Dsn) -> Trouble:
    text = str(cause)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        found = re.search(r"certificate verify failed: ([^(]*)", text)
        why = f" ({found[1].strip()})" if found else ""
        return Trouble(
            f"its certificate is not trusted{why}",
            "Name the authority's with ?ca_cert=/path/ca.pem in BENCHLAB_DSN, or do without with"
            " ?verify=false",
            passes=False,
        )
    return Trouble(
        f"it does not speak TLS on port {dsn.port}, or none that is accepted here",
        f"Write http:// in BENCHLAB_DSN, or the port that speaks TLS: {_PORTS}",
        passes=False,
    )
