"""Hide credentials in what is shown or stored: cards, terminals, reports, runs.

The name of a header or parameter says whether its value is a secret. Wherever they stand in it,
these say so: auth (not author), cookie, token, secret, passw(or)d, passphrase, passcode, passkey,
pwd, credential, session, jwt, signature, and key after api, access, private and their like. As a
word of its own, as in ``user_pass`` or ``otpCode``: pass, pw, pin, otp, totp, sid, sig, bearer,
cvv, cvc. As the whole name: ``key``, and ``code``, which OAuth gives out; as a part of a name, a
code is that of a status, a country or a town, and stays.

A URL may carry another as a value, percent-encoded once or more: its secrets are hidden in the
same way, and everything else stays to the letter.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = [
    "HIDDEN",
    "has_placeholder",
    "header_value",
    "is_secret",
    "may_have_secret",
    "public_command",
    "public_fields",
    "public_path",
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
# Without any of these no name is that of a secret, no letter of a name is encoded, and no password
# is in a URL. Quicker than a look at each name; ignoring case would take thirty times as long.
_PERHAPS = re.compile(
    r"auth|cookie|token|secret|pass|pw|credential|sess|jwt|sig|code|key|pin|otp|sid|bearer|cv[vc]"
    r"|@|%(?:25|[4-7]|3a)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _also_encoded(marks: str) -> str:
    """A pattern of any of ``marks``, percent-encoded as often as a nested URL may be, or not."""
    return f"(?:[{marks}]|%(?:25)*(?:{'|'.join(f'{ord(mark):02X}' for mark in marks)}))"


_EQUALS = _also_encoded("=")
_FIELD = re.compile(rf"((?:(?!{_also_encoded('=?&#;')})[^\s])+){_EQUALS}", re.IGNORECASE)
_NAME, _NAME_BUT_IN_PATH = (
    re.compile(rf"{_also_encoded(marks)}\s*{_FIELD.pattern}", re.IGNORECASE)
    for marks in ("?&#;", "?&#")
)
_VALUE = re.compile(
    r""""[^"]*"|((?!%(?:25)*(?:26|23|3B))[^&#;\s<>"']|;(?!\s))*""",  # to an encoded & # or ;
    re.IGNORECASE,
)
_IN_PATH = re.compile(
    rf"({_also_encoded(';')}((?:(?!{_also_encoded('=;/')}).)+){_EQUALS})(?:(?!{_also_encoded(';/')}).)+",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"""(://[^/?#\s:@<>"']*:)[^/\s<>"']*(?=@)""")
_ENCODED_PASSWORD = re.compile(
    r"""(%(?:25)*3A(?:/|%(?:25)*2F){2}[^/?#\s:@<>"'&%]*%(?:25)*3A)"""
    r"""(?:(?!%(?:25)*(?:2F|26|23))[^/\s<>"'&#])*(?=%(?:25)*40)""",
    re.IGNORECASE,
)
_ENCODED_AGAIN = re.compile("%(?:25)+")
_ARGUMENT = re.compile(
    r"""(?:(?<=\s)|(?<=^)|(?<=["']))(-{0,2}[\w.-]+=|--?[\w.-]+\s+)("[^"]*"|'[^']*'|[^\s"']+)"""
)
_PLACEHOLDER = re.compile(rf"{_EQUALS}{re.escape(HIDDEN)}", re.IGNORECASE)
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
    path = public_path(parts.path)
    query, fragment = public_fields(parts.query), public_fields(parts.fragment)
    return urlunsplit(parts._replace(netloc=netloc, path=path, query=query, fragment=fragment))


def public_path(path: str) -> str:
    """The path of a URL without the values of its parameters (``;jsessionid=…``) that are secret.

    >>> public_path("/a;jsessionid=7F3A/b;v=1")
    '/a;jsessionid=***/b;v=1'
    """
    return _public_values(_IN_PATH.sub(_public_field, _without_passwords(path)), _NAME_BUT_IN_PATH)


def public_fields(text: str) -> str:
    """``a=1&b=2`` with all secrets hidden, also in values that are URLs, else to the letter."""
    return "&".join(map(_public_one, text.split("&")))


def url_has_secret(url: str) -> bool:
    """Whether `public_url` hides anything of ``url``, which may have stars of its own."""
    return HIDDEN in public_url(url.replace(HIDDEN, "x"))


def may_have_secret(url: str) -> bool:
    """Whether `public_url` may hide something of ``url``: a quick check for a million of them."""
    return _PERHAPS.search(url.casefold()) is not None


def has_placeholder(url: str) -> bool:
    """Whether a secret of ``url`` has been replaced by stars."""
    return _PLACEHOLDER.search(url) is not None


def public_text(text: str) -> str:
    """``text`` of a service or a library with the secrets of all URLs in it hidden."""
    return _public_values(_without_passwords(text), _NAME)


def public_command(text: str) -> str:
    """A command without the values that are secret: of ``NAME=value``, ``--name value`` and URLs.

    >>> public_command("API_KEY=x serve --port 80 --auth-token 'a b' http://me:pw@h/")
    'API_KEY=*** serve --port 80 --auth-token *** http://me:***@h/'
    """
    return public_text(_ARGUMENT.sub(_public_argument, text))


def _public_argument(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if is_secret(found[1].strip(" \t=-")) else found[0]


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
    return f"{found[1]}{HIDDEN}" if is_secret(_decoded(found[2])) else found[0]


def _public_values(text: str, names: re.Pattern[str]) -> str:
    """``text`` with the values after those ``names`` hidden that say that they are secret."""
    shown, place = [], 0
    for name in names.finditer(text):
        if name.start() >= place and is_secret(_decoded(name[1])):
            shown.append(f"{text[place : name.end()]}{HIDDEN}")
            value = _VALUE.match(text, name.end())
            place = value.end() if value else name.end()
    return "".join([*shown, text[place:]])


def _public_one(field: str) -> str:
    name = _FIELD.match(field)
    if name is None:
        return public_text(field)
    value = field[name.end() :]
    return f"{name[0]}{HIDDEN if is_secret(_decoded(name[1])) else public_text(value)}"


def _without_passwords(text: str) -> str:
    for password in (_PASSWORD, _ENCODED_PASSWORD):
        text = password.sub(rf"\1{HIDDEN}", text)
    return text


def _decoded(name: str) -> str:
    """``name`` without percent-encoding, however often it was encoded."""
    return unquote(_ENCODED_AGAIN.sub("%", name))
