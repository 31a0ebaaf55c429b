"""Faults of the running service, by what a client and the traces see of them.

One server for all. Nothing here depends on how fast anything is: times have lower bounds only, and
a fault that something must happen during lasts an hour, until it is lifted.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.target.server import ADD, SUB, serving, spans

TOKEN = "s3cret-of-the-tests"
PAIR = {"a": [1, 2, 3], "b": [4, 5, 6]}
HOUR_MS = 3_600_000.0
MIB = 1024 * 1024
SERVER, INTERNAL, CLIENT = 2, 1, 3  # opentelemetry.proto.trace.v1.Span.SpanKind
ERROR = 2  # opentelemetry.proto.trace.v1.Status.StatusCode


class Service:
    """The service, and who sets its faults."""

    def __init__(self, client: httpx.Client, otlp: Path, pid: int) -> None:
        self.client = client
        self.pid = pid
        self._otlp = otlp
        self._numbers = itertools.count(1)

    @contextmanager
    def fault(self, kind: str, **settings: Any) -> Iterator[Callable[[], dict[str, Any]]]:
        """A fault that is on meanwhile; what it gives shows the fault as it is."""
        body = {"kind": kind, "lease_s": 3600.0, **settings}
        assert self.client.put("/faults/it", json=body).raise_for_status().json()["id"] == "it"
        try:
            yield lambda: self.shown()["faults"][0]
        finally:
            self.client.delete("/faults")

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.client.get("/faults").raise_for_status().json()
        return shown

    def add(self, **options: Any) -> httpx.Response:
        return self.client.post(ADD, **{"json": PAIR, **options})

    def traced(self, children: int = 1, **options: Any) -> list[dict[str, Any]]:
        """The spans of a request: SERVER first, and then `children` in order of their begin."""
        trace_id = f"{next(self._numbers):032x}"
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        with suppress(httpx.TransportError):
            self.add(headers=headers, **options)
        while len(found := [s for s in spans(self._otlp) if s["traceId"] == trace_id]) <= children:
            time.sleep(0.02)  # the exporter's delay
        assert len(found) == children + 1
        return sorted(found, key=lambda span: (span["kind"] != SERVER, span["startTimeUnixNano"]))


def duration_ms(span: dict[str, Any]) -> float:
    return (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6


@contextmanager
def taking_ms(least: float) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    assert (time.perf_counter() - begin) * 1000 >= least


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("faults")
    with (
        serving(
            directory,
            BENCHLAB_TARGET_FAULTS="1",
            BENCHLAB_TARGET_FAULT_TOKEN=TOKEN,
            BENCHLAB_TARGET_OTLP_DIR=str(directory),
            OTEL_BSP_SCHEDULE_DELAY="20",
            OTEL_METRICS_EXPORTER="none",
        ) as server,
        httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client,
    ):
        yield Service(client, directory, server.process.pid)
        log = server.stop()
    assert "Traceback" not in log
    assert "ERROR" not in log
    assert not [s for s in spans(directory) if "/faults" in s["attributes"].get("url.path", "")]


def test_nothing_is_on_at_first_and_what_was_lifted_is_gone(service: Service) -> None:
    assert service.shown()["enabled"] is True
    assert service.shown()["faults"] == []
    with service.fault("error", status=500) as shown:
        assert service.add().status_code == 500
        assert shown()["hits"] == 1
        assert 0 < shown()["expires_in_s"] <= 3600
    assert service.shown()["faults"] == []
    assert service.add().json() == {"result": [5.0, 7.0, 9.0]}


def test_latency_is_time_of_the_service_itself(service: Service) -> None:
    with service.fault("latency", latency_ms=50.0):
        with taking_ms(50):
            service.add()
        server, child = service.traced()
    assert duration_ms(server) >= 50
    assert child["name"] == "vector.add"
    # The wait is over when the work begins.
    wait_ns = int(child["startTimeUnixNano"]) - int(server["startTimeUnixNano"])
    assert wait_ns >= 50e6


def test_errors_of_a_seed_hit_the_same_requests_again(service: Service) -> None:
    patterns = []
    for _ in range(2):
        with service.fault("error", status=503, ratio=0.5, seed=3):
            patterns.append([service.add().status_code for _ in range(20)])
    assert patterns[0] == patterns[1]
    assert set(patterns[0]) == {200, 503}


def test_an_error_is_one_in_the_trace_too(service: Service) -> None:
    with service.fault("error", status=503):
        (server,) = service.traced(children=0)
    assert server["attributes"]["http.response.status_code"] == 503
    assert server["status"]["code"] == ERROR


def test_a_refusal_says_when_to_come_again(service: Service) -> None:
    with service.fault("error", status=429):
        assert service.add().headers["retry-after"] == "1"
    with service.fault("error", status=429, retry_after_s=7):
        assert service.add().headers["retry-after"] == "7"
        (server,) = service.traced(children=0)
    # By the conventions, a request that is refused is no error of the server.
    assert server["attributes"]["http.response.status_code"] == 429
    assert server["status"].get("code", 0) == 0
    with service.fault("error", status=500):
        assert "retry-after" not in service.add().headers


def test_a_dropped_connection_has_no_response(service: Service) -> None:
    with service.fault("drop"):
        with pytest.raises(httpx.TransportError):
            service.add()
        (server,) = service.traced(children=0)
    assert server["status"]["code"] == ERROR
    assert server["attributes"]["error.type"] == "connection_dropped"
    assert "http.response.status_code" not in server["attributes"]


def test_a_slow_body_begins_at_once_and_ends_late(service: Service) -> None:
    with (
        service.fault("slow_body", body_ms=HOUR_MS),
        service.client.stream("POST", ADD, json=PAIR) as response,
    ):
        assert response.status_code == 200
        assert next(response.iter_raw()).startswith(b'{"re')
    with service.fault("slow_body", body_ms=60.0, pieces=3):
        with taking_ms(60):
            assert service.add().json() == {"result": [5.0, 7.0, 9.0]}
        server, _ = service.traced()
    assert duration_ms(server) >= 60


def test_cpu_is_burnt(service: Service) -> None:
    process = psutil.Process(service.pid)
    before = process.cpu_times()
    with service.fault("cpu", cpu_ms=30.0):
        for _ in range(5):
            service.add()
    after = process.cpu_times()
    # The system's counter has steps of 10 ms.
    assert after.user + after.system - before.user - before.system >= 0.13


def test_a_pause_is_within_the_spans_and_control_goes_on(service: Service) -> None:
    with ThreadPoolExecutor(1) as threads:
        with service.fault("pause", pause_ms=HOUR_MS) as shown:
            while not shown()["hits"]:
                pass
            before = service.shown()["requests_served"]
            traced = threads.submit(service.traced)
            while service.shown()["requests_served"] == before:
                time.sleep(0.005)
            assert service.client.get("/health").json() == {"status": "ok"}
            lifted_ns = time.time_ns()
        server, _ = traced.result()
    assert int(server["startTimeUnixNano"]) < lifted_ns < int(server["endTimeUnixNano"])


def test_requests_wait_for_a_lock_one_after_another(service: Service) -> None:
    async def add_five() -> None:
        url = service.client.base_url
        async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as client:
            await asyncio.gather(*(client.post(ADD, json=PAIR) for _ in range(5)))

    with service.fault("lock", hold_ms=20.0):
        with taking_ms(5 * 20):
            asyncio.run(add_five())
        server, wait, _ = service.traced(children=2)
    assert (wait["name"], wait["parentSpanId"]) == ("lock.wait", server["spanId"])
    assert duration_ms(server) >= 20 + duration_ms(wait)


def test_a_dependency_is_a_child_span_of_its_own(service: Service) -> None:
    with service.fault("dependency", dependency_ms=30.0):
        _, dependency, vector = service.traced(children=2)
    assert (dependency["name"], dependency["kind"]) == ("dependency", CLIENT)
    assert duration_ms(dependency) >= 30
    assert vector["kind"] == INTERNAL


def test_memory_grows_to_a_bound_and_is_given_back(service: Service) -> None:
    # Pieces so long that the allocator gives each back to the system at once.
    piece = 40 * MIB
    process = psutil.Process(service.pid)
    before = process.memory_info().rss
    with service.fault("leak", leak_bytes=piece, max_bytes=2 * piece) as shown:
        for _ in range(3):
            service.add()
        assert shown()["held_bytes"] == 2 * piece
        assert process.memory_info().rss - before > piece
        during = process.memory_info().rss
    assert process.memory_info().rss < during - piece


def test_a_leak_may_slow_down_with_what_it_holds(service: Service) -> None:
    with service.fault("leak", leak_bytes=MIB // 2, slowdown_ms_per_mib=40.0):
        for number in (1, 2, 3):
            with taking_ms(20 * number):
                service.add()


def test_misses_of_a_cache_are_slow_and_say_so(service: Service) -> None:
    with service.fault("cache_miss", miss_ms=40.0, ratio=0.5, seed=1) as shown:
        found = [service.traced()[0] for _ in range(8)]
        hits = shown()["hits"]
    missed = [span for span in found if not span["attributes"]["cache.hit"]]
    assert 0 < len(missed) == hits < 8
    assert all(duration_ms(span) >= 40 for span in missed)


def test_a_long_payload_takes_longer(service: Service) -> None:
    body = b'{"a": [1], "b": [2]}' + b" " * 380
    with service.fault("payload", ns_per_byte=100_000.0):
        with taking_ms(40):
            assert service.add(json=None, content=body).is_success
        with taking_ms(40):  # without a content-length
            assert service.add(json=None, content=iter([body[:100], body[100:]])).is_success


def test_one_instance_of_several_is_slow(service: Service) -> None:
    with service.fault("slow_instance", slow_ms=30.0, of=4) as shown:
        found = []
        for _ in range(4):
            service.client.headers["connection"] = "close"  # so that each is a connection
            found.append(service.traced()[0])
        del service.client.headers["connection"]
        assert shown()["hits"] == 1
    instances = [span["attributes"]["service.instance.id"] for span in found]
    assert sorted(instances) == [f"instance-{number}" for number in range(4)]
    assert max(map(duration_ms, found)) >= 30


def test_a_fault_of_a_route_leaves_others_alone(service: Service) -> None:
    with service.fault("error", route=SUB):
        assert service.add().is_success
        assert service.client.post(SUB, json=PAIR).status_code == 503
        assert service.client.get("/health").is_success
    with service.fault("error", route="/api/vector/"):
        assert service.add().status_code == 503


def test_a_lease_that_nobody_renews_ends(service: Service) -> None:
    with service.fault("error", lease_s=0.05):
        while service.shown()["faults"]:
            time.sleep(0.01)
        assert service.add().is_success
        lifted = service.client.delete("/faults/it")
        assert (lifted.status_code, "it" in lifted.json()["detail"]) == (404, True)


def test_a_fault_is_renewed_or_replaced(service: Service) -> None:
    with service.fault("error", lease_s=600.0) as shown:
        service.add()
        again = service.client.put("/faults/it", json={"kind": "error", "lease_s": 6000.0}).json()
        assert (again["renewed"], again["hits"]) == (True, 1)
        assert again["expires_in_s"] > 600
        other = service.client.put("/faults/it", json={"kind": "drop"}).json()
        assert (other["renewed"], other["hits"]) == (False, 0)
        assert shown()["kind"] == "drop"
        service.client.put("/faults/more", json={"kind": "latency", "latency_ms": 1.0})
        assert service.client.delete("/faults/it").json() == {"lifted": ["it"]}
        assert service.client.delete("/faults").json() == {"lifted": ["more"]}


def test_a_check_sets_nothing(service: Service) -> None:
    checked = service.client.put("/faults/it?do=check", json={"kind": "drop"})
    assert checked.json()["kind"] == "drop"
    assert service.shown()["faults"] == []
    assert service.client.put("/faults/it?do=check", json={"kind": "cpu"}).status_code == 422


def test_renewing_alone_sets_nothing(service: Service) -> None:
    def renew() -> httpx.Response:
        return service.client.put("/faults/it?do=renew", json={"kind": "error", "status": 500})

    assert renew().status_code == 404
    assert service.shown()["faults"] == []
    with service.fault("error", status=500):
        assert renew().json()["renewed"] is True
    with service.fault("error", status=501) as shown:
        assert renew().status_code == 404
        assert shown()["status"] == 501


def test_requests_are_counted_exactly_whatever_becomes_of_them(service: Service) -> None:
    before = service.shown()["requests_served"]
    service.add()
    service.add(json={})  # 422
    with service.fault("error"):
        service.add()
    with service.fault("drop"), pytest.raises(httpx.TransportError):
        service.add()
    service.client.get("/health")
    service.client.get("/nowhere")
    assert service.shown()["requests_served"] - before == 4


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"kind": "latency"}, "latency_ms"),
        ({"kind": "latency", "latency_ms": "50"}, "latency_ms"),
        ({"kind": "latency", "latency_ms": -1}, "latency_ms"),
        ({"kind": "latency", "latency_ms": 1e9}, "latency_ms"),
        ({"kind": "latency", "latency_ms": 5, "ratio": 1.5}, "ratio"),
        ({"kind": "latency", "latency_ms": 5, "distribution": "cauchy"}, "distribution"),
        ({"kind": "latency", "latency_ms": 5, "distribution": "normal"}, "spread_ms"),
        ({"kind": "latency", "latency_ms": 5, "spread_ms": 5}, "spread_ms"),
        (
            {"kind": "lock", "hold_ms": 5, "distribution": "uniform", "spread_ms": 6},
            "spread_ms",
        ),
        ({"kind": "error", "status": 200}, "status"),
        ({"kind": "drop", "lease_s": 0}, "lease_s"),
        ({"kind": "drop", "seed": 0.5}, "seed"),
        ({"kind": "drop", "route": "/health"}, "route"),
        ({"kind": "drop", "amount_ms": 5}, "amount_ms"),
        ({"kind": "block", "block_ms": 100, "every_ms": 100}, "every_ms"),
        ({"kind": "block", "block_ms": 60_000}, "block_ms"),
        ({"kind": "pause", "pause_ms": 100, "ratio": 0.5}, "ratio"),
        ({"kind": "slow_body", "body_ms": 5, "pieces": 1}, "pieces"),
        ({"kind": "slow_instance", "slow_ms": 5, "of": 1}, "of"),
        ({"kind": "leak", "leak_bytes": 0}, "leak_bytes"),
        ({"kind": "payload", "ns_per_byte": 0}, "ns_per_byte"),
        ({"kind": "meteor"}, "kind"),
        ({}, "kind"),
    ],
)
def test_bad_input_is_refused_with_the_setting(
    service: Service, settings: dict[str, Any], named: str
) -> None:
    response = service.client.put("/faults/it", json=settings)
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert named in error["loc"] or named in error["msg"]
    assert service.shown()["faults"] == []


def test_a_name_that_cannot_be_one_is_refused(service: Service) -> None:
    assert service.client.put("/faults/a%20b", json={"kind": "drop"}).status_code == 422


def test_the_token_is_needed_under_another_name(service: Service) -> None:
    rebound = {"host": "attacker.example"}
    for method, path in (("GET", "/faults"), ("PUT", "/faults/it"), ("DELETE", "/faults")):
        body = {"kind": "drop"}
        refused = service.client.request(method, path, json=body, headers=rebound)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        wrong = {**rebound, "authorization": "Bearer guess"}
        assert service.client.request(method, path, json=body, headers=wrong).status_code == 401
    assert service.shown()["faults"] == []
    right = {**rebound, "authorization": f"Bearer {TOKEN}"}
    assert service.client.get("/faults", headers=right).is_success
    # The server believes this header if it comes from loopback.
    forwarded = {"x-forwarded-for": "127.0.0.1"}
    assert service.client.get("/faults", headers=forwarded).status_code == 401
