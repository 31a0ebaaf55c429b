"""Ask services before the run what their gRPC methods take and return: reflection.

The protocol is that of https://github.com/grpc/grpc/blob/master/doc/server-reflection.md. Its two
versions, v1 and v1alpha, have the same messages under different names.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError, TargetError
from benchlab.extras import require_extra
from benchlab.load.drivers.grpc.channel import channel_credentials, channel_target
from benchlab.plan.grpc.descriptors import Descriptors, is_shipped, split_name, unknown_name
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin, Request
from benchlab.plan.transport import Transport

if TYPE_CHECKING:
    import grpc

__all__ = ["with_descriptors"]

_METHODS = tuple(
    f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    for version in ("v1", "v1alpha")
)
_PATIENCE_S = 30.0
_REMEDY = "give the service's .proto (proto, --proto) or a descriptor set (protoset, --protoset)"


def with_descriptors(plan: Plan) -> Plan:
    """``plan`` with the descriptors that its gRPC calls need, each call checked against them.

    Services are asked for those that no file gave.

    Raises:
        InputError: a service has no such method, or a message does not fit.
        TargetError: a service has no reflection, or does not respond to it.
        MissingPackageError: benchlab's extra ``grpc`` is not installed.
    """
    if not any(isinstance(request, GrpcRequest) for request in plan.requests):
        return plan
    require_extra("grpc")
    known: dict[tuple[Origin, str], Descriptors] = {}
    described = [_described(request, plan.transport, known) for request in plan.requests]
    return plan.replace(requests=described)


def _described(
    request: Request, transport: Transport, known: dict[tuple[Origin, str], Descriptors]
) -> Request:
    if not isinstance(request, GrpcRequest):
        return request
    found = request.descriptors
    if found is None:
        key = (request.origin, split_name(request.call)[0])
        if key not in known:
            known[key] = _asked(request, transport)
        found = known[key]
    return request.described_by(found)


def _asked(request: GrpcRequest, transport: Transport) -> Descriptors:
    """The descriptors of the request's service, as it gives them."""
    import grpc

    service, _ = split_name(request.call)
    try:
        with _channel(request.origin, transport) as channel:
            for method in _METHODS:
                try:
                    return _Reflection(channel, method, request.headers).of_service(service)
                except grpc.RpcError as exc:
                    if exc.code() is not grpc.StatusCode.UNIMPLEMENTED:
                        raise
    except grpc.RpcError as exc:
        raise TargetError(
            f"{request.origin} does not say what its methods take: reflection ended with"
            f" {exc.code().name} ({exc.details()})",
            remedy=_REMEDY,
        ) from exc
    raise TargetError(
        f"{request.origin} does not say what its methods take: it has no reflection",
        remedy=_REMEDY,
    )


@contextmanager
def _channel(origin: Origin, transport: Transport) -> Iterator[grpc.Channel]:
    import grpc

    target, options = channel_target(transport, origin)
    options = (*options, ("grpc.max_receive_message_length", -1))
    if origin.uses_tls:
        try:
            credentials = channel_credentials(transport)
        except InputError as exc:
            raise type(exc)(**{**exc.to_dict(), "remedy": f"{exc.remedy}, or {_REMEDY}"}) from exc
        opened = grpc.secure_channel(target, credentials, options)
    else:
        opened = grpc.insecure_channel(target, options)
    with opened as channel:
        yield channel


class _Reflection:
    """Questions to a service's reflection, over one stream."""

    def __init__(
        self, channel: grpc.Channel, method: str, metadata: Sequence[tuple[str, str]]
    ) -> None:
        from grpc_reflection.v1alpha import reflection_pb2 as pb2

        self._request = pb2.ServerReflectionRequest
        self._questions: SimpleQueue[Any] = SimpleQueue()
        call = channel.stream_stream(
            method,
            request_serializer=pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=pb2.ServerReflectionResponse.FromString,
        )
        self._responses = call(
            iter(self._questions.get, None),
            timeout=_PATIENCE_S,
            metadata=[(name, _value(name, value)) for name, value in metadata if "{{" not in value],
        )

    def of_service(self, service: str) -> Descriptors:
        """The files that describe ``service``, with all that they import."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
        from google.protobuf.message import DecodeError

        try:
            found = self._ask(file_containing_symbol=service)
            if found.HasField("error_response"):
                raise self._unknown(service)
            files: dict[str, FileDescriptorProto] = {}
            asked: set[str] = set()
            while True:
                for data in found.file_descriptor_response.file_descriptor_proto:
                    try:
                        file = FileDescriptorProto.FromString(data)
                    except DecodeError as exc:
                        raise TargetError(
                            f"the service's reflection gave what is no descriptor ({exc})",
                            remedy=_REMEDY,
                        ) from exc
                    files[file.name] = file
                needed = {name for file in files.values() for name in file.dependency}
                missing = sorted(
                    name for name in needed - files.keys() - asked if not is_shipped(name)
                )
                if not missing:  # what a service does not give is reported by name
                    found_set = FileDescriptorSet(file=files.values())
                    return Descriptors.of_set(found_set.SerializeToString())
                asked.add(missing[0])
                found = self._ask(file_by_filename=missing[0])
        finally:
            self._questions.put(None)
            self._responses.cancel()

    def _ask(self, **question: str) -> Any:
        self._questions.put(self._request(**question))
        response = next(self._responses, None)
        if response is None:
            raise TargetError("the service ended its reflection early", remedy=_REMEDY)
        return response

    def _unknown(self, service: str) -> InputError:
        listed = self._ask(list_services="")
        names = [item.name for item in listed.list_services_response.service]
        return unknown_name("service", service, names, "the service's reflection")


def _value(name: str, value: str) -> str | bytes:
    """The value of metadata as grpcio takes it."""
    return b64decode(value + "=" * (-len(value) % 4)) if name.endswith("-bin") else value
