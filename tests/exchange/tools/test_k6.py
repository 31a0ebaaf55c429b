"""k6's files as scripts and settings of users vary them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from tests.exchange.tools.files import K6_METRICS, imported, k6_request, notes_of

TAGS = {
    "name": "http://shop.test/items",
    "url": "http://shop.test/items",
    "method": "POST",
    "status": "201",
}
ONE_MS = 1_000_000


def text_of(*requests: list[str]) -> str:
    return "".join(line + "\n" for request in requests for line in request)


@pytest.mark.parametrize("name", ["http_requests_ok", "http_req_custom", "http_reqs_total"])
@pytest.mark.parametrize("at", ["with the request", "later"])
def test_metrics_of_the_script_are_not_requests(tmp_path: Path, name: str, at: str) -> None:
    values = {**K6_METRICS, name: 7.0} if at == "with the request" else K6_METRICS
    own = [] if at == "with the request" else k6_request(2, TAGS, {name: 7.0})
    run = imported(tmp_path, text_of(k6_request(1, TAGS, values), own, k6_request(3, TAGS)))
    assert run.samples.service_ns.tolist() == [10.5 * ONE_MS] * 2
    assert list(run.samples.endpoints) == ["POST /items"]


@pytest.mark.parametrize(
    "left", [(), ("url",), ("name",), ("method",), ("status",), ("name", "url")]
)
def test_tags_may_be_left_out(tmp_path: Path, left: tuple[str, ...]) -> None:
    tags = {name: value for name, value in TAGS.items() if name not in left}
    run = imported(tmp_path, text_of(k6_request(1, tags), k6_request(2, tags)))
    assert run.summary.count == 2
    assert run.samples.error_count == 0
    assert run.samples.column("first_byte_ns").tolist() == [8.5 * ONE_MS, 1_008.5 * ONE_MS]
    path = "/" if left == ("name", "url") else "/items"
    assert list(run.samples.endpoints) == [f"{'GET' if 'method' in left else 'POST'} {path}"]
    missing = run.environment["imported"]["not_in_the_file"]
    for tag, what in {"method": "methods", "status": "statuses", "name": "names"}.items():
        assert (what in missing) == (tag in left)
    assert ("addresses" in missing) == (left == ("name", "url"))


def test_without_tags_only_times_are_known(tmp_path: Path) -> None:
    failed = {**K6_METRICS, "http_req_failed": 1}
    run = imported(tmp_path, text_of(k6_request(1, None), k6_request(2, None, failed)))
    assert (run.summary.count, run.samples.error_count) == (2, 1)
    assert run.url == "http://unknown.invalid/"


def test_a_name_is_one_endpoint_however_many_addresses_it_has(tmp_path: Path) -> None:
    requests = [
        k6_request(n, {**TAGS, "name": "item", "url": f"http://shop.test/items/{n}"})
        for n in range(5)
    ]
    run = imported(tmp_path, text_of(*requests))
    assert {name: part.count for name, part in run.by_endpoint().items()} == {"item": 5}
    assert [request.url for request in run.plan.requests] == ["http://shop.test/items/0"]


def test_a_name_in_place_of_the_url_is_no_address(tmp_path: Path) -> None:
    """Newer versions of k6 write both tags alike where a request has a name."""
    run = imported(tmp_path, text_of(k6_request(1, {**TAGS, "name": "item", "url": "item"})))
    assert list(run.samples.endpoints) == ["item"]
    assert "addresses" in run.environment["imported"]["not_in_the_file"]


def test_half_a_character_in_json_can_be_stored(tmp_path: Path, closed_store: Store) -> None:
    failed = {**K6_METRICS, "http_req_failed": 1}
    tags = {**TAGS, "name": "a\ud800b", "error": "c\udfffd", "url": "http://shop.test/\ud800"}
    run = imported(tmp_path, text_of(k6_request(1, tags, failed), k6_request(2, TAGS)))
    closed_store.save(run)
    assert list(closed_store.load(run.id).samples.endpoints) == ["a b", "POST /items"]
    assert run.environment["imported"]["errors"] == {"c d": 1}
    assert "and so unknown: 1 request" in notes_of(run)


def test_the_log_of_k6_between_its_metrics_is_passed_over(tmp_path: Path) -> None:
    log = ['time="2026-01-02T03:04:05Z" level=info msg="hello" source=console']
    run = imported(tmp_path, text_of(log, k6_request(1, TAGS), log, k6_request(2, TAGS)))
    assert run.summary.count == 2
    assert "passed over: 2 lines of k6's log" in notes_of(run)


def test_a_request_that_the_end_of_the_file_cuts_off_is_left_out(tmp_path: Path) -> None:
    lines = [*k6_request(1, TAGS), *k6_request(2, TAGS)[:-2]]
    run = imported(tmp_path, text_of(lines))
    assert run.summary.count == 1
    assert "the last request was left out" in notes_of(run)


def test_metrics_in_another_order_than_that_of_k6_are_refused(tmp_path: Path) -> None:
    pairs = zip(k6_request(1, TAGS), k6_request(2, TAGS), strict=True)
    with pytest.raises(InputError, match=r":1: a request has no http_req_duration, .*as k6 writes"):
        imported(tmp_path, text_of(*map(list, pairs)))


def test_other_protocols_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no requests over HTTP or gRPC, the only ones"):
        imported(tmp_path, text_of(k6_request(1, TAGS, {"ws_connecting": 5.0})))


def call(second: int, status: int) -> list[str]:
    tags = {
        "method": "Add",
        "service": "shop.Cart",
        "name": "/shop.Cart/Add",
        "url": "shop.test:50051/shop.Cart/Add",
        "status": f"{status}",
    }
    return k6_request(second, tags, {"grpc_req_duration": 5.0})


def test_calls_over_grpc_are_requests(tmp_path: Path) -> None:
    run = imported(tmp_path, text_of(call(1, 0), k6_request(2, TAGS), call(2, 14), call(3, 8)))
    assert run.samples.service_ns.tolist() == [5 * ONE_MS, 10.5 * ONE_MS, 5 * ONE_MS, 5 * ONE_MS]
    assert run.samples.errors == {"grpc:RESOURCE_EXHAUSTED": 1, "grpc:UNAVAILABLE": 1}
    assert {name: part.count for name, part in run.by_endpoint().items()} == {
        "shop.Cart/Add": 3,
        "POST /items": 1,
    }
    assert "http://shop.test:50051/shop.Cart/Add" in [each.url for each in run.plan.requests]
    assert "3 calls over gRPC, without HTTP statuses" in notes_of(run)


def test_calls_over_grpc_in_a_csv(tmp_path: Path) -> None:
    head = "metric_name,timestamp,metric_value,name,status,url"
    rows = [f"grpc_req_duration,1767323045,5,/a.B/C,{status},h.test/a.B/C" for status in (0, 4)]
    run = imported(tmp_path, "\n".join([head, *rows, ""]))
    assert run.samples.errors == {"grpc:DEADLINE_EXCEEDED": 1}


def test_a_csv_with_fewer_tags(tmp_path: Path) -> None:
    rows = [f"{metric},1767323045,{value},item" for metric, value in K6_METRICS.items()]
    text = "\n".join(["metric_name,timestamp,metric_value,name", *rows, "my_http_req,1,1,x", ""])
    run = imported(tmp_path, text)
    assert run.samples.service_ns.tolist() == [10.5 * ONE_MS]
    assert list(run.samples.endpoints) == ["item"]
