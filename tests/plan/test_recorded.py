"""What was recorded, inside a plan: its order, its contents, and its way through JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Recording, Request
from benchlab.errors import DamagedError, InputError
from benchlab.load.drivers.headers import traceparent
from benchlab.load.drivers.http2.encoding import make_encoder as make_http2_encoder
from benchlab.load.drivers.rendering import Renderer
from benchlab.load.drivers.wire.encoding import encode, make_encoder, make_try_encoder
from benchlab.load.supervisor.preflight import check_credentials
from benchlab.plan.recorded import Recorded, rolled
from benchlab.plan.redacted import redacted_plan
from tests.plan.recording.recordings import BASE, recording, rows

RUN_ID = "0193f0a1b2c3d4e5"


def sent(plan: Plan, seq: int) -> tuple[str, str, bytes | None]:
    content = plan.content_of(seq)
    request = plan.requests[plan.request_of(seq)]
    return request.method, content.target.decode(), content.body


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_sends_the_recorded_order_at_its_times(workers: int) -> None:
    found = recording(50)
    plan = found.plan(BASE, workers=workers, warmup_s=3)
    recorded = rows(found)
    arrivals: list[tuple[int, int]] = []
    for worker in range(workers):
        for block in plan.arrivals(worker, workers):
            arrivals += zip(block.seq.tolist(), block.intended_ns.tolist(), strict=True)
    measured = sorted((seq, due) for seq, due in arrivals if due >= plan.warmup_ns)
    assert len(measured) == len(recorded)
    assert measured[0][0] == plan.warmup_count > 0
    for (seq, due), (offset_s, method, path) in zip(measured, recorded, strict=True):
        assert due == plan.warmup_ns + round(offset_s * 1e9)
        assert sent(plan, seq)[:2] == (method, path)


def test_before_the_first_request_come_the_last_and_after_the_last_the_first() -> None:
    plan = recording(10).plan(BASE).replace(load=ConstantRate(100), warmup_s=0.03)
    targets = [sent(plan, seq)[1] for seq in range(16)]
    assert plan.warmup_count == 3
    assert targets[3:13] == [f"/items/{number}" for number in range(10)]
    assert targets[:3] == targets[10:13]
    assert targets[13:] == targets[3:6]
    closed = plan.replace(load=ClosedLoop(4))
    assert [sent(closed, seq)[1] for seq in range(10)] == targets[3:13]
    assert rolled([5, 6, 7], 4) == [7, 5, 6]
    assert rolled([5, 6, 7], 3) == [5, 6, 7]


def test_a_plan_with_a_recording_survives_json() -> None:
    plan = Recording.from_table(
        offset_s=[0, 1, 2, 3],
        method=["GET", "POST", "POST", "GET"],
        path=["/", "/a?x=1", "/a", "/caf\u00e9"],
        session=["x", None, "y", "x"],
        body=[None, b"one", b"\xff\0", None],
        content_type=["", "text/plain", "text/plain", ""],
    ).plan(BASE, speed=2, name="again")
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert [again.content_of(seq) for seq in range(4)] == [
        (b"/", None, 0),
        (b"/a?x=1", b"one", -1),
        (b"/a", b"\xff\0", 1),
        (b"/caf%C3%A9", None, 0),
    ]
    assert again.recorded is not None
    assert again.recorded.sessions.tolist() == [0, -1, 1, 0]
    assert again.recorded.speed == 2
    assert again.describe().startswith("4 recorded requests to 3 endpoints at http://host ·")
    assert plan.replace(seed=3).recorded == plan.recorded
    assert "recorded" not in Plan(Request("GET", BASE)).to_dict()


def test_a_stored_plan_has_the_order_and_not_the_contents() -> None:
    plan = Recording.from_table(
        offset_s=[0, 1, 2], method=["GET", "PUT", "GET"], path=["/mine", "/b", "/mine"],
        body=[None, b"my own", None],
    ).plan(BASE)  # fmt: skip
    stored = json.loads(json.dumps(redacted_plan(plan.to_dict())))
    kept = stored["recorded"]
    assert (kept["targets"], kept["bodies"], kept["body_of"]) == ("", [], "")
    assert kept["withheld"]["target_count"] == 2
    assert kept["withheld"]["body_count"] == 1
    assert len(kept["withheld"]["sha256"]) == 64
    read = Plan.from_dict(stored)
    assert read.recorded is not None
    assert read.recorded.is_withheld
    assert np.array_equal(read.recorded.order, plan.recorded.order)  # type: ignore[union-attr]
    assert json.loads(json.dumps(redacted_plan(read.to_dict()))) == stored
    with pytest.raises(InputError, match=r"recorded requests were not stored"):
        check_credentials(read)
    check_credentials(plan)


def test_each_request_is_encoded_with_its_own_target_and_body() -> None:
    plan = Recording.from_table(
        offset_s=[0, 1, 2],
        method=["GET", "POST", "PUT"],
        path=["/a?{{seq}}", "/b", "/c"],
        session=["s", "t", "t"],
        body=[None, b"{{seq}}", None],
    ).plan(BASE, bodies='{"n":{{seq}},"s":{{session}}}', headers={"X-Session": "{{session}}"})
    assert plan.requests[plan.request_of(2)].name == "PUT /c"
    encoded = [make_encoder(plan, plan.request_of(seq), RUN_ID)(seq).decode() for seq in range(3)]
    assert encoded[0].startswith("GET /a?{{seq}} HTTP/1.1\r\n")
    assert "X-Session: 0\r\n" in encoded[0]
    assert encoded[1].startswith("POST /b HTTP/1.1\r\n")
    assert encoded[1].endswith("Content-Length: 7\r\n\r\n{{seq}}")
    assert "X-Session: 1\r\n" in encoded[1]
    assert encoded[2].endswith('\r\n\r\n{"n":2,"s":1}')
    traced = plan.replace(trace_ratio=1)
    assert "traceparent: 00-" in make_encoder(traced, plan.request_of(0), RUN_ID)(0).decode()
    tries = make_try_encoder(traced, plan.request_of(2), RUN_ID)
    assert tries(2, 77).endswith(b'{"n":2,"s":1}')
    _, body = make_http2_encoder(plan, plan.request_of(1), RUN_ID)(1)
    assert body == b"{{seq}}"


@pytest.mark.parametrize("trace_ratio", [0, 0.5, 1])
def test_without_fields_requests_are_encoded_in_a_quick_way(trace_ratio: float) -> None:
    found = Recording.from_table(
        offset_s=[0, 1, 2],
        method=["GET", "POST", "PUT"],
        path=["/a%20?{{seq}}&x=%s", "/b", "/c"],
        body=[None, b"x%y", None],
    )
    plan = found.plan(BASE, bodies="%z", trace_ratio=trace_ratio, headers={"X-A": "%b"})
    for seq in range(3):
        index = plan.request_of(seq)
        trace = traceparent(RUN_ID, seq, trace_ratio)
        expected = encode(
            plan.requests[index],
            Renderer(plan, index, RUN_ID).render(seq),
            f"traceparent: {trace}\r\n".encode() if trace_ratio else b"",
        )
        assert make_encoder(plan, index, RUN_ID)(seq) == expected


def test_a_recording_that_does_not_fit_its_plan_is_refused() -> None:
    plan = recording(4).plan(BASE)
    with pytest.raises(
        InputError, match=r"recorded: has requests to 2 endpoints, and the plan has 1"
    ):
        Recording.from_table(offset_s=[0, 1], method=["GET", "PUT"], path=["/", "/"]).plan(
            BASE, bodies=""
        ).replace(requests=plan.requests)
    with pytest.raises(InputError, match=r"recorded: must be what Recording.plan makes, not list"):
        plan.replace(recorded=[1])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint_of", ""),
        ("endpoint_of", "!"),
        ("endpoint_of", "eJxj"),
        ("target_of", "eJxjYGBgAAAABAAB"),
        ("targets", ""),
        ("bodies", ["?"]),
        ("bodies", 7),
        ("skipped", {"x": -1}),
        ("unknown", 1),
    ],
)
def test_damaged_arrays_are_refused(field: str, value: Any) -> None:
    data = recording(4).plan(BASE).to_dict()
    data["recorded"] = {**data["recorded"], field: value}
    with pytest.raises(DamagedError, match=r"recorded"):
        Plan.from_dict(data)


def test_the_arrays_must_fit() -> None:
    with pytest.raises(InputError, match=r"recorded: its arrays do not fit each other"):
        Recorded(endpoint_of=b"\0\0", target_of=b"\1\0\0\0", targets=("/",))
