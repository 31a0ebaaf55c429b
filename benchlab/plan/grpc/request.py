"""One gRPC call of a plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from benchlab.errors import InputError
from benchlab.plan.checks import Check, StatusIn, check_from_dict, tuple_of_checks
from benchlab.plan.feed import Feed
from benchlab.plan.grpc.descriptors import Descriptors, Method, split_name
from benchlab.plan.grpc.messages import decoder, encoder, fill_message, json_of, message_text
from benchlab.plan.grpc.metadata import Metadata, metadata_pairs
from benchlab.plan.request import Request
from benchlab.plan.stream import Stream
from benchlab.plan.validation import check_choice, check_seconds, check_text, is_number
from benchlab.redact import header_value, public_url

__all__ = ["COMPRESSIONS", "GrpcRequest", "bare_request", "is_call_url"]

COMPRESSIONS = ("", "gzip")
"""How messages may be compressed: not at all, or as gzip."""

_CHECKED_ROWS = 1000
_CALL = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*/[A-Za-z_]\w*", re.ASCII)
_NO_MESSAGE: Mapping[str, Any] = MappingProxyType({})


def _shown_metadata(pairs: tuple[tuple[str, str], ...]) -> str:
    return repr(tuple((name, header_value(name, value)) for name, value in pairs))


@frozen(init=False)
class GrpcRequest(Request):  # type: ignore[override]  # of the parameters of __attrs_init__
    """One gRPC call: a method, its message and its metadata.

    ``url`` is the method, as ``pkg.Service/Method``, at the service ``target`` or a plan's
    ``targets``; or both in one: ``grpc://127.0.0.1:50051/pkg.Service/Method``, and ``grpcs://`` for
    TLS. Unary methods and those that respond with a stream of messages can be called; a method that
    takes a stream needs a scenario.

    ``message`` is a mapping, or JSON as text: protobuf's own, with 64-bit integers as numbers or
    text, and bytes in base64. What it may hold is said by the file ``proto`` (with the directories
    that its imports begin in, ``import_paths``), by a descriptor set in the file ``protoset``, or
    else by the service itself before the run (reflection). ``{{name}}`` is a field of ``data``, as
    in `Request`; ``"{{name}}"``, a whole text in the message, also takes a list or an object.

    ``metadata`` are sent with the call; bytes go under names that end in ``-bin``. ``deadline_s``
    is sent to the service, and bounds the call if the plan's ``timeout_s``, which is used without
    it, is longer. ``compression`` is "gzip" or none. ``stream`` limits what is read of a stream of
    messages, and says which gap is a stall: ``Stream(max_s=30)``. The other parameters are those of
    `Request`: the default ``name`` is "pkg.Service/Method", and checks of the body read the
    response as JSON: its message, or of a stream an array of them.

    Raises:
        InputError: no such method, or a message that does not fit it, as far as it is known without
            asking the service; or another value that cannot be used.
        MissingPackageError: benchlab's extra ``grpc`` is needed and not installed.

    >>> GrpcRequest("demo.Vectors/Add", {"a": [1]}, target="grpc://127.0.0.1:50051").describe()
    'grpc://127.0.0.1:50051/demo.Vectors/Add'
    """

    method: str = field(init=False, repr=False)  # always POST
    url: str = field(repr=public_url)
    headers: tuple[tuple[str, str], ...] = field(alias="metadata", repr=_shown_metadata)
    body: bytes = field(alias="message")
    weight: float
    name: str
    checks: tuple[Check, ...]
    data: Feed | None
    deadline_s: float | None
    compression: str
    descriptors: Descriptors | None = field(eq=False)

    schemes: ClassVar[tuple[str, ...]] = ("grpc", "grpcs")
    url_example: ClassVar[str] = "grpc://127.0.0.1:50051/pkg.Service/Method"
    part_names: ClassVar[tuple[str, str]] = ("metadata", "message")
    foreign_check: ClassVar[type[Check]] = StatusIn

    def __init__(
        self,
        url: str,
        message: Mapping[str, Any] | str | bytes | Any = _NO_MESSAGE,
        metadata: Metadata = (),
        weight: float = 1.0,
        name: str = "",
        checks: Check | Iterable[Check] = (),
        data: Feed | None = None,
        *,
        target: str = "",
        proto: str = "",
        import_paths: Sequence[str] = (),
        protoset: str = "",
        deadline_s: float | None = None,
        compression: str = "",
        stream: Stream | str | Mapping[str, Any] | None = None,
        descriptors: Descriptors | None = None,
    ) -> None:
        for key, value in (("url", url), ("target", target), ("name", name)):
            check_text(key, value)
        if not is_number(weight):
            raise InputError("must be a number above 0", field="weight", value=weight)
        if deadline_s is not None:
            check_seconds("deadline_s", deadline_s)
        check_choice("compression", compression, COMPRESSIONS)
        whole, credentials = self._read_url(_whole_url(url, target))
        pairs = metadata_pairs(metadata)
        if credentials and "authorization" not in dict(pairs):
            pairs += (("authorization", credentials),)
        given = _read_descriptors(proto, import_paths, protoset)
        object.__setattr__(self, "method", "POST")
        self.__attrs_init__(
            url=whole,
            metadata=pairs,
            message=message_text(message),
            weight=weight,
            name=name or self._usual_name("POST", whole),
            checks=tuple_of_checks(checks),
            data=data,
            stream=Stream.of(stream),
            deadline_s=deadline_s,
            compression=compression,
            descriptors=given or descriptors,
        )
        self._check()
        if given is not None:
            object.__setattr__(self, "descriptors", self.described_by(given).descriptors)

    @classmethod
    def _read_url(cls, url: str) -> tuple[str, str]:
        found, credentials = super()._read_url(url)
        parts = urlsplit(found)
        service, method = split_name(parts.path.strip("/"))
        if not _CALL.fullmatch(f"{service}/{method}"):
            raise InputError(
                "names no method of a service",
                field="url",
                value=public_url(found),
                remedy=f"write it like {cls.url_example}, or pkg.Service/Method with a target",
            )
        if parts.query or parts.fragment:
            raise InputError(
                "has parameters",
                field="url",
                value=public_url(found),
                remedy="give them in the message",
            )
        return parts._replace(path=f"/{service}/{method}").geturl(), credentials

    @staticmethod
    def _usual_name(method: str, url: str) -> str:
        return urlsplit(url).path.lstrip("/")

    def _check(self) -> None:
        super()._check()
        if problem := self.body_problem:
            raise InputError(f"is not JSON: {problem}", field="message")

    def _check_events(self, remedy: str) -> None:
        """Do nothing yet: whether there is a stream is known once the call is described."""

    @property
    def call(self) -> str:
        """The method that is called, as ``pkg.Service/Method``."""
        return self.parts.path.lstrip("/")

    def describe(self) -> str:
        """The call in a few words, credentials hidden: its whole URL."""
        return public_url(self.url)

    def own_settings(self) -> list[tuple[str, str]]:
        """Deadline, compression, and where the descriptors are from, as far as they are given."""
        found = [("deadline", f"{self.deadline_s:g} s")] if self.deadline_s is not None else []
        found += [("compression", self.compression)] if self.compression else []
        if self.descriptors is not None:
            found.append(("described by", self.descriptors.source or "the service (reflection)"))
        return found

    @property
    def is_stream(self) -> bool:
        """Whether it responds with a stream of messages, as far as the service is known."""
        return self.descriptors is not None and self.call in self.descriptors.streaming

    @property
    def usual_headers(self) -> tuple[tuple[str, str], ...]:
        """What every call sends in addition to its metadata, but its time limit."""
        coding = (("grpc-encoding", self.compression),) if self.compression else ()
        return (
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            *coding,
            ("grpc-accept-encoding", "identity,gzip"),
            ("user-agent", "benchlab"),
        )

    @property
    def _content_type(self) -> str:
        return "application/json"  # of the message as it is written here

    def body_filler(self) -> Callable[[bytes, Mapping[str, Any]], bytes]:
        """A function that fills fields of the message, which is JSON."""
        return fill_message

    @cached_property
    def called(self) -> Method:
        """The method that is called, with the classes of its messages.

        Raises:
            InputError: the service has no such method, or it has not been asked yet.
        """
        if self.descriptors is None:
            raise InputError(
                f"the messages of {self.call} are not known",
                field="descriptors",
                remedy="give proto or protoset, or let the run ask the service",
            )
        return self.descriptors.method(self.call)

    def body_encoder(self) -> Callable[[bytes], bytes]:
        """A function from the JSON of a message to what is sent, without its five bytes of frame.

        It raises `InputError` for JSON that does not fit the message.
        """
        called = self.called
        assert self.descriptors is not None
        return encoder(self.descriptors, called.takes)

    def response_decoder(self) -> Callable[[Sequence[bytes]], bytes]:
        """A function from the messages of a response to the JSON that checks read.

        It raises ValueError for what is no such message.
        """
        called = self.called
        assert self.descriptors is not None
        decode = decoder(self.descriptors, called.returns)
        return lambda messages: json_of(
            [decode(message) for message in messages], is_stream=called.returns_stream
        )

    def described_by(self, descriptors: Descriptors) -> GrpcRequest:
        """A copy that carries what its service needs of ``descriptors``, checked against them.

        Of a feed, the first thousand rows are checked here; the others are when they are encoded.

        Raises:
            InputError: there is no such method, it takes a stream, or the message does not fit; or
                what is for streams is given, and the response is none.
        """
        service, _ = split_name(self.call)
        made = evolve(self, descriptors=descriptors.of_service(service))
        if made.called.takes_stream:
            raise InputError(
                f"{self.call} takes a stream of messages",
                field="url",
                remedy="call it in a scenario: bl.scenario(function, url, client='grpc')",
            )
        super(GrpcRequest, made)._check_events(f"{self.call} responds with one message")
        if made.stream is not None and not made.is_stream:
            raise InputError(
                f"is given, and {self.call} responds with one message",
                field="stream",
                remedy="leave it out",
            )
        encode, filled = made.body_encoder(), made.body_filler()
        own = {"seq": 0, "uuid": "00000000-0000-8000-8000-000000000000"}
        if self.data is None:
            encode(filled(self.body, own))
            return made
        for number, row in enumerate(islice(self.data.rows, _CHECKED_ROWS), 1):
            try:
                encode(filled(self.body, {**own, **row}))
            except InputError as exc:
                raise exc.within(f"row {number} of {self.data.name}") from exc
        return made

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict: that of a `Request`, and what only a call has under ``grpc``."""
        described = self.descriptors
        return {
            **super().to_dict(),
            "grpc": {
                "deadline_s": self.deadline_s,
                "compression": self.compression,
                "descriptors": "" if described is None else described.to_text(),
                "source": "" if described is None else described.source,
                "import_paths": [] if described is None else list(described.import_paths),
                "streaming": [] if described is None else list(described.streaming),
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GrpcRequest:
        """The request that `to_dict` wrote."""
        own = data.get("grpc") or {}
        text, source = own.get("descriptors", ""), own.get("source", "")
        feed = data.get("data")
        return cls(
            data["url"],
            data.get("body", ""),
            [tuple(pair) for pair in data.get("headers", ())],
            data.get("weight", 1.0),
            data.get("name", ""),
            [check_from_dict(item) for item in data.get("checks", ())],
            None if feed is None else Feed.from_dict(feed),
            deadline_s=own.get("deadline_s"),
            compression=own.get("compression", ""),
            stream=data.get("stream"),
            descriptors=Descriptors.from_text(
                text, source, own.get("import_paths", ()), own.get("streaming", ())
            )
            if text
            else None,
        )


def bare_request(url: str) -> Request:
    """The request that a URL means by itself: a GET, or a gRPC call with an empty message."""
    return GrpcRequest(url) if is_call_url(url) else Request("GET", url)


def is_call_url(url: str) -> bool:
    """Whether the scheme of ``url`` says that it is for gRPC."""
    return url.partition("://")[0].lower() in GrpcRequest.schemes


def _whole_url(url: str, target: str) -> str:
    if "://" not in url:
        return f"{target.rstrip('/')}/{url.lstrip('/')}"
    if target:
        raise InputError(
            "is given, and the URL has a service already", field="target", remedy="leave one out"
        )
    return url


def _read_descriptors(proto: str, import_paths: Sequence[str], protoset: str) -> Descriptors | None:
    """The descriptors in the files that are named, if there are any."""
    from benchlab.plan.grpc.proto_files import descriptors_of_proto, descriptors_of_set

    if proto and protoset:
        raise InputError("is given, and a proto too", field="protoset", remedy="leave one out")
    if isinstance(import_paths, str):
        import_paths = (import_paths,)
    if import_paths and not proto:
        raise InputError(
            "are for a .proto file", field="import_paths", remedy="give proto, or leave them out"
        )
    if proto:
        return descriptors_of_proto(proto, import_paths)
    return descriptors_of_set(protoset) if protoset else None
