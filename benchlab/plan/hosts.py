"""Host names and addresses: as URLs have them, as they are looked up, and as certificates do."""

from __future__ import annotations

import ipaddress
import re

__all__ = [
    "address_of_literal",
    "ascii_host",
    "certificate_name",
    "is_loopback",
    "with_port",
    "without_zone",
]

_ZONE = re.compile(r"%[^]]*(?=\])")

_LONGEST_LABEL = 63
_ESCAPED_PERCENT = "25"


def ascii_host(host: str) -> str:
    """``host`` in ASCII: international names by IDNA 2008, after the mapping of UTS 46.

    ASCII is not changed: names of services may have characters that IDNA does not allow.

    >>> ascii_host("faß.example"), ascii_host("my_service")
    ('xn--fa-hia.example', 'my_service')

    Raises:
        UnicodeError: no host can have this name.
    """
    if not host.isascii():
        import idna  # its tables take some 10 ms to load

        return idna.encode(host, uts46=True).decode()
    labels = host.removesuffix(".").split(".")
    if ":" not in host and not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise UnicodeError("a label is empty or longer than 63 characters")
    return host


def address_of_literal(host: str) -> str:
    """A host of a URL as the system resolves it: the zone of an IPv6 address is not escaped.

    In a URL the zone follows ``%25`` (RFC 6874); people and tools write ``%`` (RFC 9844).

    >>> address_of_literal("fe80::1%25eth0"), address_of_literal("fe80::1%eth0")
    ('fe80::1%eth0', 'fe80::1%eth0')
    """
    address, percent, zone = host.partition("%")
    if ":" not in address or not percent:
        return host
    longer = zone.startswith(_ESCAPED_PERCENT) and zone != _ESCAPED_PERCENT
    return f"{address}%{zone.removeprefix(_ESCAPED_PERCENT) if longer else zone}"


def certificate_name(host: str) -> str:
    """The name that a TLS handshake asks for (SNI), and that the certificate must have.

    It has no trailing dot (RFC 6066, section 3), and an address no zone.

    >>> certificate_name("example.com."), certificate_name("fe80::1%eth0")
    ('example.com', 'fe80::1')
    """
    return host.partition("%")[0].removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine, as far as its name says.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "10.0.0.1", "local")]
    [True, True, True, False, False]
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def with_port(host: str, port: int) -> str:
    """Host and port as people read them.

    >>> with_port("::1", 8000), with_port("example.com", 80)
    ('[::1]:8000', 'example.com:80')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def without_zone(netloc: str) -> str:
    """``netloc`` as the service gets it: a zone names a network interface of this machine.

    >>> without_zone("[fe80::1%25eth0]:8000")
    '[fe80::1]:8000'
    """
    return _ZONE.sub("", netloc)
