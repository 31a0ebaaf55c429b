"""The services on docs/own-service.md and docs/tutorial.md, pasted and measured."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest

import benchlab
from benchlab import Store
from benchlab.telemetry import ingest
from tests.docs.pages import DOCS, Block, blocks
from tests.target.server import metrics, serving, spans

SERVICES = blocks(DOCS / "own-service.md", "py")
NAMES = ["one_line", "own_steps", "without_benchlab", "opentelemetry_is_there"]
(SHOP,) = blocks(DOCS / "tutorial.md", "py")
SETTINGS = dict(
    line.removeprefix("export ").split("=")
    for block in blocks(DOCS / "own-service.md", "sh")
    for line in block.text.splitlines()
    if line.startswith("export ")
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4701"
SERVER = 2


def test_every_service_is_executed() -> None:
    assert len(SERVICES) == len(NAMES)


@pytest.mark.parametrize("service", SERVICES[1:], ids=NAMES[1:])
def test_a_request_continues_the_trace_that_asked_for_it(service: Block, tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(service.text)
    with serving(tmp_path, app="service:app", **SETTINGS) as server:
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert httpx.get(f"{server.url}/items/1", headers=headers).json() == {"item": 1}
        server.stop(signal.SIGINT)  # Ctrl-C
    served, *steps = sorted(spans(tmp_path / "otlp"), key=lambda span: -span["kind"])
    assert (served["kind"], served["traceId"]) == (SERVER, TRACE)
    assert {step["name"] for step in steps} == (
        {"query stock", "render"} if "query stock" in service.text else set()
    )
    counted = {
        metric["name"]: metric["exponentialHistogram"]
        for metric in metrics(tmp_path / "otlp")
        if metric["name"] == "http.server.request.duration"
    }
    assert bool(counted) == ("metrics-" in service.text or "bl.instrument" in service.text)


def test_one_line_is_enough_to_see_client_and_server_together(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICES[0].text)
    with serving(tmp_path, app="service:app") as server:
        request = benchlab.Request("GET", f"{server.url}/items/20")
        plan = benchlab.Plan([request], benchlab.ConstantRate(20), duration_s=0.5, trace_ratio=1)
        run = benchlab.run(plan)
        server.stop()
    store = Store()
    store.save(run)
    with store.connect() as client:
        ingest(client, [tmp_path / "otlp"])
    assert store.trace_coverage(run.id).found == 10


def test_the_service_of_the_tutorial_and_its_plan(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP.text)
    (plan_file,) = blocks(DOCS / "tutorial.md", "toml")
    with serving(tmp_path, app="shop:app", FIXED="1") as server:
        text = plan_file.text.replace("http://127.0.0.1:8001", server.url)
        (tmp_path / "shop.toml").write_text(text)
        plan = benchlab.read_plan(tmp_path / "shop.toml")
        run = benchlab.run(plan.replace(request_count=10, duration_s=30, warmup_s=0, trace_ratio=1))
        server.stop()
    assert (run.summary.count, run.summary.error_count) == (10, 0)
    assert Counter(span["name"] for span in spans(tmp_path / "otlp")) == {
        "GET /search": 10,
        "query stock": 10,
        "render": 10,
    }
