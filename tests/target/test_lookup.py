"""The lookup that a URL may ask for: its wait, its span, and what it does not take."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from target import lookup
from target.app import create_app
from tests.target.server import ADD, SUB

PAIR = {"a": [1], "b": [2]}


def statuses(*urls: str) -> list[int]:
    """The status of a request to each URL, at an application in this process."""

    async def send() -> list[int]:
        transport = httpx.ASGITransport(app=create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [(await client.post(url, json=PAIR)).status_code for url in urls]

    return asyncio.run(send())


@pytest.mark.parametrize(
    "query",
    ["lookup_ms=-1", "lookup_ms=nan", "lookup_ms=10001", "lookup_ms=soon", "miss_ratio=1.1"],
)
def test_what_cannot_be_waited_for_is_refused(query: str) -> None:
    assert statuses(f"{ADD}?{query}") == [422]


def test_both_routes_take_it() -> None:
    query = "lookup_ms=0.1&miss_ratio=0.5"
    assert statuses(f"{ADD}?{query}", f"{SUB}?{query}", ADD) == [200, 200, 200]


@pytest.mark.parametrize(
    ("miss_ratio", "waits", "hits"), [(1.0, [0.25] * 3, [False] * 3), (0.0, [], [True] * 3)]
)
def test_misses_wait_and_the_span_says_so(
    monkeypatch: pytest.MonkeyPatch, miss_ratio: float, waits: list[float], hits: list[bool]
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("target.lookup.asyncio.sleep", sleep)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")

    async def three() -> None:
        for _ in range(3):
            await lookup.look_up(tracer, 250.0, miss_ratio)

    asyncio.run(three())
    spans: tuple[Any, ...] = exporter.get_finished_spans()
    assert waited == waits
    assert [span.name for span in spans] == ["lookup"] * 3
    assert [span.attributes["cache.hit"] for span in spans] == hits


def test_without_it_there_is_no_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    asyncio.run(lookup.look_up(provider.get_tracer("test"), 0.0, 1.0))
    assert exporter.get_finished_spans() == ()


def test_a_version_that_looks_up_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lookup.LOOKUP_MS, "2.5")
    assert lookup.usual_lookup_ms() == 2.5
    monkeypatch.delenv(lookup.LOOKUP_MS)
    assert lookup.usual_lookup_ms() == 0


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "10001", "soon"])
def test_a_version_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(lookup.LOOKUP_MS, text)
    with pytest.raises(ValueError, match=f"must be 0 to 10,000 ms, not '{text}'"):
        create_app()
