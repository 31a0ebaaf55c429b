"""One request of a plan, as the user writes it."""

from __future__ import annotations

import base64
import json as jsonlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote_plus, unquote, urlencode, urlsplit, urlunsplit

from benchlab.errors import InputError
from benchlab.plan.checks import Check, check_from_dict, check_to_dict, tuple_of_checks
from benchlab.plan.feed import Feed
from benchlab.plan.pairs import text_pairs
from benchlab.plan.template import BUILT_IN, field_names
from benchlab.redact import unread_url

__all__ = ["Origin", "Request"]

_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f]")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Query = Mapping[str, Any] | Iterable[tuple[str, Any]]


class Origin(NamedTuple):
    """What a connection belongs to: the scheme, host and port of a URL."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: method, URL, headers and body.

    The URL is absolute, or a path that a plan's ``targets`` complete; ``query`` is added to it,
    percent-encoded. ``auth``, or a user and password in the URL, become a Basic ``Authorization``
    header, as in browsers, and leave the URL; ``cookies`` become a ``Cookie`` header. ``json`` is
    encoded once, here, and sets ``Content-Type`` unless ``headers`` has it; ``body`` is sent as it
    is (a string as UTF-8). ``weight`` is this request's share in a mix of several; ``name`` labels
    it in results and defaults to "METHOD /path". ``checks`` say what its answer must be (see
    `benchlab.plan.checks`).

    ``{{name}}`` in path, query, header values and body is a field. ``{{seq}}`` is the request's
    number in the run and ``{{uuid}}`` a UUID of its own; all other names are of the rows in
    ``data``, and without ``data`` they are no fields but text.

    Raises:
        InputError: no scheme or host in the URL, a method or header that HTTP does not allow,
            both ``body`` and ``json``, a weight that is not above zero, or a field that a row of
            ``data`` does not have.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes | str = b""
    weight: float = 1.0
    name: str = ""
    checks: Check | Sequence[Check] = ()
    data: Feed | None = None
    json: InitVar[Any] = field(default=None, kw_only=True)
    query: InitVar[Query] = field(default=(), kw_only=True)
    auth: InitVar[tuple[str, str] | None] = field(default=None, kw_only=True)
    cookies: InitVar[Mapping[str, str]] = field(default={}, kw_only=True)

    def __post_init__(
        self,
        json: Any,
        query: Query,
        auth: tuple[str, str] | None,
        cookies: Mapping[str, str],
    ) -> None:
        method = self.method.upper()
        if not _METHOD.fullmatch(method):
            raise InputError(
                "is not an HTTP method",
                field="method",
                value=self.method,
                remedy="use GET, POST, PUT …",
            )
        parts = _split_url(_with_query(self.url, query))
        url, credentials = _without_credentials(parts)
        headers = text_pairs("headers", self.headers)
        if auth is not None:
            credentials = _basic(*auth)
        if credentials and "authorization" not in {key.lower() for key, _ in headers}:
            headers += (("Authorization", credentials),)
        if cookies:
            headers += (("Cookie", "; ".join(f"{key}={cookies[key]}" for key in cookies)),)
        for key, value in headers:
            _check_header(key, value)
        body = self.body.encode() if isinstance(self.body, str) else bytes(self.body)
        if json is not None:
            if body:
                raise InputError(
                    "a request has a body and JSON", field="json", remedy="give one of them"
                )
            body = _encode_json(json)
            if "content-type" not in {key.lower() for key, _ in headers}:
                headers += (("Content-Type", "application/json"),)
        if not self.weight > 0:
            raise InputError(
                f"of {parts.path or '/'} must be above 0", field="weight", value=self.weight
            )
        put = object.__setattr__
        put(self, "method", method)
        put(self, "url", url)
        put(self, "headers", headers)
        put(self, "body", body)
        put(self, "name", self.name or f"{method} {parts.path or '/'}")
        put(self, "checks", tuple_of_checks(self.checks))
        if self.data is not None:
            _check_fields(self, self.data)

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """The headers in the order given, names as written."""
        return self.headers  # type: ignore[return-value]  # normalised in __post_init__

    @property
    def body_bytes(self) -> bytes:
        """The body as it goes over the wire."""
        return self.body  # type: ignore[return-value]  # normalised in __post_init__

    @property
    def check_list(self) -> tuple[Check, ...]:
        """The checks of the answer, in the order given."""
        return self.checks  # type: ignore[return-value]  # normalised in __post_init__

    @property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)

    @property
    def port(self) -> int:
        """The port, the scheme's own when the URL has none."""
        return self.parts.port or (443 if self.parts.scheme == "https" else 80)

    @property
    def is_absolute(self) -> bool:
        """Whether the URL says which service is meant; otherwise a plan's ``targets`` do."""
        return bool(self.parts.scheme)

    @property
    def field_names(self) -> set[str]:
        """The fields to be filled for each request."""
        found = self._names_of_fields
        return found if self.data is not None else found & set(BUILT_IN)

    @property
    def unfilled_names(self) -> set[str]:
        """What looks like a field and is sent as it stands, since there is no feed."""
        return self._names_of_fields - self.field_names

    @property
    def _names_of_fields(self) -> set[str]:
        values = "".join(value for _, value in self.header_pairs)
        return field_names(b"\n".join((self.url.encode(), values.encode(), self.body_bytes)))

    def at(self, target: str, share: float = 1.0, label: str = "") -> Request:
        """This request to the service at the base URL ``target``, with a share of its weight."""
        url = self.url if self.is_absolute else target.rstrip("/") + self.url
        name = f"{self.name} @ {label}" if label else self.name
        return replace(self, url=url, weight=self.weight * share, name=name)

    @property
    def origin(self) -> Origin:
        """Scheme, host and port: what one connection belongs to."""
        return Origin(self.parts.scheme, self.parts.hostname or "", self.port)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; a body that is not UTF-8 becomes ``body_base64``."""
        body = self.body_bytes
        try:
            encoded = {"body": body.decode()}
        except UnicodeDecodeError:
            encoded = {"body_base64": base64.b64encode(body).decode()}
        return {
            "method": self.method,
            "url": self.url,
            "headers": [list(pair) for pair in self.header_pairs],
            **encoded,
            "weight": self.weight,
            "name": self.name,
            "checks": [check_to_dict(check) for check in self.check_list],
            **({"data": self.data.to_dict()} if self.data is not None else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Request:
        """The request that `to_dict` wrote."""
        values = dict(data)
        if "body_base64" in values:
            values["body"] = base64.b64decode(values.pop("body_base64"))
        values["headers"] = [tuple(pair) for pair in values.get("headers", ())]
        values["checks"] = [check_from_dict(item) for item in values.get("checks", ())]
        if values.get("data") is not None:
            values["data"] = Feed.from_dict(values["data"])
        return cls(**values)


def _split_url(url: str) -> SplitResult:
    hint = "write it whole, such as http://127.0.0.1:8000/path"
    shown = unread_url(url)
    if _UNSAFE_IN_URL.search(url):
        raise _bad_url(shown, "has a space or control character", "percent-encode it")
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed lazily; raises for a port that is no port
    except ValueError as exc:
        # Not chained and not told: urllib quotes what it could not read, perhaps a password.
        reason = "percent-encode / ? # in user and password" if "@" in url else exc
        raise _bad_url(shown, f"cannot be read ({reason})", hint) from None
    if url.startswith("/") and not url.startswith("//"):
        return parts
    if parts.scheme not in ("http", "https"):
        found = f"the scheme {parts.scheme!r}" if "://" in url else "no scheme"
        raise _bad_url(shown, f"has {found}, http:// or https:// is needed", hint)
    if not parts.hostname:
        raise _bad_url(shown, "has no host", hint)
    if "{{" in parts.netloc:
        raise _bad_url(shown, "has a field in its host", "use a plan's targets instead")
    try:
        parts.hostname.encode("idna")
    except UnicodeError as exc:
        raise _bad_url(shown, f"has the impossible host {parts.hostname!r}", hint) from exc
    if parts.port == 0:
        raise _bad_url(shown, "has port 0, on which nothing can listen", hint)
    return parts


def _bad_url(shown: str, problem: str, remedy: str) -> InputError:
    return InputError(problem, field="url", value=shown, remedy=remedy)


def _without_credentials(parts: SplitResult) -> tuple[str, str]:
    """The URL without user and password, its host in ASCII, and the header they mean."""
    if not parts.netloc:
        return urlunsplit(parts), ""
    host = parts.netloc.rpartition("@")[2]
    if not host.isascii():
        port = f":{parts.port}" if parts.port is not None else ""
        host = f"{(parts.hostname or '').encode('idna').decode()}{port}"
    url = urlunsplit(parts._replace(netloc=host))
    if parts.username is None:
        return url, ""
    return url, _basic(unquote(parts.username), unquote(parts.password or ""))


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _with_query(url: str, query: Query) -> str:
    pairs = list(query.items() if isinstance(query, Mapping) else query)
    if not pairs:
        return url
    fields = {quote_plus("{{" + name + "}}"): "{{" + name + "}}" for name in _names_in(pairs)}
    added = urlencode(pairs, doseq=True)
    for encoded, plain in fields.items():
        added = added.replace(encoded, plain)
    start, mark, fragment = url.partition("#")
    return f"{start}{'&' if '?' in start else '?'}{added}{mark}{fragment}"


def _names_in(pairs: Iterable[tuple[str, Any]]) -> set[str]:
    return field_names("\n".join(f"{key}\n{value}" for key, value in pairs).encode())


def _check_fields(request: Request, data: Feed) -> None:
    wanted = request.field_names - set(BUILT_IN)
    if not wanted:
        raise InputError(
            f"{request.name} uses none of its fields",
            field="data",
            remedy="write {{name}} where a value belongs, or leave the data out",
        )
    for number, row in enumerate(data.table, 1):
        if missing := sorted(wanted - set(row)):
            raise InputError(
                f"{request.name} uses the field {missing[0]!r}, which row {number} of {data.name}"
                f" does not have: it has {sorted(row)}",
                field="data",
            )


def _check_header(key: str, value: str) -> None:
    # What is not allowed in a name may come of a forgotten colon: then a secret follows.
    begins = _HEADER_NAME.match(key)[0]  # type: ignore[index]  # it matches the empty text too
    if not key or begins != key:
        found = f"goes on with {key[len(begins)]!r} after {begins!r}" if key else "is empty"
        raise InputError(
            f"the name of a header {found}",
            field="headers",
            remedy="HTTP allows letters, digits and -",
        )
    if any(mark in value for mark in "\r\n\0"):
        raise InputError(
            f"{key} has a line break in its value", field="headers", remedy="remove it"
        )
    try:
        value.encode("latin-1")
    except UnicodeEncodeError as exc:
        raise InputError(
            f"{key} has a character outside Latin-1: {value[exc.start]!r}", field="headers"
        ) from None


def _encode_json(value: Any) -> bytes:
    try:
        return jsonlib.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as exc:
        raise InputError(f"cannot be written as JSON: {exc}", field="json", value=value) from exc
