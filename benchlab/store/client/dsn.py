"""Parse a store DSN; never show its password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from benchlab.errors import InputError
from benchlab.paths import data_dir
from benchlab.redact import unread_url

__all__ = ["Dsn", "default_dsn", "parse_dsn"]

_EXAMPLES = (
    "use chdb:///absolute/path for the embedded engine,"
    " or http(s)://user:password@host:8123/database for a server"
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OPTIONS = (
    "ca_cert",
    "client_cert",
    "client_cert_key",
    "cluster",
    "connect_timeout",
    "send_receive_timeout",
    "verify",
)
_SECONDS = ("connect_timeout", "send_receive_timeout")
_MIN_UNIQUE = 6  # characters of a password that are unlikely to occur in a message by chance


@dataclass(frozen=True, slots=True)
class Dsn:
    """A parsed DSN. ``path`` is set for the embedded engine, the other fields for a server.

    Neither ``repr`` nor ``str`` shows the password.
    """

    path: Path | None = None
    scheme: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = "default"
    cluster: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if self.path is not None:
            return f"chdb://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}:***@" if self.user else ""
        return f"{self.scheme}://{user}{host}:{self.port}/{self.database}"

    def redact(self, text: str) -> str:
        """``text`` with the password replaced by ``***`` wherever it occurs.

        A short password is replaced only as a whole word: stars within a word would reveal it.
        """
        for password in {self.password, quote(self.password, safe="")} - {""}:
            pattern = re.escape(password)
            if len(password) < _MIN_UNIQUE:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            text = re.sub(pattern, "***", text)
        return text


def default_dsn() -> str:
    """``BENCHLAB_DSN``, or the embedded engine in the user's data directory."""
    return os.environ.get("BENCHLAB_DSN") or f"chdb://{data_dir() / 'store'}"


def parse_dsn(text: str) -> Dsn:
    """Parse a DSN.

    >>> str(parse_dsn("https://me:secret@db.example/lab?cluster=prod"))
    'https://me:***@db.example:8443/lab'

    Raises:
        InputError: it cannot be used. The message shows it without user and password.
    """
    shown = unread_url(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Not chained: urllib quotes the part it could not parse, which may be the password.
        raise InputError(f"BENCHLAB_DSN {shown!r} cannot be read: {_EXAMPLES}") from None
    if parts.scheme == "chdb":
        return _embedded(parts, shown)
    if parts.scheme in ("http", "https"):
        return _served(parts, port, shown)
    raise InputError(f"BENCHLAB_DSN {shown!r} has an unknown scheme: {_EXAMPLES}")


def _embedded(parts: SplitResult, shown: str) -> Dsn:
    path = Path(unquote(parts.path))
    if parts.netloc or parts.query or parts.fragment or not path.is_absolute():
        raise InputError(
            f"BENCHLAB_DSN {shown!r} needs three slashes and an absolute path: {_EXAMPLES}"
        )
    return Dsn(path=Path(os.path.realpath(path)))


def _served(parts: SplitResult, port: int | None, shown: str) -> Dsn:
    if not parts.hostname:
        raise InputError(f"BENCHLAB_DSN {shown!r} has no host: {_EXAMPLES}")
    database = unquote(parts.path.strip("/")) or "default"
    if not _IDENTIFIER.fullmatch(database):
        raise InputError(
            f"BENCHLAB_DSN {shown!r} has the database name {database!r}:"
            " use letters, digits and underscores"
        )
    options = tuple(parse_qsl(parts.query))
    unknown = sorted({key for key, _ in options} - set(_OPTIONS))
    if unknown:
        raise InputError(
            f"BENCHLAB_DSN {shown!r} has unknown options {unknown}: known are {list(_OPTIONS)}"
        )
    for name in _SECONDS:
        seconds = dict(options).get(name, "1")
        if not seconds.isdecimal() or int(seconds) == 0:
            raise InputError(
                f"BENCHLAB_DSN {shown!r} has {name}={seconds}: write whole seconds, such as 60"
            )
    cluster = dict(options).get("cluster", "")
    if cluster and not _IDENTIFIER.fullmatch(cluster):
        raise InputError(
            f"BENCHLAB_DSN {shown!r} has the cluster name {cluster!r}:"
            " use letters, digits and underscores"
        )
    return Dsn(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (8443 if parts.scheme == "https" else 8123),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=database,
        cluster=cluster,
        options=tuple((key, value) for key, value in options if key != "cluster"),
    )
