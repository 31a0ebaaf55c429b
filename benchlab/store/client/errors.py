"""Diagnose connection failures: cause and remedy.

The client passes on the messages of urllib3, with its objects printed in them. Here causes are
distinguished by their types, and servers that are not ClickHouse by the HTTP status they return.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from benchlab.store.client.dsn import Dsn

__all__ = ["ConnectionProblem", "diagnose"]

_STATUS = re.compile(r"HTTP driver received HTTP status (\d+)")
_OTHER_RESPONSE = "Unexpected response to server version query"
_READ_TIMEOUT = re.compile(r"read timeout=(\d+)")
_GATEWAYS = ("502", "503", "504")
_PORTS = "ClickHouse's HTTP interface is usually on port 8123, or with https on 8443"
_LOGIN = (193, 194, 516)  # codes of the engine: WRONG_PASSWORD, REQUIRED_PASSWORD, …
_READONLY = 164


class ConnectionProblem(NamedTuple):
    """What is wrong and its remedy; ``transient`` if it may disappear by itself."""

    message: str
    remedy: str
    transient: bool = True


def diagnose(exc: BaseException, dsn: Dsn) -> ConnectionProblem | None:
    """What keeps the server from responding; None when ``exc`` is about something else."""
    if dsn.path is not None:
        return None
    if getattr(exc, "code", None) in _LOGIN:
        user = dsn.user or "default"
        return ConnectionProblem(
            f"authentication failed for the user {user!r}",
            "Correct user and password in BENCHLAB_DSN",
            transient=False,
        )
    if str(exc).startswith(_OTHER_RESPONSE):
        return _not_clickhouse("200", dsn)
    if getattr(exc, "code", None) == _READONLY:
        return ConnectionProblem(
            f"the user {dsn.user or 'default'!r} has no write permission",
            "Use one that has in BENCHLAB_DSN",
            transient=False,
        )
    if match := _STATUS.match(str(exc)):
        return _not_clickhouse(match[1], dsn)
    for cause in _causes(exc):
        if known := _by_type(cause, dsn):
            return known
    return None


def _not_clickhouse(status: str, dsn: Dsn) -> ConnectionProblem:
    if status in _GATEWAYS:
        return ConnectionProblem(
            f"a proxy there returns HTTP status {status}; ClickHouse does not respond",
            "Check that ClickHouse is running behind it",
        )
    return ConnectionProblem(
        f"the server there (HTTP status {status}) is not ClickHouse",
        f"Correct host and port in BENCHLAB_DSN, now {dsn.host} and {dsn.port}: {_PORTS}",
        transient=False,
    )


def _by_type(cause: BaseException, dsn: Dsn) -> ConnectionProblem | None:
    from urllib3 import exceptions

    options = dict(dsn.options)
    if isinstance(cause, exceptions.NameResolutionError):
        return ConnectionProblem(
            f"the host {dsn.host} is unknown",
            "Correct it in BENCHLAB_DSN, or check DNS",
        )
    if type(cause) is exceptions.ConnectTimeoutError:  # a refused connection is a kind of it
        waited_s = options.get("connect_timeout", "10")
        return ConnectionProblem(
            f"no connection within {waited_s} s",
            "Check host, port and firewall, or wait longer with ?connect_timeout=60"
            " in BENCHLAB_DSN",
        )
    if isinstance(cause, exceptions.ReadTimeoutError):
        waited = _READ_TIMEOUT.search(str(cause))
        return ConnectionProblem(
            f"no response within {waited[1]} s" if waited else "no response in time",
            f"Check that ClickHouse is healthy and listens there: {_PORTS}. Or wait longer: with"
            " BENCHLAB_STORE_WAIT_S=300 for the first response, with"
            " ?send_receive_timeout=600 in BENCHLAB_DSN for a query",
        )
    if isinstance(cause, exceptions.SSLError):
        return _tls(cause, dsn)
    if isinstance(cause, ConnectionRefusedError):
        return ConnectionProblem(
            f"nothing listens on port {dsn.port} (connection refused)",
            "Start ClickHouse there, or correct host and port in BENCHLAB_DSN",
        )
    if isinstance(cause, exceptions.ProtocolError):
        return ConnectionProblem(
            "the connection was closed without a response",
            f"Check that ClickHouse is running there and on this port: {_PORTS}",
        )
    if isinstance(cause, OSError) and cause.strerror:
        return ConnectionProblem(
            f"no connection ({cause.strerror})", "Check host, port and network"
        )
    return None


def _tls(cause: BaseException, dsn: Dsn) -> ConnectionProblem:
    text = str(cause)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        match = re.search(r"certificate verify failed: ([^(]*)", text)
        why = f" ({match[1].strip()})" if match else ""
        return ConnectionProblem(
            f"its certificate is not trusted{why}",
            "Name its authority's with ?ca_cert=/path/ca.pem in BENCHLAB_DSN, or skip the check"
            " with ?verify=false",
            transient=False,
        )
    return ConnectionProblem(
        f"it does not speak TLS on port {dsn.port}, or none that is accepted here",
        f"Write http:// in BENCHLAB_DSN, or the port that speaks TLS: {_PORTS}",
        transient=False,
    )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and those that caused it, down to the operating system's."""
    seen: list[BaseException] = []
    at: BaseException | None = exc
    while at is not None and at not in seen:
        yield at
        seen.append(at)
        hidden = getattr(at, "reason", None)
        at = hidden if isinstance(hidden, BaseException) else at.__cause__ or at.__context__
