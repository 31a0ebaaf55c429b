"""Recordings: from tables, parts of them, and the plans that send them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from benchlab import Recording, Replay, StatusIn
from benchlab.errors import InputError
from benchlab.plan.recording.planning import MOST_ENDPOINTS
from benchlab.plan.recording.routes import OTHER_PATHS, route_of
from tests.plan.recording.recordings import BASE, recording, rows


def test_a_table_may_be_in_any_order_and_of_any_columns() -> None:
    found = Recording.from_table(
        offset_s=np.array([5.5, 5.0, 6.0]),
        method=["get", "POST", "GET"],
        path=["/b?key=1", "http://shop.test/a", "/c"],
        host=["one", None, "Two"],
        status=[200, None, 404],
        duration_ms=[1.5, None, float("nan")],
        session=[float("nan"), 7, 7],
        body=["text", b"", None],
        started_at=datetime(2026, 3, 14, 8, tzinfo=UTC),
        source="somewhere",
        skipped={"not_http": 2},
        notes=["as it was"],
    )
    assert rows(found) == [(0.0, "POST", "/a"), (0.5, "GET", "/b?key=***"), (1.0, "GET", "/c")]
    frame = found.to_pandas()
    assert frame.host.tolist() == ["shop.test", "one", "two"]
    assert frame.status.tolist() == [0, 200, 404]
    assert frame.session.tolist() == [0, -1, 0]
    assert frame.body_bytes.tolist() == [0, 4, 0]
    assert found.started_at == datetime(2026, 3, 14, 8, tzinfo=UTC)
    assert found.notes == ("secrets were masked in 1 request", "as it was")
    assert (found.counts.read, found.counts.kept) == (5, 3)
    assert found.describe() == (
        "3 requests in 1 session over 1 s of somewhere; not taken: 2 no HTTP request (empty, or TLS"
        " sent to a plain port)"
    )
    empty = Recording.from_table(offset_s=[], method=[], path=[])
    assert (len(empty), empty.length_s, empty.session_count) == (0, 0.0, 0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": ["/"]}, "path: has 1 rows, and offset_s 2"),
        ({"offset_s": [0, "x"]}, "offset_s, row 2='x' is not a time in seconds"),
        ({"offset_s": [0, float("inf")]}, "row 2=inf is not a time"),
        ({"offset_s": [0, 1e9]}, "is not a time in seconds"),
        ({"method": ["GET", 7]}, "method, row 2=7 is not text"),
        ({"path": "ab"}, "path: is not a column"),
    ],
)
def test_tables_that_cannot_be_used(columns: dict[str, Any], message: str) -> None:
    given = {"offset_s": [0, 1], "method": ["GET"] * 2, "path": ["/"] * 2, **columns}
    with pytest.raises(InputError, match=message):
        Recording.from_table(**given)


def test_a_part_of_a_recording_begins_with_its_first_request() -> None:
    found = Recording.from_table(
        offset_s=[0, 60, 90, 120, 86_400 + 60], method=["GET"] * 5, path=list("/" * 5),
        started_at=datetime(2026, 3, 14, 8, tzinfo=UTC),
    )  # fmt: skip
    part = found.window("2026-03-14T08:01/2026-03-14T08:02")
    assert rows(part) == [(0.0, "GET", "/"), (30.0, "GET", "/")]
    assert part.started_at == datetime(2026, 3, 14, 8, 1, tzinfo=UTC)
    assert (part.counts.kept, part.counts.skipped) == (2, {"outside_window": 3})
    assert rows(part.window("08:01:20", "08:02")) == [(0.0, "GET", "/")]
    assert len(found.window("07:00-08:00")) == 0
    with pytest.raises(InputError, match=r"is on 2 days of the recording"):
        found.window("08:00-09:00")
    with pytest.raises(InputError, match=r"nothing of 0 requests .* is left to send"):
        found.window("07:00-08:00").plan(BASE)


def test_a_plan_has_an_endpoint_per_route_the_most_frequent_first() -> None:
    found = Recording.from_table(
        offset_s=range(6),
        method=["GET", "GET", "HEAD", "GET", "GET", "GET"],
        path=["/", "/items/1", "/items/1", "/items/22?x=1", "/items/333", "/app.3f9ac2d1.js"],
    )
    plan = found.plan(f"{BASE}:81/base/", speed=4, checks=StatusIn(200), slo="p99<1s", name="n")
    assert plan.endpoint_names == [
        "GET /items/{id}",
        "GET /",
        "HEAD /items/{id}",
        "GET /app.{id}.js",
    ]
    assert [request.weight for request in plan.requests] == [3, 1, 1, 1]
    assert plan.requests[0].checks == (StatusIn(200),)
    assert plan.load == Replay([0, 0.25, 0.5, 0.75, 1, 1.25])
    assert plan.content_of(3).target == b"/base/items/22?x=1"
    assert (plan.name, len(plan.slo)) == ("n", 1)


def test_rare_endpoints_are_one_together() -> None:
    count = MOST_ENDPOINTS + 50
    found = Recording.from_table(
        offset_s=range(count + 1),
        method=["GET"] * count + ["PUT"],
        path=[*(f"/page-{number}" for number in range(count)), "/page-1"],
    )
    plan = found.plan(BASE, bodies="")
    assert len(plan.requests) == MOST_ENDPOINTS + 2  # those of GET and of PUT besides
    assert plan.requests[0].name == f"GET {OTHER_PATHS}"
    assert plan.recorded is not None
    assert plan.recorded.notes[-1] == (
        "51 endpoints with at most 1 request each are shown together, as (other paths)"
    )
    assert {plan.content_of(seq).target for seq in range(count)} == {
        f"/page-{number}".encode() for number in range(count)
    }


def test_the_rule_for_bodies_that_were_not_recorded() -> None:
    found = Recording.from_table(
        offset_s=range(4),
        method=["GET", "POST", "POST", "PUT"],
        path=["/", "/cart/1", "/login", "/cart/1"],
    )
    skipping = found.plan(BASE)
    assert skipping.endpoint_names == ["GET /"]
    assert skipping.recorded is not None
    assert skipping.recorded.skipped == {"body_not_recorded": 3}
    late = found.window("00:00:01-00:00:05")
    assert late.plan(BASE, bodies={"PUT /cart/{id}": "x"}).load == Replay([0.0])
    for_all = found.plan(BASE, bodies=b"\xff")
    assert [request.body for request in for_all.requests] == [b"", b"\xff", b"\xff", b"\xff"]
    assert for_all.recorded is not None
    assert for_all.recorded.notes == ("3 requests got a body by the rule for bodies",)
    some = found.plan(BASE, bodies={"POST /cart/{id}": '{"n": {{seq}}}', "GET /": "unused"})
    assert some.endpoint_names == ["GET /", "POST /cart/{id}"]
    assert some.requests[1].body == b'{"n": {{seq}}}'
    assert some.requests[1].headers == (("Content-Type", "application/json"),)
    assert some.recorded is not None
    assert some.recorded.skipped == {"body_not_recorded": 2}
    assert some.recorded.notes == (
        "no request needed the body for GET /",
        "1 request got a body by the rule for bodies",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "ftp://host"}, "base_url='ftp://host' has the scheme 'ftp'"),
        ({"base_url": "/path"}, "base_url='/path' is not the base of a service"),
        ({"base_url": "http://host/?a=1"}, "is not the base of a service"),
        ({"base_url": {}}, "base_url: there is none"),
        ({"base_url": {"elsewhere": BASE}}, "nothing of 3 requests .*: 3 to other hosts"),
        ({"speed": 0}, "speed=0 must be a number of times the recorded speed, above 0"),
        ({"speed": "2"}, "speed='2' must be a number"),
        ({"bodies": 7}, "bodies: must be text or bytes, not int"),
        ({"bodies": {"POST /": None}}, "bodies: must be text or bytes, not NoneType"),
        ({"load": Replay([0])}, "load: follows from the recording: leave it out"),
        ({"headers": {"a b": "c"}}, "the name of a header"),
    ],
)
def test_plans_that_cannot_be_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        recording(3).plan(**{"base_url": BASE, **options})


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/items/42?page=2", "/items/{id}"),
        ("/v1.2/page-2/v3", "/v1.2/page-2/v3"),
        ("/u/0193f0a1-b2c3-4d5e-8f90-123456789abc/x", "/u/{id}/x"),
        ("/app.3f9ac2d1.js", "/app.{id}.js"),
        ("/deadbeef/facade", "/deadbeef/facade"),
        ("/o/5f1e9c0b7a3d2e4f6a8b9c0d", "/o/{id}"),
        ("/t/AbCdEf0123456789xyz", "/t/{id}"),
        ("/a;sid=1/2", "/a;sid=***/{id}"),
        ("/" + "x" * 300, "/" + "x" * 198 + "…"),
    ],
)
def test_routes_have_marks_for_identifiers(path: str, route: str) -> None:
    assert route_of(path) == route


def test_a_recording_of_many_paths_is_written_in_a_line() -> None:
    assert repr(recording(500)).startswith("Recording(requests=<500 requests>, source='a table',")
    assert len(repr(recording(500))) < 400
