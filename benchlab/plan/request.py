"""One request of a plan."""

from __future__ import annotations

import base64
import json as jsonlib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote_plus, unquote, urlencode, urlsplit, urlunsplit

from attrs import evolve, field, frozen

from benchlab.errors import InputError
from benchlab.plan.checks import Check, check_from_dict, check_to_dict, tuple_of_checks
from benchlab.plan.feed import Feed
from benchlab.plan.template import BUILT_IN, field_names
from benchlab.plan.validation import text_pairs
from benchlab.redact import header_value, public_path, public_url, unread_url

__all__ = ["Headers", "Origin", "Request", "with_content_type"]

_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f]")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Query = Mapping[str, Any] | Iterable[tuple[str, Any]]


class Origin(NamedTuple):
    """Scheme, host and port of a URL: the service that a connection is for."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def _shown_url(url: str) -> str:
    return repr(public_url(url))


def _shown_headers(headers: tuple[tuple[str, str], ...]) -> str:
    return repr(tuple((name, header_value(name, value)) for name, value in headers))


@frozen(init=False)
class Request:
    """One HTTP request: method, URL, headers and body.

    The URL is absolute, or a path that a plan's ``targets`` complete; ``query`` is added to it,
    percent-encoded. ``auth``, or a user and password in the URL, become a Basic ``Authorization``
    header, as in browsers, and leave the URL; ``cookies`` become a ``Cookie`` header. ``json`` is
    encoded once, here, and sets ``Content-Type`` unless ``headers`` has it; ``body`` is sent as it
    is (a string as UTF-8). ``weight`` is this request's share in a mix of several; ``name`` labels
    it in results and defaults to "METHOD /path", secrets in the path hidden. ``checks`` say what
    its response must be (see `benchlab.plan.checks`). ``repr`` hides secrets in the URL and
    headers.

    ``{{name}}`` in path, query, header values and body is a field. ``{{seq}}`` is the request's
    number in the run and ``{{uuid}}`` a UUID of its own; all other names are of the rows in
    ``data``, and without ``data`` they are text, not fields.

    Raises:
        InputError: no scheme or host in the URL, a method or header that HTTP does not allow,
            both ``body`` and ``json``, a weight that is not above zero, or a field that a row of
            ``data`` does not have.
    """

    method: str
    url: str = field(repr=_shown_url)
    headers: tuple[tuple[str, str], ...] = field(repr=_shown_headers)
    body: bytes
    weight: float
    name: str
    checks: tuple[Check, ...]
    data: Feed | None

    def __init__(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes | str = b"",
        weight: float = 1.0,
        name: str = "",
        checks: Check | Iterable[Check] = (),
        data: Feed | None = None,
        *,
        json: Any = None,
        query: Query = (),
        auth: tuple[str, str] | None = None,
        cookies: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        method, given = method.upper(), method
        if not _METHOD.fullmatch(method):
            raise InputError(
                "is not an HTTP method", field="method", value=given, remedy="use GET, POST, PUT …"
            )
        parts = _split_url(_with_query(url, query))
        url, credentials = _without_credentials(parts)
        pairs = text_pairs("headers", headers)
        if auth is not None:
            credentials = _basic(*auth)
        if credentials and "authorization" not in {key.lower() for key, _ in pairs}:
            pairs += (("Authorization", credentials),)
        if cookies:
            pairs += (("Cookie", "; ".join(f"{key}={cookies[key]}" for key in cookies)),)
        for key, value in pairs:
            _check_header(key, value)
        content = body.encode() if isinstance(body, str) else bytes(body)
        if json is not None:
            if content:
                raise InputError(
                    "a request has a body and JSON", field="json", remedy="give one of them"
                )
            content = _encode_json(json)
            if "content-type" not in {key.lower() for key, _ in pairs}:
                pairs += (("Content-Type", "application/json"),)
        if not weight > 0:
            path = parts.path or "/"
            raise InputError(f"of {path} must be above 0", field="weight", value=weight)
        self.__attrs_init__(
            method=method,
            url=url,
            headers=pairs,
            body=content,
            weight=weight,
            name=name or _usual_name(method, parts.path),
            checks=tuple_of_checks(checks),
            data=data,
        )
        if data is not None:
            _check_fields(self, data)

    @property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)

    @property
    def is_named(self) -> bool:
        """Whether it has another name than it would have by default."""
        return self.name != _usual_name(self.method, self.parts.path)

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
        """Names of the fields that are filled for each request sent."""
        found = self._names_of_fields
        return found if self.data is not None else found & set(BUILT_IN)

    @property
    def unfilled_names(self) -> set[str]:
        """Names that look like fields and are sent unchanged, since there is no feed."""
        return self._names_of_fields - self.field_names

    @property
    def _names_of_fields(self) -> set[str]:
        values = "".join(value for _, value in self.headers)
        return field_names(b"\n".join((self.url.encode(), values.encode(), self.body)))

    def at(self, target: str, share: float = 1.0, label: str = "") -> Request:
        """A copy for the service at the base URL ``target``, with a share of the weight."""
        url = self.url if self.is_absolute else target.rstrip("/") + self.url
        name = f"{self.name} @ {label}" if label else self.name
        return evolve(self, url=url, weight=self.weight * share, name=name)

    @property
    def origin(self) -> Origin:
        """The service of the request."""
        return Origin(self.parts.scheme, self.parts.hostname or "", self.port)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; a body that is not UTF-8 becomes ``body_base64``."""
        try:
            encoded = {"body": self.body.decode()}
        except UnicodeDecodeError:
            encoded = {"body_base64": base64.b64encode(self.body).decode()}
        return {
            "method": self.method,
            "url": self.url,
            "headers": [list(pair) for pair in self.headers],
            **encoded,
            "weight": self.weight,
            "name": self.name,
            "checks": [check_to_dict(check) for check in self.checks],
            **({"data": self.data.to_dict()} if self.data is not None else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Request:
        """The request that `to_dict` wrote."""
        values = dict(data)
        if "body_base64" in values:
            values["body"] = base64.b64decode(values.pop("body_base64"), validate=True)
        values["headers"] = [tuple(pair) for pair in values.get("headers", ())]
        values["checks"] = [check_from_dict(item) for item in values.get("checks", ())]
        if values.get("data") is not None:
            values["data"] = Feed.from_dict(values["data"])
        return cls(**values)


def _usual_name(method: str, path: str) -> str:
    return f"{method} {public_path(path) or '/'}"


def with_content_type(
    headers: tuple[tuple[str, str], ...], body: str | bytes
) -> tuple[tuple[str, str], ...]:
    """``headers``, with the type of JSON for a body that looks like it and has no type yet.

    >>> with_content_type((), "[1, 2]")
    (('Content-Type', 'application/json'),)
    """
    start = body[:1] if isinstance(body, str) else body[:1].decode("latin-1")
    if start in ("{", "[") and "content-type" not in {key.lower() for key, _ in headers}:
        return (*headers, ("Content-Type", "application/json"))
    return headers


def _split_url(url: str) -> SplitResult:
    hint = "write it whole, such as http://127.0.0.1:8000/path"
    shown = unread_url(url)
    if _UNSAFE_IN_URL.search(url):
        raise _bad_url(shown, "has a space or control character", "percent-encode it")
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed lazily; raises for an invalid port
    except ValueError as exc:
        # Not chained and not quoted: urllib shows what it could not read, perhaps a password.
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
    """The URL without user and password, its host in ASCII, and the credentials as a header."""
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
    for number, row in enumerate(data.rows, 1):
        if missing := sorted(wanted - set(row)):
            raise InputError(
                f"{request.name} uses the field {missing[0]!r}, which row {number} of {data.name}"
                f" does not have: it has {sorted(row)}",
                field="data",
            )


def _check_header(key: str, value: str) -> None:
    # An invalid name may be due to a missing colon: then a secret follows.
    allowed = _HEADER_NAME.match(key)
    begins = allowed[0] if allowed else ""
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
