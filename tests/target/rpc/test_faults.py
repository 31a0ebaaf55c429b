"""Faults and gRPC calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from target.rpc import CALLS
from target.rpc.vectors_pb2 import Pair, Series
from tests.target.rpc.calls import Service, refusal

PAIR = Pair(a=[1, 2, 3], b=[4, 5, 6])


@pytest.mark.parametrize(
    ("http", "status"), [(503, "UNAVAILABLE"), (429, "RESOURCE_EXHAUSTED"), (418, "UNKNOWN")]
)
def test_an_error_is_the_status_that_stands_for_it(
    service: Service, http: int, status: str
) -> None:
    with service.fault("error", status=http):
        assert refusal(service.add, PAIR) == (status, "a fault was set")
        assert refusal(service.partial_sums, Series(values=[1])) == (status, "a fault was set")
        assert service.shown()["faults"][0]["hits"] == 2
    assert service.add(PAIR).result == [5, 7, 9]


def test_an_error_says_when_to_retry(service: Service) -> None:
    with service.fault("error", status=429), pytest.raises(grpc.RpcError) as error:
        service.add(PAIR)
    assert dict(error.value.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"


def test_latency_is_time_of_the_service_itself(service: Service) -> None:
    with service.fault("latency", latency_ms=30.0):
        server, child = service.traced(service.add, PAIR)
    assert int(server["endTimeUnixNano"]) - int(server["startTimeUnixNano"]) >= 30e6
    # The wait is over when the work begins.
    assert int(child["startTimeUnixNano"]) - int(server["startTimeUnixNano"]) >= 30e6


def test_other_faults_have_their_spans_and_attributes(service: Service) -> None:
    with service.fault("dependency", dependency_ms=1.0):
        _, dependency, _ = service.traced(service.add, PAIR, children=2)
    assert dependency["name"] == "dependency"
    with service.fault("cache_miss", miss_ms=1.0):
        server, _ = service.traced(service.add, PAIR)
    assert server["attributes"]["cache.hit"] is False
    with service.fault("slow_instance", slow_ms=1.0, of=2):
        server, _ = service.traced(service.add, PAIR)
    assert server["attributes"]["service.instance.id"] == "instance-0"


def test_a_pause_holds_calls_until_it_is_lifted(service: Service) -> None:
    with ThreadPoolExecutor(1) as pool:
        with service.fault("pause", pause_ms=3_600_000.0):
            before = service.shown()["requests_served"]
            held = pool.submit(service.add, PAIR)
            while service.shown()["requests_served"] == before:
                assert not held.done()
            assert not held.done()
        assert held.result(timeout=60).result == [5, 7, 9]


def test_calls_take_turns_while_they_compute(service: Service) -> None:
    with service.fault("cpu", cpu_ms=1.0), ThreadPoolExecutor(4) as pool:
        results = list(pool.map(service.add, [PAIR] * 8))
        assert service.shown()["faults"][0]["hits"] == 8
    assert [list(each.result) for each in results] == [[5, 7, 9]] * 8


@pytest.mark.parametrize("route", [f"{CALLS}Add", ""])
def test_a_route_is_the_start_of_a_calls_path(service: Service, route: str) -> None:
    with service.fault("error", route=route):
        assert refusal(service.add, PAIR)[0] == "UNAVAILABLE"
        if route:
            assert service.sub(PAIR).result == [-3, -3, -3]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("drop", {}), ("slow_body", {"body_ms": 3_600_000.0}), ("payload", {"ns_per_byte": 1e6})],
)
def test_what_acts_on_the_messages_of_http_hits_no_call(
    service: Service, kind: str, settings: dict[str, float]
) -> None:
    with service.fault(kind, **settings):
        assert service.add(PAIR).result == [5, 7, 9]
        assert service.shown()["faults"][0]["hits"] == 0
