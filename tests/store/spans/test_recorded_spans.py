"""Recordings from server spans: which spans, which times, which sessions, and clear errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.plan.recording import Recording
from benchlab.store import Store
from benchlab.store.spans import recorded_spans
from benchlab.units import NS_PER_MS, NS_PER_S

DAY = datetime(2026, 3, 14, tzinfo=UTC)
TEN_NS = int(DAY.replace(hour=10).timestamp()) * NS_PER_S
COLUMNS = [
    "Timestamp",
    "TraceId",
    "SpanId",
    "SpanKind",
    "ServiceName",
    "SpanAttributes",
    "Duration",
]


def http(method: str, path: str, query: str = "", **others: str) -> dict[str, str]:
    """Attributes of a server span, by the stable conventions; ``_`` in names is a full stop."""
    found = {"http.request.method": method, "url.path": path, "http.response.status_code": "200"}
    found |= {"url.query": query} if query else {}
    return found | {name.replace("_", "."): value for name, value in others.items()}


def add(
    store: Store,
    spans: Sequence[tuple[int, Mapping[str, str]]],
    service: str = "checkout",
    kind: str = "Server",
    duration_ns: int = 4 * NS_PER_MS,
    first_id: int = 1,
) -> None:
    """Insert spans, each a time after 10:00 in ns and its attributes."""
    rows: list[list[Any]] = [
        [TEN_NS + at_ns, f"{number:032x}", f"{number:016x}", kind, service, attributes, duration_ns]
        for number, (at_ns, attributes) in enumerate(spans, first_id)
    ]
    with store.connect() as client:
        client.insert("otel_traces", rows, column_names=COLUMNS)


def paths(recording: Recording) -> list[str]:
    return [*recording.requests.path.to_array()]


def test_the_requests_of_a_service(store: Store) -> None:
    add(
        store,
        [
            (1_500_000_123, http("POST", "/cart", session_id="a")),
            (0, http("GET", "/items/1", "page=2", enduser_id="b")),
            (250_000_007, http("GET", "/items/2", session_id="a", enduser_id="b")),
        ],
    )
    add(store, [(5, http("GET", "/other"))], service="search", first_id=50)
    add(store, [(6, http("GET", "/client"))], kind="Client", first_id=60)
    found = store.recording("checkout")
    assert paths(found) == ["/items/1?page=2", "/items/2", "/cart"]
    assert found.requests.method.to_array().tolist() == ["GET", "GET", "POST"]
    np.testing.assert_array_equal(
        np.rint(found.requests.offset_s * NS_PER_S), [0, 250_000_007, 1_500_000_123]
    )
    assert found.requests.status.tolist() == [200] * 3
    assert found.requests.duration_ms.tolist() == [4.0] * 3
    assert found.requests.session.tolist() == [0, 1, 1]
    assert found.started_at == DAY.replace(hour=10)
    assert (found.counts.read, found.counts.kept) == (3, 3)
    assert "checkout" in found.describe()
    plan = found.plan("http://127.0.0.1:1", bodies="{}")
    assert plan.intended_count() == 3


def test_earlier_names_of_the_attributes(store: Store) -> None:
    add(
        store,
        [
            (0, {"http.method": "GET", "http.target": "/a?b=1", "http.status_code": "404"}),
            (1, {"http.method": "GET", "http.url": "http://shop.test/c/d?e=2"}),
            (2, {"http.request.method": "_OTHER", "http.request.method_original": "PURGE",
                 "url.path": "/f"}),
            (3, {"http.method": "GET", "url.full": "https://shop.test/g"}),
        ],
    )  # fmt: skip
    found = store.recording()
    assert paths(found) == ["/a?b=1", "/c/d?e=2", "/f", "/g"]
    assert found.requests.method.to_array().tolist() == ["GET", "GET", "PURGE", "GET"]
    assert found.requests.status.tolist() == [404, 0, 0, 0]


def test_spans_that_are_no_http_requests_are_counted(store: Store) -> None:
    add(
        store,
        [
            (0, http("GET", "/a")),
            (1, {"rpc.system": "grpc", "rpc.method": "Add"}),
            (2, {"http.request.method": "GET"}),
        ],
    )
    found = store.recording("checkout")
    assert (found.counts.read, found.counts.kept) == (3, 1)
    assert dict(found.counts.skipped) == {"not_http": 2}


def test_a_span_that_is_stored_twice_is_one_request(store: Store) -> None:
    for _ in range(2):
        add(store, [(0, http("GET", "/a")), (1, {"rpc.system": "grpc"})])
    found = store.recording("checkout")
    assert (found.counts.read, found.counts.kept) == (2, 1)


def test_a_duration_that_is_not_known(store: Store) -> None:
    add(store, [(0, http("GET", "/a"))], duration_ns=2**64 - 1)
    assert np.isnan(store.recording().requests.duration_ms).all()


def test_secrets_are_masked(store: Store) -> None:
    add(store, [(0, http("GET", "/a", "token=s3cret&page=2"))])
    found = store.recording()
    assert "s3cret" not in repr(paths(found))
    assert found.counts.masked == 1


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("10:00-10:05", ["/0", "/4"]),
        ("2026-03-14T10:04/2026-03-14T10:06", ["/4", "/5"]),
        (("10:05", "10:06"), ["/5"]),
        ((DAY.replace(hour=9), DAY.replace(hour=10, second=1)), ["/0"]),
        ("23:00-10:01", ["/0"]),
    ],
)
def test_windows(store: Store, window: Any, expected: list[str]) -> None:
    minutes = (0, 4, 5)
    add(store, [(minute * 60 * NS_PER_S, http("GET", f"/{minute}")) for minute in minutes])
    found = store.recording("checkout", window)
    assert paths(found) == expected
    assert found.requests.offset_s[0] == 0


def test_a_window_of_a_day_on_several_days_needs_a_date(store: Store) -> None:
    day_ns = 86_400 * NS_PER_S
    add(store, [(0, http("GET", "/a")), (day_ns, http("GET", "/b"))])
    with pytest.raises(InputError) as caught:
        store.recording("checkout", "10:00-10:05")
    assert caught.value.field == "window"
    assert paths(store.recording("checkout", "2026-03-15T10:00/2026-03-15T10:05")) == ["/b"]


def test_without_any_server_spans(store: Store) -> None:
    with pytest.raises(InputError, match="no server spans"):
        store.recording("checkout")


def test_an_unknown_service_lists_those_there_are(store: Store) -> None:
    add(store, [(0, http("GET", "/a")), (60 * NS_PER_S, http("GET", "/a"))])
    add(store, [(0, http("GET", "/a"))], service="search", first_id=50)
    with pytest.raises(InputError) as caught:
        store.recording("chekout")
    assert (caught.value.field, caught.value.value) == ("service", "chekout")
    assert "checkout (2 requests, 2026-03-14 10:00:00 to 2026-03-14 10:01:00 UTC)" in str(
        caught.value
    )
    assert "search (1 request, " in str(caught.value)
    with pytest.raises(InputError, match="several services"):
        store.recording()


def test_a_window_without_requests_says_when_there_are_some(store: Store) -> None:
    add(store, [(0, http("GET", "/a"))])
    with pytest.raises(InputError) as caught:
        store.recording("checkout", "11:00-11:05")
    assert (caught.value.field, caught.value.value) == ("window", "11:00-11:05")
    assert "2026-03-14 10:00:00" in str(caught.value)


def test_a_service_without_http(store: Store) -> None:
    add(store, [(0, {"rpc.system": "grpc"})])
    with pytest.raises(InputError, match="none of its 1 server span is an HTTP request"):
        store.recording("checkout")


def test_more_requests_than_a_plan_takes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_spans, "MAX_ARRIVALS", 2)
    add(store, [(number, http("GET", "/a")) for number in range(3)])
    with pytest.raises(InputError, match="more than 2 requests") as caught:
        store.recording("checkout")
    assert caught.value.field == "window"


def test_a_name_is_never_part_of_the_sql(store: Store) -> None:
    name = "o'brien\\' OR 1=1 --"
    add(store, [(0, http("GET", "/a"))], service=name)
    add(store, [(0, http("GET", "/b"))], service="other", first_id=9)
    assert paths(store.recording(name)) == ["/a"]
