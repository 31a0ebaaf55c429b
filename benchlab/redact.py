"""Hide credentials in what is shown or stored: cards, terminals, reports, runs.

The name of a header or parameter says whether its value is a secret. Wherever they stand in it,
these say so: auth (not author), cookie, token, secret, passw(or)d, passphrase, passcode, passkey,
pwd, credential, session, jwt, signature, and key after api, access, private and their like. As a
word of its own, as in ``user_pass`` or ``otpCode``: pass, pw, pin, otp, totp, sid, sig, bearer,
cvv, cvc. As the whole name: ``key``, and ``code``, which OAuth gives out; as a part of a name, a
code is that of a status, a country or a town, and stays.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = [
    "HIDDEN",
    "header_value",
    "is_secret",
    "public_text",
    "public_url",
    "unread_url",
    "url_has_secret",
]

HIDDEN = "***"

_SECRET = re.compile(
    r"auth(?!or(?!i[sz]))|cookie|token|secret|passw|passphrase|passcode|passkey|pwd|credential"
    r"|session|sessid|jwt|signature|code[-_]?verifier|^(x[-_])?key$|^code$"
    r"|(api|access|account|encryption|functions|master|private|shared|signing|subscription)[-_]?key",
    re.IGNORECASE,
)
_SECRET_WORDS = frozenset(
    ["pass", "pw", "pin", "otp", "totp", "sid", "sig", "bearer", "cvv", "cvc"]
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_IN_PATH = re.compile(r"(;)([^=;/]+)=([^;/]+)")
_PASSWORD = re.compile(r"""(://[^/?#\s:@<>"']*:)[^/\s<>"']*(?=@)""")
_NAME = re.compile(r"[?&#;]\s*([^=?&#;\s]+)=")
_VALUE = re.compile(r""""[^"]*"|([^&#;\s<>"']|;(?!\s))*""")
_PERHAPS_SECRET = re.compile(r"^([a-z+]*://)?.*(?=@)|([?#]).*", re.DOTALL)


def public_url(url: str) -> str:
    """``url`` without its password and without the values of parameters that sound secret.

    If it cannot be parsed, what `unread_url` leaves of it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # none where an unescaped # or / has cut a password
    except ValueError:
        return unread_url(url)
    netloc = parts.netloc
    if parts.password is not None:
        user, _, host = netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}:{HIDDEN}@{host}"
    path = _IN_PATH.sub(_public_field, parts.path)
    query, fragment = _public_fields(parts.query), _public_fields(parts.fragment)
    return urlunsplit(parts._replace(netloc=netloc, path=path, query=query, fragment=fragment))


def url_has_secret(url: str) -> bool:
    """Whether `public_url` hides anything of ``url``, which may have stars of its own."""
    return HIDDEN in public_url(url.replace(HIDDEN, "x"))


def public_text(text: str) -> str:
    """``text`` of a service or a library with the secrets of all URLs in it hidden."""
    text = _PASSWORD.sub(rf"\1{HIDDEN}", text)
    shown, place = [], 0
    for name in _NAME.finditer(text):
        if name.start() >= place and is_secret(unquote(name[1])):
            shown.append(f"{text[place : name.end()]}{HIDDEN}")
            value = _VALUE.match(text, name.end())
            place = value.end() if value else name.end()
    return "".join([*shown, text[place:]])


def unread_url(text: str) -> str:
    """A text that was meant as a URL and cannot be parsed, for a message.

    Every part that may be a secret is hidden: from the scheme to the last @, and what follows a
    question mark or a number sign.
    """
    return _PERHAPS_SECRET.sub(lambda found: f"{found[1] or found[2] or ''}{HIDDEN}", text)


def header_value(name: str, value: str) -> str:
    """``value``, or three stars when the header's name says that it is a secret."""
    return HIDDEN if is_secret(name) else value


def is_secret(name: str) -> bool:
    """Whether a header, parameter or field called ``name`` has a secret for its value."""
    words = (word.lower() for word in _WORD.findall(name))
    return _SECRET.search(name) is not None or not _SECRET_WORDS.isdisjoint(words)


def _public_field(found: re.Match[str]) -> str:
    mark, name, value = found.groups()
    return f"{mark}{name}={HIDDEN if is_secret(unquote(name)) else value}"


def _public_fields(text: str) -> str:
    """``a=1&b=2`` with all secrets hidden, also in values that are URLs, else to the letter."""
    fields = (field.partition("=") for field in text.split("&"))
    return "&".join(
        f"{name}{equals}{HIDDEN if equals and is_secret(unquote(name)) else public_text(value)}"
        for name, equals, value in fields
    )
