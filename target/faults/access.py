"""Who may control faults: a client on this machine, or one that has the token.

A client counts as on this machine if its connection comes from a loopback address and the request
looks like one that was made here for this service:

- It has no header of a proxy (`Forwarded`, `X-Forwarded-For`, `Via`, …). A reverse proxy on this
  machine connects from loopback, whoever its client is, and servers may take the client's address
  from such a header, which anybody can write.
- Its `Host` is a loopback name. A web page of another site can make a browser on this machine
  connect to 127.0.0.1 under a name of that site (DNS rebinding).
- It has no `Origin` of another site, which a browser adds to what a web page sends.

Everybody else needs `Authorization: Bearer` with the token, which is compared in constant time.
"""

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import Scope

from . import TOKEN

_OF_A_PROXY = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)


def check_access(scope: Scope, token: str) -> None:
    """Let a request pass that may control faults.

    Raises `HTTPException`: 401 if a token would help, 403 if there is none.
    """
    headers = Headers(scope=scope)
    if (token and _has_token(headers, token)) or _is_local(scope, headers):
        return
    if token:
        raise HTTPException(
            401,
            f"faults can be controlled from loopback, or with 'Authorization: Bearer' and the "
            f"token that {TOKEN} has at this service",
            headers={"WWW-Authenticate": "Bearer"},
        )
    raise HTTPException(
        403,
        f"faults can be controlled from loopback only, with a loopback name as Host: to control "
        f"them from elsewhere, start this service with a token in {TOKEN} and send it",
    )


def _has_token(headers: Headers, token: str) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Bytes: as texts, the two may be ASCII only. Headers are decoded as Latin-1.
    is_right = hmac.compare_digest(given.strip().encode("latin-1"), token.encode())
    return is_right and scheme.lower() == "bearer"


def _is_local(scope: Scope, headers: Headers) -> bool:
    client = scope.get("client")
    if client is None or not _is_loopback(client[0]):
        return False
    if any(name in headers for name in _OF_A_PROXY):
        return False
    if not _names_loopback(f"http://{headers.get('host', '')}"):
        return False
    origin = headers.get("origin")
    return origin is None or _names_loopback(origin)


def _names_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # An IPv4 client of a socket that listens on IPv6.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
