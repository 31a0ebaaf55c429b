"""Settings of connections: TLS, name resolution, sockets, keep-alive; and when to try again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.hosts import ascii_host, certificate_name
from benchlab.plan.policies import Breaker, Hedge, Retry, policy_of
from benchlab.plan.validation import check_seconds, text_pairs

__all__ = ["Transport"]

_PATHS = ("ca_file", "client_cert", "client_key", "unix_socket", "server_name")
_POLICIES = ("retry", "hedge", "breaker")


def _resolved(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = text_pairs("resolve", given)
    return tuple(sorted(_checked(host, address) for host, address in pairs))


def _named(name: str) -> str:
    try:
        return ascii_host(name) if isinstance(name, str) and name else name
    except UnicodeError as exc:
        raise InputError(f"no host can have it ({exc})", field="server_name", value=name) from exc


def _retry(given: Retry | Mapping[str, Any] | str | None) -> Retry | None:
    return policy_of("retry", Retry, given)


def _hedge(given: Hedge | Mapping[str, Any] | str | None) -> Hedge | None:
    return policy_of("hedge", Hedge, given)


def _breaker(given: Breaker | Mapping[str, Any] | str | None) -> Breaker | None:
    return policy_of("breaker", Breaker, given)


@frozen
class Transport(Displayed):
    """Settings of every connection of a plan.

    ``verify`` checks a service's certificate, against ``ca_file`` (PEM) if given, else against the
    system's authorities; ``client_cert`` and ``client_key`` (PEM; the key may be in the
    certificate's file) are shown to a service that asks; ``server_name`` replaces the URL's host in
    the handshake (SNI) and when the certificate is checked.

    ``keep_alive`` off opens a connection for every request and says so to the service.
    ``unix_socket`` is the path of a socket that serves every service of the plan. ``resolve``
    maps a host, or ``host:port``, to the address (or ``address:port``) to connect to in its place;
    what is sent does not change. A host name is looked up before the run, and again when a new
    connection finds the result older than ``dns_ttl_s``; 0 looks it up for every connection.

    Without policies a request is tried once. `Retry`, `Hedge` and `Breaker` are values, tables of
    their fields, or texts (``retry="3 backoff=100ms budget=10%"``). ``retry_reused`` does what Go's
    client does: when a reused connection turns out to be closed before a byte of the response came,
    a request that may be repeated (GET, HEAD, OPTIONS, TRACE, or with an ``Idempotency-Key``) is
    sent once more on a new connection.

    Raises:
        InputError: a value that cannot be used. Files are read when the run starts.
    """

    verify: bool = True
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    server_name: str = field(default="", converter=_named)
    keep_alive: bool = True
    unix_socket: str = ""
    resolve: tuple[tuple[str, str], ...] = field(default=(), converter=_resolved)
    dns_ttl_s: float = 300.0
    retry: Retry | None = field(default=None, converter=_retry)
    hedge: Hedge | None = field(default=None, converter=_hedge)
    breaker: Breaker | None = field(default=None, converter=_breaker)
    retry_reused: bool = False

    def __attrs_post_init__(self) -> None:
        for name in ("verify", "keep_alive", "retry_reused"):
            if not isinstance(getattr(self, name), bool):
                raise InputError("must be true or false", field=name, value=getattr(self, name))
        for name in _PATHS:
            value = getattr(self, name)
            if not isinstance(value, str) or "\0" in value:
                raise InputError("must be text", field=name, value=value)
        if self.client_key and not self.client_cert:
            raise InputError(
                "it is given without a certificate",
                field="client_key",
                remedy="name the certificate too",
            )
        if self.ca_file and not self.verify:
            raise InputError(
                "it is given, and certificates are not verified",
                field="ca_file",
                remedy="leave out one of the two, since a certificate that is not checked needs no"
                " authority",
            )
        check_seconds("dns_ttl_s", self.dns_ttl_s, zero=True)

    @property
    def has_policies(self) -> bool:
        """Whether a request may have several tries, or none."""
        return bool(self.retry or self.hedge or self.breaker or self.retry_reused)

    def address_of(self, host: str, port: int) -> tuple[str, int]:
        """The host or address, and the port, to connect to for a service."""
        overrides = dict(self.resolve)
        names = (f"{name}{end}" for name in (host, host.rstrip(".")) for end in (f":{port}", ""))
        address = next((overrides[name] for name in names if name in overrides), None)
        return (host, port) if address is None else _host_and_port(address, port)

    def server_name_of(self, host: str) -> str:
        """The name that the handshake with a service asks for, and its certificate must have."""
        return certificate_name(self.server_name or host)

    def describe(self) -> list[str]:
        """Short descriptions of what differs from the defaults.

        >>> Transport(verify=False).describe()
        ['certificates are not verified']
        """
        phrases = {
            "certificates are not verified": not self.verify,
            f"authorities from {self.ca_file}": bool(self.ca_file),
            f"client certificate {self.client_cert}": bool(self.client_cert),
            f"server name {self.server_name}": bool(self.server_name),
            "a new connection for every request": not self.keep_alive,
            f"over the socket {self.unix_socket}": bool(self.unix_socket),
            **{f"{host} at {address}": True for host, address in dict(self.resolve).items()},
            "a lost reused connection is replaced once": self.retry_reused,
        }
        policies = [part.describe() for part in (self.retry, self.hedge, self.breaker) if part]
        return [*(phrase for phrase, applies in phrases.items() if applies), *policies]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of all fields; None for a policy that there is not."""
        data = {item.name: getattr(self, item.name) for item in attrs.fields(Transport)}
        for name in _POLICIES:
            data[name] = data[name] and data[name].to_dict()
        return {**data, "resolve": dict(self.resolve)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Transport:
        """The settings that `to_dict` wrote; what is absent has its default.

        Raises:
            InputError: an unknown field.
        """
        known = [item.name for item in attrs.fields(cls)]
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise InputError(f"transport has unknown fields {unknown}: known are {known}")
        return cls(**data)


def _checked(host: str, address: str) -> tuple[str, str]:
    if not (isinstance(host, str) and isinstance(address, str) and host and address):
        raise InputError(
            f"{host!r} at {address!r} cannot be read",
            field="resolve",
            remedy="write a host or host:port, and an address for it",
        )
    try:
        _host_and_port(address, 0)
    except ValueError as exc:
        raise InputError(
            f"{host} is at {address!r}, which is neither an address nor address:port",
            field="resolve",
        ) from exc
    return _in_ascii(host.lower()), _in_ascii(address)


def _in_ascii(place: str) -> str:
    """A host, or ``host:port``, whose host is in ASCII."""
    if place.isascii():
        return place
    host, colon, port = place.partition(":")
    try:
        return f"{ascii_host(host)}{colon}{port}"
    except UnicodeError as exc:
        raise InputError(f"no host can have the name {host!r} ({exc})", field="resolve") from exc


def _host_and_port(address: str, port: int) -> tuple[str, int]:
    """``127.0.0.1``, ``127.0.0.1:81``, ``::1`` or ``[::1]:81``, with ``port`` if it has none."""
    if address.startswith("[") or address.count(":") == 1:
        parts = urlsplit(f"//{address}")
        return parts.hostname or "", parts.port or port
    return address, port
