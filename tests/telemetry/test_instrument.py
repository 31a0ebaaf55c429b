"""What `benchlab.instrument` records, in services and programs of their own processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import benchlab
from benchlab.errors import InputError
from tests.target.server import environment, metrics, serving, spans

TRACE = "4bf92f3577b34da6a3ce929d0e0e4701"
SERVER = 2

STARLETTE = """
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import benchlab


@asynccontextmanager
async def lifespan(app):
    yield {"greeting": "hello"}
    Path("ended").touch()


app = Starlette(
    routes=[Route("/x/{n}", lambda request: PlainTextResponse(request.state.greeting))],
    lifespan=lifespan,
)
benchlab.instrument(app, "otlp", service_name="star")
benchlab.instrument(app, "otlp")  # as a module that is imported twice would
"""

PROGRAM = """
import benchlab
from benchlab.errors import InputError
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

before = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(before))
trace.set_tracer_provider(provider)
try:
    benchlab.instrument(otlp_dir="/dev/null/x")
except InputError as error:
    assert error.field == "otlp_dir", error.field
benchlab.instrument(otlp_dir="otlp")
try:
    benchlab.instrument(otlp_dir="elsewhere")
except InputError as error:
    assert error.value == "elsewhere", error.value
else:
    raise AssertionError("two directories")
assert trace.get_tracer_provider() is provider
with trace.get_tracer("mine").start_as_current_span("step"):
    metrics.get_meter("mine").create_counter("steps").add(3)
assert [span.name for span in before.get_finished_spans()] == ["step"]
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two requests of a Starlette application, then SIGTERM."""
    place = tmp_path_factory.mktemp("service")
    (place / "service.py").write_text(STARLETTE)
    with serving(place, app="service:app") as server:
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert httpx.get(f"{server.url}/x/1", headers=headers).text == "hello"
        assert httpx.get(f"{server.url}/nowhere").status_code == 404
        server.stop()
    return place


def test_each_request_is_one_server_span_of_the_named_service(recorded: Path) -> None:
    found = spans(recorded / "otlp")
    assert [(span["kind"], span["name"]) for span in found] == [
        (SERVER, "GET /x/{n}"),
        (SERVER, "GET"),
    ]
    assert found[0]["traceId"] == TRACE
    assert found[0]["attributes"]["http.response.status_code"] == 200
    assert {span["resource"]["service.name"] for span in found} == {"star"}


def test_each_request_counts_in_the_duration_histogram(recorded: Path) -> None:
    exports = [m for m in metrics(recorded / "otlp") if m["name"] == "http.server.request.duration"]
    points = [point for m in exports for point in m["exponentialHistogram"]["dataPoints"]]
    assert sum(int(point["count"]) for point in points) == 2
    assert {m["unit"] for m in exports} == {"s"}


def test_the_lifespan_of_the_application_stays(recorded: Path) -> None:
    assert (recorded / "ended").exists()


def test_a_program_that_has_opentelemetry_keeps_its_own(tmp_path: Path) -> None:
    """Its spans go where they went before, and into the files."""
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment(), check=True)
    assert [span["name"] for span in spans(tmp_path / "otlp")] == ["step"]
    (steps,) = [metric for metric in metrics(tmp_path / "otlp") if metric["name"] == "steps"]
    assert int(steps["sum"]["dataPoints"][0]["asInt"]) == 3
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("app", ["otlp", object()])
def test_an_application_of_another_framework_is_refused(app: Any) -> None:
    with pytest.raises(InputError, match=r"app: must be a FastAPI or Starlette application.*otlp"):
        benchlab.instrument(app)
