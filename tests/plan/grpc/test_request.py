"""gRPC calls as requests of a plan."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import benchlab as bl
from benchlab.errors import DamagedError, InputError
from benchlab.load.drivers.rendering import Renderer
from benchlab.plan.checks import EventCount
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.toml import plan_to_toml
from benchlab.report.command import command_line
from tests.plan.grpc.conftest import PROTOS

TARGET = "grpc://127.0.0.1:50051"
PROTO = str(PROTOS / "shop/orders.proto")
RUN_ID = "0123456789abcdef"


def call(orders: Descriptors, message: Any = None, **changes: Any) -> GrpcRequest:
    """A call that is described."""
    made = GrpcRequest("shop.Orders/Place", message or {}, **{"target": TARGET, **changes})
    return made.described_by(orders)


def sent(request: GrpcRequest, seq: int = 0) -> Any:
    """The message of request number ``seq``, as protobuf reads it."""
    rendered = Renderer(Plan(request), 0, RUN_ID).render(seq)
    return request.called.takes.FromString(rendered.body)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("shop.Orders/Place", TARGET),
        ("/shop.Orders/Place", f"{TARGET}/"),
        ("shop.Orders.Place", TARGET),
        (f"{TARGET}/shop.Orders/Place", ""),
        (f"{TARGET}/shop.Orders.Place", ""),
    ],
)
def test_method_and_service_are_given_in_one_or_two(url: str, target: str) -> None:
    request = GrpcRequest(url, target=target)
    assert request.url == f"{TARGET}/shop.Orders/Place"
    assert request.name == request.call == "shop.Orders/Place"
    assert not request.is_named
    assert (request.origin.port, request.origin.uses_tls) == (50051, False)
    assert request.method == "POST"
    assert request.describe() == request.url


def test_grpcs_is_tls() -> None:
    origin = GrpcRequest("grpcs://localhost/a.B/C").origin
    assert (origin.port, origin.uses_tls) == (443, True)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "http://h/shop.Orders/Place"}, "url"),
        ({"url": "127.0.0.1:50051/shop.Orders/Place"}, "url"),
        ({"url": TARGET}, "url"),
        ({"url": f"{TARGET}/Place"}, "url"),
        ({"url": f"{TARGET}/a/b.C/D"}, "url"),
        ({"url": f"{TARGET}/a.B/{{{{method}}}}"}, "url"),
        ({"url": f"{TARGET}/a.B/C?x=1"}, "url"),
        ({"url": f"{TARGET}/a.B/C", "target": TARGET}, "target"),
        ({"url": "a.B/C", "target": "grpc://h:x"}, "url"),
        ({"url": 5}, "url"),
        ({"url": "a.B/C", "message": "{"}, "message"),
        ({"url": "a.B/C", "message": [1]}, "message"),
        ({"url": "a.B/C", "metadata": {"te": "x"}}, "metadata"),
        ({"url": "a.B/C", "weight": 0}, "weight"),
        ({"url": "a.B/C", "weight": "x"}, "weight"),
        ({"url": "a.B/C", "deadline_s": 0}, "deadline_s"),
        ({"url": "a.B/C", "compression": "br"}, "compression"),
        ({"url": "a.B/C", "checks": bl.StatusIn(200)}, "checks"),
        ({"url": "a.B/C", "data": bl.Feed([{"a": 1}])}, "data"),
        ({"url": "a.B/C", "proto": "a.proto", "protoset": "b"}, "protoset"),
        ({"url": "a.B/C", "import_paths": ["."]}, "import_paths"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        GrpcRequest(**values)
    assert caught.value.field == field


def test_a_check_of_grpc_is_refused_for_http() -> None:
    with pytest.raises(InputError, match="use StatusIn for HTTP"):
        bl.Request("GET", "http://h/", checks=bl.GrpcStatusIn("OK"))


def test_files_describe_a_call_as_soon_as_it_is_made(orders: Descriptors, tmp_path: Path) -> None:
    request = GrpcRequest("shop.Orders/Place", {"id": 1}, proto=PROTO, import_paths=str(PROTOS))
    assert request.descriptors == orders.of_service("shop.Orders")
    (tmp_path / "set").write_bytes(orders.data)
    same = GrpcRequest("shop.Orders/Place", {"id": 1}, protoset=str(tmp_path / "set"))
    assert same == request  # where the descriptors are from is no part of what is sent
    with pytest.raises(InputError, match='has no field named "idd"'):
        GrpcRequest("shop.Orders/Place", {"idd": 1}, protoset=str(tmp_path / "set"))


def test_a_call_without_descriptors_says_what_to_do() -> None:
    with pytest.raises(InputError, match="give proto or protoset"):
        GrpcRequest("a.B/C").body_encoder()


@pytest.mark.parametrize("method", ["Upload", "Talk"])
def test_a_method_that_takes_a_stream_is_refused_with_the_remedy(
    orders: Descriptors, method: str
) -> None:
    with pytest.raises(InputError, match=r"takes a stream of messages.*scenario"):
        GrpcRequest(f"shop.Orders/{method}", target=TARGET).described_by(orders)


def test_a_message_that_never_changes_is_serialized_once(orders: Descriptors) -> None:
    request = call(orders, {"id": 7})
    renderer = Renderer(Plan(request), 0, RUN_ID)
    assert not renderer.is_dynamic
    assert renderer.render(1).body is renderer.render(2).body == b"\x08\x07"
    assert renderer.render(1).path == b"/shop.Orders/Place"


def test_a_call_has_the_headers_of_grpc(orders: Descriptors) -> None:
    request = call(orders, metadata={"Tenant": "a"}, compression="gzip")
    rendered = Renderer(Plan(request), 0, RUN_ID).render(0)
    assert dict(rendered.headers) == {
        b"tenant": b"a",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
        b"grpc-encoding": b"gzip",
        b"grpc-accept-encoding": b"identity,gzip",
        b"user-agent": b"benchlab",
    }


def test_fields_are_filled_from_the_request_and_from_rows(orders: Descriptors) -> None:
    rows = [
        {"values": [1, 2.5], "id": 9, "paid": True, "line": {"article": "tea"}},
        {"values": [], "id": "10", "paid": False, "line": {}},
    ]
    message = {
        "id": "{{id}}",
        "serial": "{{seq}}",
        "paid": "{{paid}}",
        "values": "{{values}}",
        "address": "{{uuid}} of {{id}}",
        "lines": ["{{line}}"],
    }
    request = call(orders, message, metadata={"row": "{{id}}"}, data=bl.Feed(rows))
    first, second = sent(request, 0), sent(request, 1)
    assert (first.id, first.serial, first.paid, list(first.values)) == (9, 0, True, [1, 2.5])
    assert first.address.startswith("01234567-89ab-8")
    assert first.address.endswith(" of 9")
    assert first.lines[0].article == "tea"
    assert (second.id, second.serial, second.paid, list(second.values)) == (10, 1, False, [])


def test_a_row_that_does_not_fit_is_named(orders: Descriptors) -> None:
    rows = bl.Feed([{"id": 1}, {"id": "x"}], name="ids.csv")
    with pytest.raises(InputError, match=r"row 2 of ids\.csv: .*id"):
        call(orders, {"id": "{{id}}"}, data=rows)
    unchecked = GrpcRequest("shop.Orders/Place", {"id": "{{id}}"}, data=rows, target=TARGET)
    described = evolve(unchecked, descriptors=orders)
    with pytest.raises(InputError, match=r"row 2 of ids\.csv: "):
        Renderer(Plan(described), 0, RUN_ID)


def test_a_response_is_read_as_json_for_checks(orders: Descriptors) -> None:
    unary = call(orders)
    assert json.loads(unary.response_decoder()([b"\x08\x07"]))["id"] == "7"
    stream = GrpcRequest("shop.Orders/Watch", target=TARGET).described_by(orders)
    read = json.loads(stream.response_decoder()([b"\x08\x07", b""]))
    assert [item["id"] for item in read] == ["7", "0"]


def test_a_plan_takes_the_driver_of_its_urls(orders: Descriptors) -> None:
    assert Plan(call(orders)).driver == "grpc"
    assert Plan(bl.Request("GET", "http://h/")).driver == "http"
    assert Plan(call(orders)).replace(requests=bl.Request("GET", "http://h/")).driver == "http"
    with pytest.raises(InputError, match=r"driver='httpx' cannot send requests to grpc://: leave"):
        Plan(call(orders), driver="httpx")
    with pytest.raises(InputError, match=r"cannot send requests to http://: .* http or http2 or"):
        Plan(bl.Request("GET", "http://h/"), driver="grpc")
    with pytest.raises(InputError, match="need a plan each") as caught:
        Plan([call(orders), bl.Request("GET", "http://h/")])
    assert caught.value.field == "requests"


def test_a_plan_sends_a_method_to_each_of_its_targets() -> None:
    calls = [GrpcRequest("a.B/C", weight=2), GrpcRequest("a.B/D")]
    plan = Plan(calls, targets={"old": "grpc://h:1", "new": "grpcs://h:2/"})
    assert [(item.name, item.url, item.weight) for item in plan.requests] == [
        ("a.B/C @ old", "grpc://h:1/a.B/C", 1),
        ("a.B/C @ new", "grpcs://h:2/a.B/C", 1),
        ("a.B/D @ old", "grpc://h:1/a.B/D", 0.5),
        ("a.B/D @ new", "grpcs://h:2/a.B/D", 0.5),
    ]
    assert all(isinstance(item, GrpcRequest) for item in plan.requests)
    with pytest.raises(InputError, match=r"such as grpc://127\.0\.0\.1:50051/a\.B/C"):
        Plan(calls)
    with pytest.raises(InputError, match="grpc:// or grpcs:// is needed"):
        Plan(calls, targets=["http://h:1"])


def test_a_plan_survives_json_with_its_descriptors(orders: Descriptors) -> None:
    request = call(
        orders,
        {"id": "{{id}}"},
        metadata={"tenant": "a", "seal-bin": b"\x00"},
        checks=[bl.GrpcStatusIn("NOT_FOUND", "OK"), bl.JsonEquals("id", "7"), bl.MaxBody(100)],
        data=bl.Feed([{"id": 7}]),
        deadline_s=0.5,
        compression="gzip",
        weight=2,
    )
    plan = Plan(request, bl.ConstantRate(10))
    read = Plan.from_json(plan.to_json())
    assert read == plan
    (same,) = read.requests
    assert isinstance(same, GrpcRequest)
    assert same.descriptors == request.descriptors
    assert sent(same) == sent(request)


def test_a_stored_plan_hides_metadata_and_can_be_run_again(orders: Descriptors) -> None:
    request = call(orders, {"id": 7}, metadata={"authorization": "s", "token-bin": b"s", "a": "b"})
    plan = Plan.from_dict(redacted_plan(Plan(request).to_dict()))
    (stored,) = plan.requests
    assert isinstance(stored, GrpcRequest)
    assert dict(stored.headers) == {"authorization": "***", "token-bin": "***", "a": "b"}
    assert sent(stored).id == 7
    assert "'s'" not in repr(request)


@pytest.mark.parametrize(
    "changes",
    [
        {"descriptors": "!"},
        {"descriptors": 5},
        {"deadline_s": -1},
        {"compression": "zip"},
        {"import_paths": [1]},
        {"streaming": [1]},
    ],
)
def test_a_damaged_call_is_refused(orders: Descriptors, changes: dict[str, Any]) -> None:
    data = Plan(call(orders)).to_dict()
    data["requests"][0]["grpc"] |= changes
    with pytest.raises(DamagedError, match=r"requests\[0\]"):
        Plan.from_dict(data)


def test_credentials_in_the_url_become_metadata() -> None:
    request = GrpcRequest("grpc://me:pw@h:1/a.B/C")
    assert request.url == "grpc://h:1/a.B/C"
    assert dict(request.headers) == {"authorization": "Basic bWU6cHc="}


def test_options_of_a_notebook_make_a_call() -> None:
    plan = Plan.from_options(
        f"{TARGET}/shop.Stock/Count",
        method="POST",
        body='{"text": "x"}',
        headers={"Tenant": "a"},
        proto=PROTO,
        import_paths=[str(PROTOS)],
    )
    (request,) = plan.requests
    assert isinstance(request, GrpcRequest)
    assert (request.body, request.headers) == (b'{"text": "x"}', (("tenant", "a"),))
    assert request.descriptors is not None


@pytest.mark.parametrize("given", [{"checks": EventCount(2)}, {"stream": bl.Stream(max_s=1)}])
def test_what_is_for_streams_needs_a_method_that_responds_with_one(
    orders: Descriptors, given: dict[str, Any]
) -> None:
    GrpcRequest("shop.Orders/Watch", target=TARGET, **given).described_by(orders)
    undescribed = GrpcRequest("shop.Orders/Place", target=TARGET, **given)
    with pytest.raises(InputError, match="responds with one message"):
        undescribed.described_by(orders)


def test_stored_calls_are_read_without_protobuf(
    orders: Descriptors, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = GrpcRequest("shop.Orders/Watch", target=TARGET).described_by(orders)
    one = call(orders, {"id": 7}, checks=bl.JsonEquals("id", "7"))
    text, streams = Plan([one, watch]).to_json(), Plan(watch).to_json()
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    monkeypatch.setitem(sys.modules, "google.protobuf.descriptor_pb2", None)
    plan = Plan.from_json(text)
    assert plan.to_json() == text
    assert [request.is_stream for request in plan.requests] == [False, True]
    assert command_line(Plan.from_json(streams)) is not None
    assert plan_to_toml(plan)
