"""Calls to real servers, by grpc.aio and by grpc-go: the same counts on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import grpc
import pytest
import trustme

from benchlab import (
    BodyContains,
    ClosedLoop,
    ConstantRate,
    GrpcRequest,
    GrpcStatusIn,
    JsonEquals,
    Plan,
    Transport,
    run,
)
from benchlab.errors import InputError
from benchlab.plan.checks import EventCount, EventJson
from benchlab.plan.stream import Stream
from benchlab.runs.run import Run
from tests.load.drivers.grpc.go_server import serving_in_go
from tests.load.drivers.grpc.server import PROTO, SERVICE, Seen, serving_calls

CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
GO_NAMES = {"CANCELLED": "Canceled"}


def call(address: str, method: str = "Call", **settings: object) -> GrpcRequest:
    scheme = settings.pop("scheme", "grpc")
    order = settings.pop("order", {"size": 3})
    url = f"{scheme}://{address}/{SERVICE}/{method}"
    return GrpcRequest(url, order, proto=PROTO, **settings)  # type: ignore[arg-type]


class Outcome(NamedTuple):
    result: Run
    ends: Counter[str]


def every_status(address: str) -> Plan:
    orders = [{"status": code.value[0], "message": f"it is {code.name}, 100%"} for code in CODES]
    requests = [
        call(address, order=order, name=code.name)
        for code, order in zip(CODES, orders, strict=True)
    ]
    many = {"size": 20_000, "replies": 9}
    requests += [
        call(address, name="OK"),
        call(address, name="large", order={"size": 300_000}),
        call(address, "Stream", name="stream", order=many),
        call(address, "Stream", name="none", order={}),
        call(address, "Stream", name="late", order={"status": 14, "replies": 2}),
        call(address, name="squeezed", compression="gzip"),
    ]
    return Plan(requests, ClosedLoop(4), request_count=440, streams=2, seed=3, timeout_s=60)


@pytest.fixture(scope="module", params=["python", "go"])
def outcome(request: pytest.FixtureRequest) -> Iterator[Outcome]:
    if request.param == "python":
        seen = Seen()
        with serving_calls(seen) as address:
            result = run(every_status(address))
        yield Outcome(result, seen.ends)
    else:
        with serving_in_go() as server:
            result = run(every_status(server.address))
        names = {f"{name.replace('_', '').lower()}": name for name in ["OK", *map(_name, CODES)]}
        names["canceled"] = "CANCELLED"
        yield Outcome(
            result, Counter({names[end.lower()]: count for end, count in server.ends.items()})
        )


def _name(code: grpc.StatusCode) -> str:
    return str(code.name)


@pytest.mark.parametrize("code", CODES, ids=_name)
def test_every_status_is_an_error_kind_of_its_own(code: grpc.StatusCode, outcome: Outcome) -> None:
    part = outcome.result.by_endpoint()[code.name]
    assert part.errors == {f"grpc:{code.name}": part.count}
    assert part.count > 0
    examples = [item for item in outcome.result.examples if item.endpoint == code.name]
    assert {item.message for item in examples} == {f"it is {code.name}, 100%"}


def test_the_server_counts_the_same_calls(outcome: Outcome) -> None:
    result = outcome.result
    assert result.summary.count == 440
    errors = Counter(
        {name.removeprefix("grpc:"): count for name, count in result.summary.errors.items()}
    )
    errors["OK"] = result.summary.count - errors.total()
    assert errors == outcome.ends
    assert set(result.samples.column("status")) == {200}
    assert len(result.connections.opened) == 2  # of two streams each


def test_messages_are_counted_with_their_prefix(outcome: Outcome) -> None:
    result = outcome.result
    names = [request.name for request in result.plan.requests]

    def bytes_in(name: str) -> set[int]:
        ours = result.samples.column("endpoint") == names.index(name)
        return {int(size) for size in result.samples.column("bytes_in")[ours]}

    assert bytes_in("NOT_FOUND") == bytes_in("none") == {0}
    assert bytes_in("OK") == {5 + 7}
    assert bytes_in("large") == {5 + 300_006}
    assert bytes_in("stream") == {9 * (5 + 20_006)}


def test_messages_of_a_stream_are_its_events(outcome: Outcome) -> None:
    result = outcome.result
    names = [request.name for request in result.plan.requests]
    counts = dict(zip(result.samples.column("seq"), result.samples.column("endpoint"), strict=True))
    assert result.streams is not None
    events = {"stream": set[int](), "none": set[int](), "late": set[int]()}
    for record in result.streams.records:
        events[names[counts[record["seq"]]]].add(int(record["events"]))
    assert events == {"stream": {9}, "none": {0}, "late": {2}}


def test_a_call_has_metadata_a_trace_and_a_deadline() -> None:
    seen = Seen()
    metadata = {"Tenant": "a", "key-bin": b"\0\xff", "user-agent": "mine"}
    with serving_calls(seen) as address:
        requests = [call(address, metadata=metadata, deadline_s=900)]
        result = run(Plan(requests, ConstantRate(100), request_count=20, trace_ratio=1.0))
    assert result.summary.errors == {}
    assert seen.count == 20
    assert {each["tenant"] for each in seen.metadata} == {"a"}
    assert {each["key-bin"] for each in seen.metadata} == {b"\0\xff"}
    assert {each["user-agent"] for each in seen.metadata} == {"mine"}
    assert len({each["traceparent"] for each in seen.metadata}) == 20
    # The plan's own limit is shorter, and so it is the deadline.
    assert all(left is not None and 0 < left <= 60 for left in seen.time_remaining)


def test_a_call_ends_at_its_deadline_and_is_cancelled() -> None:
    seen = Seen()
    with serving_calls(seen) as address:
        requests = [call(address, order={"waits": True}, deadline_s=0.3)]
        result = run(Plan(requests, ClosedLoop(2), request_count=6, timeout_s=60))
    assert result.summary.errors == {"grpc:DEADLINE_EXCEEDED": 6}
    assert seen.ends == {"cancelled": 6}
    assert len(result.connections.opened) == 2  # as gRPC's clients, it keeps its connections


def test_checks_read_a_response_as_JSON() -> None:
    seen = Seen()
    payload = JsonEquals("payload", "eHh4")
    with serving_calls(seen, compression=grpc.Compression.Gzip) as address:
        requests = [
            call(address, name="right", checks=[payload, JsonEquals("number", 1)]),
            call(address, name="wrong", checks=[JsonEquals("number", 2)]),
            call(address, "Stream", name="all", order={"replies": 3, "size": 3000},
                 checks=[JsonEquals("2.number", 3)]),
            call(address, name="expected", order={"status": 5}, checks=[GrpcStatusIn("NOT_FOUND")]),
            call(address, "Stream", name="last", order={"replies": 3}, stream=Stream(),
                 checks=[EventJson("number", 3, of="last")]),
            call(address, "Stream", name="few", order={"replies": 3}, stream=Stream(),
                 checks=[EventCount(4)]),
            call(address, name="missed", checks=[GrpcStatusIn("NOT_FOUND")]),
            call(address, name="failed", order={"status": 5}, checks=[BodyContains("x")]),
        ]  # fmt: skip
        result = run(Plan(requests, ClosedLoop(2), request_count=120, timeout_s=60))
    errors = {name: set(part.errors) for name, part in result.by_endpoint().items()}
    assert errors == {
        "right": set(),
        "wrong": {"check"},
        "all": set(),
        "expected": set(),
        "last": set(),
        "few": {"check"},
        "missed": {"check"},
        "failed": {"grpc:NOT_FOUND"},
    }
    bodies = {item.endpoint: item.body for item in result.examples}
    assert '"payload": "eHh4"' in bodies["wrong"]


def test_a_stream_is_left_at_its_limit() -> None:
    seen = Seen()
    with serving_calls(seen) as address:
        order = {"replies": 4, "size": 1, "waits": True}
        requests = [call(address, "Stream", order=order, stream=Stream(max_events=3))]
        result = run(Plan(requests, ClosedLoop(2), request_count=6, timeout_s=60))
    assert result.summary.errors == {}
    assert result.streams is not None
    assert {int(record["events"]) for record in result.streams.records} <= {3, 4}
    assert seen.count == 6


def test_calls_go_over_tls() -> None:
    seen = Seen()
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    credentials = grpc.ssl_server_credentials(
        [(certificate.private_key_pem.bytes(), b"".join(
            part.bytes() for part in certificate.cert_chain_pems))]
    )  # fmt: skip
    with serving_calls(seen, credentials) as address:
        result = run(
            Plan(
                [call(address, scheme="grpcs")],
                ClosedLoop(2),
                request_count=10,
                timeout_s=60,
                transport=Transport(verify=False),
            )
        )
    assert result.summary.errors == {}
    assert seen.count == 10
    assert (result.connections.opened.phase_ns("tls") > 0).all()


def test_policies_are_refused() -> None:
    with pytest.raises(InputError, match="retries"):
        Plan([call("127.0.0.1:1")], ClosedLoop(1), transport=Transport(retry="2"))
