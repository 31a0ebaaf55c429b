"""The vector operations over gRPC: results, refusals, streams, and what describes them."""

from __future__ import annotations

import math
from pathlib import Path
from queue import SimpleQueue

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from target.arithmetic import MAX_LENGTH
from target.rpc import SERVICE
from target.rpc.vectors_pb2 import DESCRIPTOR, Pair, Series, Vector
from tests.target.protoc import compiled
from tests.target.rpc.calls import SERVER, Service, refusal

PAIR = Pair(a=[1, 2, 3], b=[4, 5, 6])
LARGEST = 1.7e308


def test_the_generated_messages_are_those_of_the_proto(tmp_path: Path) -> None:
    assert FileDescriptorProto.FromString(DESCRIPTOR.serialized_pb) == compiled(tmp_path)
    assert [each.full_name for each in DESCRIPTOR.services_by_name.values()] == [SERVICE]


def test_vectors_are_added_and_subtracted(service: Service) -> None:
    assert service.add(PAIR).result == [5, 7, 9]
    assert service.sub(PAIR).result == [-3, -3, -3]
    assert service.add(Pair()).result == []


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (Pair(a=[1], b=[1, 2]), "equally long, but one has length 1 and the other 2"),
        (Pair(a=[0] * (MAX_LENGTH + 1), b=[0]), "a has length 10,001, above 10,000"),
        (Pair(a=[1, LARGEST], b=[1, LARGEST]), "at index 1 is outside the range of a double"),
        (Pair(a=[math.nan], b=[1]), "at index 0 is outside the range of a double"),
        (Pair(lookup_ms=-1), "lookup_ms must be 0 to 10,000, not -1"),
        (Pair(lookup_ms=math.nan), "lookup_ms must be 0 to 10,000, not nan"),
        (Pair(miss_ratio=2), "miss_ratio must be 0 to 1, not 2"),
    ],
)
def test_an_invalid_pair_is_refused(service: Service, pair: Pair, message: str) -> None:
    status, details = refusal(service.add, pair)
    assert status == "INVALID_ARGUMENT"
    assert message in details


def test_partial_sums_are_a_stream(service: Service) -> None:
    sums = list(service.partial_sums(Series(values=[1, 2, 3], gap_ms=1)))
    assert [(each.count, each.sum) for each in sums] == [(1, 1), (2, 3), (3, 6)]
    assert list(service.partial_sums(Series())) == []
    status, details = refusal(service.partial_sums, Series(values=[1], gap_ms=-1))
    assert (status, details) == ("INVALID_ARGUMENT", "gap_ms must be 0 to 10,000, not -1")
    assert refusal(service.partial_sums, Series(values=[LARGEST, LARGEST]))[0] == status


def test_a_stream_of_vectors_has_a_total(service: Service) -> None:
    vectors = [Vector(values=[1, 2]), Vector(values=[3, 4]), Vector(values=[5, 6])]
    assert service.total(iter(vectors)).result == [9, 12]
    assert service.total(iter([])).result == []
    for invalid in ([Vector(values=[1]), Vector(values=[1, 2])], [Vector(values=[math.nan])]):
        assert refusal(service.total, iter(invalid))[0] == "INVALID_ARGUMENT"


def test_both_directions_stream_at_once(service: Service) -> None:
    pairs: SimpleQueue[Pair | None] = SimpleQueue()
    results = service.add_each(iter(pairs.get, None))
    for number in range(3):
        # Its result is there before the next pair is sent.
        pairs.put(Pair(a=[number], b=[1]))
        assert next(results).result == [number + 1]
    pairs.put(None)
    assert list(results) == []


def test_a_call_is_a_server_span_with_the_computation_below_it(service: Service) -> None:
    server, child = service.traced(service.add, PAIR)
    assert (server["kind"], server["name"]) == (SERVER, f"/{SERVICE}/Add")
    assert server["parentSpanId"] == "00f067aa0ba902b7"
    expected = {"rpc.service": SERVICE, "rpc.method": "Add", "rpc.grpc.status_code": 0}
    assert expected.items() <= server["attributes"].items()
    assert child["name"] == "vector.add"
    assert child["parentSpanId"] == server["spanId"]
    assert child["attributes"] == {"vector.operation": "add", "vector.length": 3}


def test_a_lookup_and_a_stream_have_their_spans(service: Service) -> None:
    _, lookup, _ = service.traced(service.add, Pair(lookup_ms=1, miss_ratio=1), children=2)
    assert (lookup["name"], lookup["attributes"]) == ("lookup", {"cache.hit": False})
    server, child = service.traced(service.partial_sums, Series(values=[1, 2]))
    assert server["attributes"]["rpc.method"] == "PartialSums"
    assert (child["name"], child["attributes"]) == ("vector.partial_sums", {"vector.length": 2})


def test_it_says_that_it_serves(service: Service) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel)
    for name in ("", SERVICE):
        response = stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_it_describes_itself(service: Service) -> None:
    database = ProtoReflectionDescriptorDatabase(service.channel)
    assert SERVICE in database.get_services()
    pool = DescriptorPool(database)
    method = pool.FindServiceByName(SERVICE).FindMethodByName("PartialSums")
    assert [field.name for field in method.input_type.fields] == ["values", "gap_ms"]
    assert method.server_streaming


def test_what_does_not_exist_is_not_implemented(service: Service) -> None:
    call = service.channel.unary_unary(f"/{SERVICE}/Mul", Pair.SerializeToString, bytes)
    with pytest.raises(grpc.RpcError) as error:
        call(PAIR)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
