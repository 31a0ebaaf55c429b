"""URLs of requests: read, without credentials, and with a query."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote_plus, unquote, urlencode, urlsplit, urlunsplit

from benchlab.errors import InputError
from benchlab.plan.hosts import address_of_literal, ascii_host
from benchlab.plan.template import field_names
from benchlab.plan.validation import text_pairs
from benchlab.redact import unread_url

__all__ = ["Query", "basic_credentials", "read_url", "with_query"]

Query = Mapping[str, Any] | Iterable[tuple[str, Any]]

_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


def read_url(url: str, schemes: Sequence[str], example: str) -> tuple[str, str]:
    """The URL without user and password, and these as the value of a header.

    A URL with a host has one of ``schemes``; one may also be a path alone.

    Raises:
        InputError: it cannot be used; the message hides credentials, and may show ``example``.
    """
    return _without_credentials(_split_url(url, schemes, example))


def basic_credentials(user: str, password: str) -> str:
    """The value of the header ``Authorization`` for a user with a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def with_query(url: str, query: Query) -> str:
    """``url`` with ``query`` after what it has already; fields ``{{name}}`` stay as they are."""
    given = query if isinstance(query, Mapping | str) else list(query)
    if not text_pairs("query", given):
        return url
    pairs = list(given.items() if isinstance(given, Mapping) else given)
    fields = {quote_plus("{{" + name + "}}"): "{{" + name + "}}" for name in _names_in(pairs)}
    added = urlencode(pairs, doseq=True)
    for encoded, plain in fields.items():
        added = added.replace(encoded, plain)
    start, mark, fragment = url.partition("#")
    return f"{start}{'&' if '?' in start else '?'}{added}{mark}{fragment}"


def _names_in(pairs: Iterable[tuple[str, Any]]) -> set[str]:
    return field_names("\n".join(f"{key}\n{value}" for key, value in pairs).encode())


def _split_url(url: str, schemes: Sequence[str], example: str) -> SplitResult:
    hint = f"write it whole, such as {example}"
    shown = unread_url(url)
    if _UNSAFE.search(url):
        remedy = "write a field as {{name}}" if "{{" in url else "percent-encode it"
        raise _bad_url(shown, "has a space or control character", remedy)
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed lazily; raises for an invalid port
    except ValueError as exc:
        # Not chained and not quoted: urllib shows what it could not read, perhaps a password.
        reason = "percent-encode / ? # in user and password" if "@" in url else exc
        raise _bad_url(shown, f"cannot be read ({reason})", hint) from None
    if url.startswith("/") and not url.startswith("//"):
        return parts
    if parts.scheme not in schemes:
        found = f"the scheme {parts.scheme!r}" if "://" in url else "no scheme"
        needed = " or ".join(f"{scheme}://" for scheme in schemes)
        raise _bad_url(shown, f"has {found}, {needed} is needed", hint)
    if not parts.hostname:
        raise _bad_url(shown, "has no host", hint)
    if "{{" in parts.netloc:
        raise _bad_url(shown, "has a field in its host", "use a plan's targets instead")
    try:
        ascii_host(parts.hostname)
    except UnicodeError as exc:
        raise _bad_url(shown, f"has the impossible host {parts.hostname!r} ({exc})", hint) from exc
    if parts.port == 0:
        raise _bad_url(shown, "has port 0, on which nothing can listen", hint)
    return parts


def _bad_url(shown: str, problem: str, remedy: str) -> InputError:
    return InputError(problem, field="url", value=shown, remedy=remedy)


def _without_credentials(parts: SplitResult) -> tuple[str, str]:
    """The URL without user and password, its host in ASCII, and the credentials as a header."""
    if not parts.netloc:
        return urlunsplit(parts), ""
    host = parts.netloc.rpartition("@")[2]
    name = parts.hostname or ""
    port = f":{parts.port}" if parts.port is not None else ""
    if not host.isascii():
        host = f"{ascii_host(name)}{port}"
    elif "%" in host and ":" in name:
        host = f"[{address_of_literal(name).replace('%', '%25')}]{port}"
    url = urlunsplit(parts._replace(netloc=host))
    if parts.username is None:
        return url, ""
    return url, basic_credentials(unquote(parts.username), unquote(parts.password or ""))
