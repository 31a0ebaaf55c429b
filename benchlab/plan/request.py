"""One request of a plan."""

from __future__ import annotations

import base64
import json as jsonlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple
from urllib.parse import SplitResult, unquote_plus, urlsplit

from attrs import evolve, field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.checks import (
    EVENT_CHECKS,
    Check,
    GrpcStatusIn,
    check_from_dict,
    check_to_dict,
    tuple_of_checks,
)
from benchlab.plan.feed import Feed
from benchlab.plan.hosts import address_of_literal, with_port, without_zone
from benchlab.plan.stream import USUAL_STALL_S, Stream
from benchlab.plan.template import (
    BUILT_IN,
    as_body,
    field_names,
    fill,
    malformed_fields,
    with_examples,
)
from benchlab.plan.urls import Query, basic_credentials, read_url, with_query
from benchlab.plan.validation import check_text, is_number, text_pairs
from benchlab.redact import header_value, public_path, public_url
from benchlab.text import plural

__all__ = ["DEFAULT_PORTS", "Headers", "Origin", "Request", "with_content_type"]

_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_IS_NAME = re.compile(r"[^\W\d](?:[\w. -]*[\w.-])?")

DEFAULT_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
"""The port that is meant when a URL has none, by its scheme."""

_OVER_TLS = ("https", "grpcs")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Origin(NamedTuple):
    """Scheme, host and port of a URL: the service that a connection is for."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{with_port(self.host, self.port)}"

    @property
    def uses_tls(self) -> bool:
        """Whether its connections are encrypted."""
        return self.scheme in _OVER_TLS


def _shown_url(url: str) -> str:
    return repr(public_url(url))


def _shown_headers(headers: tuple[tuple[str, str], ...]) -> str:
    return repr(tuple((name, header_value(name, value)) for name, value in headers))


@frozen(init=False)
class Request(Displayed):
    """One HTTP request: method, URL, headers and body.

    The URL is absolute, or a path that a plan's ``targets`` complete; ``query`` is added to it,
    percent-encoded. ``auth``, or a user and password in the URL, become a Basic ``Authorization``
    header, as in browsers, and leave the URL; ``cookies`` become a ``Cookie`` header. ``json`` is
    encoded once, here, and sets ``Content-Type`` unless ``headers`` has it; ``body`` is sent as it
    is (a string as UTF-8). ``weight`` is this request's share in a mix of several; ``name`` labels
    it in results and defaults to "METHOD /path", secrets in the path hidden. ``checks`` say what
    its response must be (see `benchlab.plan.checks`). ``stream`` reads the response
    as a stream and times its parts: ``"events"``, ``"chunks"``, or a `Stream` with limits.
    ``repr`` hides secrets in the URL and headers.

    ``{{name}}`` in path, query, header values and body is a field. ``{{seq}}`` is the request's
    number in the run and ``{{uuid}}`` a UUID of its own; all other names are of the rows in
    ``data``, and without ``data`` they are text, not fields.

    A request is framed by its body: ``Content-Length`` may be given if it is right, and
    ``Transfer-Encoding`` may not.

    Raises:
        InputError: no scheme or host in the URL, a method or header that HTTP does not allow or
            that contradicts the body, both ``body`` and ``json``, a weight that is not above zero,
            or a field that a row of ``data`` does not have.
    """

    method: str
    url: str = field(repr=_shown_url)
    headers: tuple[tuple[str, str], ...] = field(repr=_shown_headers)
    body: bytes
    weight: float
    name: str
    checks: tuple[Check, ...]
    data: Feed | None
    stream: Stream | None

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")
    url_example: ClassVar[str] = "http://127.0.0.1:8000/path"
    part_names: ClassVar[tuple[str, str]] = ("headers", "body")
    foreign_check: ClassVar[type[Check]] = GrpcStatusIn

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
        stream: Stream | str | Mapping[str, Any] | None = None,
    ) -> None:
        _check_types(method, url, body, weight, name, auth, cookies)
        method, given = method.upper(), method
        if not _METHOD.fullmatch(method):
            raise InputError(
                "is not an HTTP method", field="method", value=given, remedy="use GET, POST, PUT …"
            )
        if method == "CONNECT":
            raise InputError(
                "asks a proxy for a tunnel, after which there are no responses",
                field="method",
                value=given,
                remedy="use GET, POST, PUT …",
            )
        url, credentials = self._read_url(with_query(url, query))
        pairs = text_pairs("headers", headers)
        if auth is not None:
            credentials = basic_credentials(*auth)
        pairs = _with_credentials(pairs, credentials)
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
        self.__attrs_init__(
            method=method,
            url=url,
            headers=pairs,
            body=content,
            weight=weight,
            name=name or self._usual_name(method, url),
            checks=tuple_of_checks(checks),
            data=data,
            stream=Stream.of(stream),
        )
        self._check()

    @classmethod
    def _read_url(cls, url: str) -> tuple[str, str]:
        """The URL without user and password, and these as the value of a header."""
        return read_url(url, cls.schemes, cls.url_example)

    @staticmethod
    def _usual_name(method: str, url: str) -> str:
        return f"{method} {public_path(urlsplit(url).path) or '/'}"

    def _check(self) -> None:
        """Refuse what only shows when everything is known."""
        if self.weight <= 0:
            path = self.parts.path or "/"
            raise InputError(f"of {path} must be above 0", field="weight", value=self.weight)
        if any(isinstance(check, self.foreign_check) for check in self.checks):
            raise InputError(
                f"{self.foreign_check.__name__} is not for {self.parts.scheme or 'these'} requests",
                field="checks",
                remedy="use StatusIn for HTTP, and GrpcStatusIn for gRPC",
            )
        _check_framing(self)
        self._check_events("read the response as a stream too (stream, --stream)")
        if self.data is not None:
            _check_fields(self, self.data)

    def _check_events(self, remedy: str) -> None:
        """Refuse checks of events where there will be none."""
        if not self.is_stream and (found := _event_checks(self)):
            raise InputError(
                f"has {found[0]}, which is about the events of a stream",
                field="checks",
                remedy=remedy,
            )

    @cached_property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)

    @property
    def is_named(self) -> bool:
        """Whether it has another name than it would have by default."""
        return self.name != self._usual_name(self.method, self.url)

    def describe(self) -> str:
        """The request in a few words, credentials hidden, such as "GET http://127.0.0.1:8000/"."""
        return f"{self.method} {public_url(self.url)}"

    def own_settings(self) -> list[tuple[str, str]]:
        """What its kind of request has in addition, as names and texts for people."""
        return []

    @property
    def port(self) -> int:
        """The port, the scheme's own when the URL has none."""
        return self.parts.port or DEFAULT_PORTS.get(self.parts.scheme, 80)

    @property
    def authority(self) -> str:
        """Host and port, as the Host header has them."""
        return without_zone(self.parts.netloc)

    @property
    def is_absolute(self) -> bool:
        """Whether the URL says which service is meant; otherwise a plan's ``targets`` do."""
        return bool(self.parts.scheme)

    @property
    def is_stream(self) -> bool:
        """Whether its response is read as a stream of events."""
        return self.stream is not None

    @property
    def stall_s(self) -> float:
        """The gap between events, in seconds, above which its streams stall."""
        return USUAL_STALL_S if self.stream is None else self.stream.stall_s

    @property
    def keeps_events(self) -> bool:
        """Whether every event of its streams is recorded."""
        return self.stream is not None and self.stream.rows

    @property
    def field_names(self) -> set[str]:
        """Names of the fields that are filled for each request sent."""
        found = self.names_in_braces
        return found if self.data is not None else found & set(BUILT_IN)

    @property
    def unfilled_names(self) -> set[str]:
        """Names that look like fields and are sent unchanged, since there is no feed."""
        return self.names_in_braces - self.field_names

    @property
    def malformed_fields(self) -> list[str]:
        """What looks like a field and is sent unchanged, such as ``{{ name }}`` or ``{{prénom}}``.

        A field has no blanks, and ASCII letters, digits, ``_``, ``.`` and ``-`` in its name.
        """
        meant = malformed_fields(self._text)
        return [written for written, name in meant.items() if _IS_NAME.fullmatch(name)]

    @property
    def body_problem(self) -> str:
        """Why the body is not JSON although the ``Content-Type`` says so; empty if it is well.

        Fields may have any value here.
        """
        if not self.body or not self._sends_json:
            return ""
        try:
            jsonlib.loads(with_examples(self.body), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as exc:
            return f"{exc}"
        return ""

    @property
    def _sends_json(self) -> bool:
        return "json" in self._content_type.lower()

    @property
    def _content_type(self) -> str:
        types = [value for name, value in self.headers if name.lower() == "content-type"]
        return types[0] if types else ""

    @property
    def usual_headers(self) -> tuple[tuple[str, str], ...]:
        """What is sent in addition to ``headers``, unless they have it."""
        return (("Accept", "*/*"), ("User-Agent", "benchlab"))

    def body_filler(self) -> Callable[[bytes, Mapping[str, Any]], bytes]:
        """A function that fills fields of the body; those without a value stay."""
        quoted = as_body(self._content_type)
        return lambda body, values: fill(body, values, quoted)

    def body_encoder(self) -> Callable[[bytes], bytes]:
        """A function from a body whose fields are filled to what is sent for it: itself."""
        return lambda body: body

    @property
    def _text(self) -> str:
        """All that may have fields: the URL as written and decoded, header values, the body."""
        values = [value for _, value in self.headers]
        body = self.body.decode(errors="replace")
        return "\n".join((self.url, unquote_plus(self.url), *values, body))

    @property
    def names_in_braces(self) -> set[str]:
        """Names that are written as fields are, whether they are filled or not."""
        values = "".join(value for _, value in self.headers)
        return field_names(b"\n".join((self.url.encode(), values.encode(), self.body)))

    def response_decoder(self) -> Callable[[Sequence[bytes]], bytes]:
        """A function from the pieces of a response's body to what checks of the body read."""
        return b"".join

    def at(self, target: str, share: float = 1.0, label: str = "") -> Request:
        """A copy for the service at the base URL ``target``, with a share of the weight."""
        url = self.url if self.is_absolute else target.rstrip("/") + self.url
        name = f"{self.name} @ {label}" if label else self.name
        return evolve(self, url=url, weight=self.weight * share, name=name)

    @cached_property
    def origin(self) -> Origin:
        """The service of the request."""
        host = address_of_literal(self.parts.hostname or "")
        return Origin(self.parts.scheme, host, self.port)

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
            **({"stream": self.stream.to_dict()} if self.stream is not None else {}),
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


def _event_checks(request: Request) -> list[str]:
    return [type(check).__name__ for check in request.checks if isinstance(check, EVENT_CHECKS)]


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


def _with_credentials(
    headers: tuple[tuple[str, str], ...], credentials: str
) -> tuple[tuple[str, str], ...]:
    if credentials and "authorization" not in {key.lower() for key, _ in headers}:
        return (*headers, ("Authorization", credentials))
    return headers


def _check_fields(request: Request, data: Feed) -> None:
    known = {*BUILT_IN, *(data.rows[0] if data.rows else ())}
    for written, name in malformed_fields(request._text).items():
        if name in known:
            is_name = field_names(f"{{{{{name}}}}}".encode())
            raise InputError(
                f"{request.name} has {written}, which is not a field",
                field="data",
                remedy=f"write {{{{{name}}}}}"
                if is_name
                else f"give the column {name!r} a name of ASCII letters, digits, _ . and -",
            )
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
    if request._sends_json:
        _check_numbers(request, data)


def _check_numbers(request: Request, data: Feed) -> None:
    in_body = sorted(field_names(request.body) - set(BUILT_IN))
    for number, row in enumerate(data.rows, 1):
        for name in in_body:
            value = row[name]
            if isinstance(value, float | list | dict):
                try:
                    jsonlib.dumps(value, allow_nan=False)
                except ValueError:
                    raise InputError(
                        f"row {number} of {data.name} has {value!r} for {name!r}, which JSON"
                        f" does not have, and the body of {request.name} is JSON",
                        field="data",
                        remedy="leave the row out, or give it None",
                    ) from None


def _check_framing(request: Request) -> None:
    """Refuse headers that would make the service see another end of the request than we do."""
    lengths = [value for name, value in request.headers if name.lower() == "content-length"]
    remedy = "leave it out, since a body is sent with its length"
    if any(name.lower() == "transfer-encoding" for name, _ in request.headers):
        raise InputError("Transfer-Encoding cannot be given", field="headers", remedy=remedy)
    if lengths and field_names(request.body) & request.field_names:
        raise InputError(
            "Content-Length is given, and the body has fields, so that its length varies",
            field="headers",
            remedy=remedy,
        )
    if len(lengths) > 1 or any(value.strip() != str(len(request.body)) for value in lengths):
        raise InputError(
            f"Content-Length is {', '.join(lengths)}, and the body has"
            f" {plural(len(request.body), 'byte')}",
            field="headers",
            remedy=remedy,
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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _encode_json(value: Any) -> bytes:
    try:
        return jsonlib.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as exc:
        raise InputError(f"cannot be written as JSON: {exc}", field="json", value=value) from exc


def _check_types(
    method: object,
    url: object,
    body: object,
    weight: object,
    name: object,
    auth: object,
    cookies: object,
) -> None:
    """Refuse what would be a TypeError further on, or be sent as something else: ``bytes(5)``."""
    check_text("method", method)
    check_text("url", url)
    check_text("name", name)
    if isinstance(body, str):
        check_text("body", body)
    if not isinstance(body, str | bytes | bytearray | memoryview):
        remedy = "leave it out to send none" if body is None else ""
        if isinstance(body, Mapping | list | tuple):
            remedy = "give it as json=, which encodes it"
        raise InputError(
            f"must be text or bytes, not {type(body).__name__}",
            field="body",
            remedy=remedy,
        )
    if not is_number(weight):
        raise InputError("must be a number above 0", field="weight", value=weight)
    # Neither value is shown: it is secret.
    if auth is not None and not (
        isinstance(auth, tuple | list)
        and len(auth) == 2
        and all(isinstance(item, str) for item in auth)
    ):
        raise InputError("must be a pair of texts", field="auth", remedy="give (user, password)")
    if not isinstance(cookies, Mapping):
        raise InputError("must be a mapping", field="cookies", remedy="give {name: value}")
