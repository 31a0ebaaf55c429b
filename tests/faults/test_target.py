"""Faults of a plan at the bundled target: set, renewed and lifted through its control API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from benchlab.bundled import TargetProcess
from benchlab.errors import FaultError
from benchlab.faults.target import TOKEN, TargetInjector, request_body
from benchlab.notebook.service import Service, service
from benchlab.plan.fault_kinds import FAULT_KINDS
from benchlab.plan.faults import Fault
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.plan.transport import Transport

EXAMPLES = [kind.example for kind in FAULT_KINDS.values() if kind.where == "target"]


@pytest.fixture(scope="module")
def faulty() -> Iterator[Service]:
    """The target as a notebook starts it, to set faults in it."""
    started = service(path="", traced=False, faults=True)
    yield started
    started.stop()


def plan_for(url: str, *faults: str, **options: Any) -> tuple[Plan, list[Fault]]:
    request = Request("POST", f"{url}/api/vector/add", json={"a": [1], "b": [2]})
    plan = Plan([request], ConstantRate(10), duration_s=1.0, faults=faults, **options)
    return plan, list(plan.faults)


def shown(url: str) -> list[dict[str, Any]]:
    faults: list[dict[str, Any]] = httpx.get(f"{url}/faults", verify=False).json()["faults"]
    return faults


def refusal(plan: Plan, faults: list[Fault]) -> FaultError:
    async def prepare() -> None:
        injector = TargetInjector(plan, faults)
        try:
            await injector.prepare()
        finally:
            await injector.close()

    with pytest.raises(FaultError) as caught:
        asyncio.run(prepare())
    return caught.value


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_kind_can_be_set_and_lifted(faulty: Service, example: str) -> None:
    async def use() -> None:
        plan, faults = plan_for(faulty.url, f"{example} at 100ms for 500ms")
        injector = TargetInjector(plan, faults)
        await injector.prepare()
        assert shown(faulty.url) == []
        await injector.set(faults[0], 600.0)
        (found,) = shown(faulty.url)
        assert found["kind"] == faults[0].kind
        assert 0 < found["expires_in_s"] <= 600
        await injector.renew(faults[0], 6000.0)
        assert shown(faulty.url)[0]["expires_in_s"] > 600
        await injector.lift(faults[0])
        assert shown(faulty.url) == []
        await injector.lift(faults[0])
        await injector.close()

    asyncio.run(use())


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("latency 200ms", {"latency_ms": 200}),
        ("latency 200ms±50ms", {"latency_ms": 200, "distribution": "uniform", "spread_ms": 50}),
        ("latency 20ms pareto", {"latency_ms": 20, "distribution": "pareto"}),
        ("lock 20ms exponential", {"hold_ms": 20, "distribution": "exponential"}),
        ("error 503 ratio=10%", {"status": 503, "ratio": 0.1}),
        ("drop route=/api/vector/add", {"route": "/api/vector/add"}),
        ("leak 1MB", {"leak_bytes": 1_000_000}),
        ("payload 50ns", {"ns_per_byte": 50}),
        ("slow_instance 100ms of=3", {"slow_ms": 100, "of": 3}),
        ("cpu 20ms seed=5", {"cpu_ms": 20, "seed": 5}),
    ],
)
def test_amounts_become_plain_numbers(text: str, body: dict[str, Any]) -> None:
    found = request_body(Fault.parse(text), 77)
    assert found == pytest.approx({"kind": Fault.parse(text).kind, "seed": 77, **body})


def test_what_acts_by_the_clock_draws_nothing() -> None:
    assert request_body(Fault.parse("pause 150ms every=2s"), 77) == pytest.approx(
        {"kind": "pause", "pause_ms": 150, "every_ms": 2000}
    )


def test_a_fault_that_lifted_itself_cannot_be_renewed(faulty: Service) -> None:
    async def use() -> None:
        plan, faults = plan_for(faulty.url, "latency 5ms")
        injector = TargetInjector(plan, faults)
        await injector.set(faults[0], 0.05)
        while shown(faulty.url):
            await asyncio.sleep(0.01)
        with pytest.raises(FaultError, match="has lifted it by itself") as caught:
            await injector.renew(faults[0], 60.0)
        assert caught.value.value == "latency 5ms"
        assert shown(faulty.url) == []
        await injector.lift(faults[0])
        await injector.close()

    asyncio.run(use())


def test_runs_at_the_same_service_do_not_lift_each_others_faults(faulty: Service) -> None:
    async def use() -> None:
        plan, faults = plan_for(faulty.url, "latency 5ms", "drop ratio=1% at 500ms")
        first, second = TargetInjector(plan, faults), TargetInjector(plan, faults)
        for injector in (first, second):
            for fault in faults:
                await injector.set(fault, 600.0)
        assert len(shown(faulty.url)) == 4
        await first.close()
        assert len(shown(faulty.url)) == 2
        await second.close()
        assert shown(faulty.url) == []

    asyncio.run(use())


def test_a_fault_is_for_the_service_that_it_names(faulty: Service, target: TargetProcess) -> None:
    async def use() -> None:
        plan, faults = plan_for(target.url, f"latency 5ms service={faulty.url}")
        injector = TargetInjector(plan, faults)
        await injector.prepare()
        await injector.set(faults[0], 60.0)
        assert len(shown(faulty.url)) == 1
        await injector.close()

    asyncio.run(use())


def test_a_service_is_found_where_the_plan_says(faulty: Service) -> None:
    address = faulty.url.removeprefix("http://")
    transport = Transport(resolve={"shop.test:80": address})
    plan, faults = plan_for("http://shop.test", "latency 5ms", transport=transport)

    async def use() -> None:
        injector = TargetInjector(plan, faults)
        await injector.prepare()
        await injector.close()

    asyncio.run(use())


def test_a_service_without_faults_is_named_with_the_remedy(target: TargetProcess) -> None:
    error = refusal(*plan_for(target.url, "latency 5ms"))
    assert target.url in error.problem
    assert "benchlab target --faults" in error.remedy


def test_a_service_that_is_not_there_is_named() -> None:
    error = refusal(*plan_for("http://127.0.0.1:1", "latency 5ms"))
    assert "http://127.0.0.1:1" in error.problem


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("latency 5ms route=/health", "route"),
        ("cpu 10s", "cpu_ms = 10000"),
        ("pause 100ms every=50ms", "every_ms"),
    ],
)
def test_what_the_service_does_not_take_is_named_before_the_run(
    faulty: Service, text: str, setting: str
) -> None:
    error = refusal(*plan_for(faulty.url, text))
    assert setting in error.problem
    assert error.value == str(Fault.parse(text))
    assert shown(faulty.url) == []


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"detail": "no\x1b[31m" * 1000}, "responds with 400 (no [31mno"),
        ({"detail": [{"loc": 5, "msg": {"a": 1}}]}, "does not take it ({'a': 1})"),
        ({"detail": [{"loc": ["body", "cpu_ms"], "msg": ""}]}, "cpu_ms (without a reason)"),
        ([], "responds with 400 (without a reason)"),
    ],
)
def test_the_reason_of_any_service_can_be_shown(data: Any, shown: str) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(200, {"enabled": True})

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.respond(400, data)

        def respond(self, status: int, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with served_by(Refusing) as url:
        problem = refusal(*plan_for(url, "latency 5ms")).problem
    assert shown in problem
    assert len(problem) < 400


class Closed(BaseHTTPRequestHandler):
    """A service that wants a token."""

    token = "s3cret-of-the-tests"

    def do_GET(self) -> None:
        is_right = self.headers["Authorization"] == f"Bearer {self.token}"
        body = b'{"enabled": true}' if is_right else b"{}"
        self.send_response(200 if is_right else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served_by(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_service_over_grpc_is_set_faults_over_http() -> None:
    request = GrpcRequest("grpc://127.0.0.1:1/a.B/C")
    plan = Plan([request], ConstantRate(10), duration_s=1.0, faults=["latency 5ms"])
    error = refusal(plan, list(plan.faults))
    assert "faults are set over HTTP, and grpc://127.0.0.1:1 is not" in str(error)
    assert "service=http://" in error.remedy


def test_the_token_is_sent_and_its_lack_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with served_by(Closed) as url:
        plan, faults = plan_for(url, "latency 5ms")
        monkeypatch.delenv(TOKEN, raising=False)
        assert TOKEN in refusal(plan, faults).remedy
        monkeypatch.setenv(TOKEN, "another-value")
        error = refusal(plan, faults)
        assert TOKEN in error.remedy
        assert "another-value" not in f"{error}"
        monkeypatch.setenv(TOKEN, "with spaces")
        error = refusal(plan, faults)
        assert TOKEN in error.problem
        assert "with spaces" not in f"{error}"
        monkeypatch.setenv(TOKEN, Closed.token)

        async def prepare() -> None:
            injector = TargetInjector(plan, faults)
            await injector.prepare()
            await injector.close()

        asyncio.run(prepare())
