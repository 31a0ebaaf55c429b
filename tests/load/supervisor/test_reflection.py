"""Services are asked what their methods take and return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha import reflection_pb2 as pb2

from benchlab.errors import InputError, TargetError
from benchlab.load.supervisor.reflection import with_descriptors
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.grpc.proto_files import descriptors_of_proto
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.transport import Transport

PROTOS = Path(__file__).parents[2] / "plan/grpc/protos"

Prepare = Callable[[grpc.aio.Server], Any]


@pytest.fixture(scope="module")
def orders() -> Descriptors:
    return descriptors_of_proto(str(PROTOS / "shop/orders.proto"), [str(PROTOS)])


@contextmanager
def serving(prepare: Prepare, credentials: grpc.ServerCredentials | None = None) -> Iterator[int]:
    """A server of grpc.aio in a thread; yields its port."""
    loop = asyncio.new_event_loop()
    started: list[tuple[grpc.aio.Server, int]] = []

    async def start() -> None:
        server = grpc.aio.server()
        prepare(server)
        if credentials is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        started.append((server, port))

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server, port = started[0]
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def v1alpha(descriptors: Descriptors) -> Prepare:
    """The reflection that grpcio has."""
    names = [service.full_name for service in descriptors.services]
    return lambda server: reflection.enable_server_reflection(
        [*names, reflection.SERVICE_NAME], server, pool=descriptors.pool
    )


def answering(
    respond: Callable[[Any], Any], version: str = "v1", seen: list[Any] | None = None
) -> Prepare:
    """Reflection of one version that responds to each question with ``respond``."""

    async def info(questions: Any, context: Any) -> AsyncIterator[Any]:
        if seen is not None:
            seen.append(dict(context.invocation_metadata()))
        async for question in questions:
            response = respond(question)
            if response is None:
                return
            yield response

    handler = grpc.stream_stream_rpc_method_handler(
        info,
        request_deserializer=pb2.ServerReflectionRequest.FromString,
        response_serializer=pb2.ServerReflectionResponse.SerializeToString,
    )
    name = f"grpc.reflection.{version}.ServerReflection"
    methods = {"ServerReflectionInfo": handler}
    return lambda server: server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(name, methods),)
    )


def one_file_at_a_time(descriptors: Descriptors) -> Callable[[Any], Any]:
    """Responses with a single file each, as grpc-go's are."""
    files = {file.name: file for file in FileDescriptorSet.FromString(descriptors.data).file}

    def respond(question: Any) -> Any:
        name = question.file_by_filename or "shop/orders.proto"
        if name not in files:
            return error(5)
        data = [files[name].SerializeToString()]
        made = pb2.FileDescriptorResponse(file_descriptor_proto=data)
        return pb2.ServerReflectionResponse(file_descriptor_response=made)

    return respond


def error(code: int) -> Any:
    return pb2.ServerReflectionResponse(
        error_response=pb2.ErrorResponse(error_code=code, error_message="not here")
    )


def plan_for(port: int, *methods: str, scheme: str = "grpc", **changes: Any) -> Plan:
    target = f"{scheme}://127.0.0.1:{port}"
    return Plan([GrpcRequest(f"shop.{method}", target=target) for method in methods], **changes)


def described(plan: Plan) -> list[Descriptors]:
    found = []
    for request in with_descriptors(plan).requests:
        assert isinstance(request, GrpcRequest)
        assert request.descriptors is not None
        found.append(request.descriptors)
    return found


def test_both_versions_of_reflection_describe_the_calls(orders: Descriptors) -> None:
    expected = orders.of_service("shop.Orders").data
    for prepare in (v1alpha(orders), answering(one_file_at_a_time(orders))):
        with serving(prepare) as port:
            plan = plan_for(port, "Orders/Place", "Orders/Watch")
            assert [item.data for item in described(plan)] == [expected, expected]
            assert with_descriptors(plan) == plan  # the same requests, and now described


def test_metadata_go_to_the_reflection_too(orders: Descriptors) -> None:
    seen: list[Any] = []
    with serving(answering(one_file_at_a_time(orders), seen=seen)) as port:
        metadata = {"Token": "s", "raw-bin": b"\x00\xff", "row": "{{seq}}"}
        call = GrpcRequest("shop.Orders/Place", {}, metadata, target=f"grpc://127.0.0.1:{port}")
        with_descriptors(Plan(call))
    assert (seen[0]["token"], seen[0]["raw-bin"]) == ("s", b"\x00\xff")
    assert "row" not in seen[0]


def test_unknown_names_are_refused_with_those_that_the_service_has(orders: Descriptors) -> None:
    with serving(v1alpha(orders)) as port:
        for method, expected in (
            ("Orders/Plaec", "did you mean Place?"),
            ("Order/Place", r"did you mean shop\.Orders\?"),
            ("Orders/Talk", "takes a stream of messages"),
        ):
            with pytest.raises(InputError, match=expected):
                with_descriptors(plan_for(port, method))
        target = f"grpc://127.0.0.1:{port}"
        with pytest.raises(InputError, match="has no field named"):
            with_descriptors(Plan(GrpcRequest("shop.Orders/Place", {"idd": 1}, target=target)))


def test_a_service_without_reflection_needs_a_file(orders: Descriptors) -> None:
    with serving(lambda server: None) as port:
        with pytest.raises(TargetError, match="no reflection") as caught:
            with_descriptors(plan_for(port, "Orders/Place"))
        assert "--proto" in caught.value.remedy
        given = plan_for(port, "Orders/Place")
        (call,) = given.requests
        assert isinstance(call, GrpcRequest)
        with_descriptors(given.replace(requests=[call.described_by(orders)]))


def test_a_reflection_that_fails_is_reported(orders: Descriptors) -> None:
    data = FileDescriptorSet.FromString(orders.data)
    del data.file[0]
    garbage = pb2.FileDescriptorResponse(file_descriptor_proto=[b"\xff"])
    no_descriptor = pb2.ServerReflectionResponse(file_descriptor_response=garbage)
    for respond, kind, expected in (
        (lambda _: None, TargetError, "ended its reflection early"),
        (lambda _: 1 / 0, TargetError, "ended with UNKNOWN"),
        (lambda _: no_descriptor, TargetError, "gave what is no descriptor"),
        (
            one_file_at_a_time(Descriptors(data.SerializeToString())),
            InputError,
            "lacks shop/common",
        ),
    ):
        with serving(answering(respond)) as port, pytest.raises(kind, match=expected):
            with_descriptors(plan_for(port, "Orders/Place"))


def test_a_plan_of_http_is_left_alone() -> None:
    plan = Plan(Request("GET", "http://127.0.0.1:1/"))
    assert with_descriptors(plan) is plan


def test_reflection_over_tls_trusts_the_plans_authority(
    orders: Descriptors, tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("vectors.test")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
    with serving(v1alpha(orders), grpc.ssl_server_credentials([pair])) as port:
        trusting = Transport(ca_file=str(tmp_path / "ca.pem"), server_name="vectors.test")
        plan = plan_for(port, "Orders/Place", scheme="grpcs", transport=trusting)
        assert [item.data for item in described(plan)] == [orders.of_service("shop.Orders").data]
        unverified = plan.replace(transport=Transport(verify=False))
        with pytest.raises(InputError, match="--protoset"):
            with_descriptors(unverified)
