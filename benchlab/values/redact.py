"""Hiding credentials in what is shown or kept: cards, terminals, reports, stored runs."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = ["HIDDEN", "header_value", "public_url", "unread_url"]

HIDDEN = "***"

_SECRET = re.compile(
    r"auth|cookie|token|secret|passw|passphrase|pwd|credential|session|jwt|signature|^sig$"
    r"|^key$|(api|access|private|subscription|functions)[-_]?key",
    re.IGNORECASE,
)

_PERHAPS_SECRET = re.compile(r"^([a-z+]*://)?.*(?=@)|([?#]).*", re.DOTALL)


def public_url(url: str) -> str:
    """``url`` without its password and without the values of parameters that sound secret."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if parts.password is not None:
        user, _, host = netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}:{HIDDEN}@{host}"
    query, fragment = _public_fields(parts.query), _public_fields(parts.fragment)
    return urlunsplit(parts._replace(netloc=netloc, query=query, fragment=fragment))


def unread_url(text: str) -> str:
    """What was meant as a URL and cannot be taken apart, for a message.

    Whatever may be a secret in it is hidden: all from the scheme to the last @, and what follows
    a question mark or a number sign.
    """
    return _PERHAPS_SECRET.sub(lambda found: f"{found[1] or found[2] or ''}{HIDDEN}", text)


def header_value(name: str, value: str) -> str:
    """``value``, or three stars when the header's name says that it is a secret."""
    return HIDDEN if _SECRET.search(name) else value


def _public_fields(text: str) -> str:
    """``a=1&b=2`` with the values of secrets hidden, and everything else to the letter."""
    fields = (field.partition("=") for field in text.split("&"))
    return "&".join(
        f"{name}{equals}{HIDDEN if equals and _SECRET.search(unquote(name)) else value}"
        for name, equals, value in fields
    )
