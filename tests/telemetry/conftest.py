"""A store of its own for every test, and OTLP lines written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchlab.store import Store
from benchlab.telemetry.client import Client
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def own_data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As for all tests, and not among the files that tests here have read."""
    directory = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("BENCHLAB_DATA_DIR", str(directory))
    monkeypatch.delenv("BENCHLAB_DSN", raising=False)
    return directory


@pytest.fixture
def client(closed_store: Store) -> Iterator[Client]:
    """An open client of an empty store."""
    with closed_store.connect() as opened:
        yield opened


@pytest.fixture
def rows() -> Callable[..., list[dict[str, Any]]]:
    """Rows of a query as dicts."""

    def query(client: Client, sql: str) -> list[dict[str, Any]]:
        result: Any = client.query(sql)
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    return query


@pytest.fixture
def span_line() -> Callable[..., bytes]:
    """A line with ``count`` spans, as the Collector's file exporter writes it."""
    return make_span_line


def make_span_line(count: int = 1, first: int = 1, **span: Any) -> bytes:
    spans = [
        {
            "traceId": TRACE_ID,
            "spanId": f"{first + index:016x}",
            "parentSpanId": "",
            "flags": 257,
            "name": "work",
            "kind": 2,
            "startTimeUnixNano": str(1_795_460_064_981_497_375 + first + index),
            "endTimeUnixNano": str(1_795_460_064_981_497_375 + first + index + 1000),
            "status": {},
            **span,
        }
        for index in range(count)
    ]
    line = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "target"}}]
                },
                "scopeSpans": [{"scope": {"name": "hand"}, "spans": spans}],
            }
        ]
    }
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"
