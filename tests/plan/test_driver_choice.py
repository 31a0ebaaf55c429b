"""The driver of a plan, and what it cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.stream import Stream

GET = Request("GET", "http://h/", stream="events")
CALL = GrpcRequest("grpc://h/a.B/C", stream="chunks")


@pytest.mark.parametrize(
    ("request_", "driver", "remedy"),
    [(GET, "http2", "use http or httpx"), (CALL, "grpc", "read it as events")],
)
def test_the_remedy_names_drivers_that_can(request_: Request, driver: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        Plan(request_, driver=driver)
    assert (caught.value.field, caught.value.remedy) == ("driver", remedy)


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"requests": Request("GET", "http://h/")}, "choose the driver http2"),
        ({"scenario": Scenario("http://h/", "visit")}, "leave it out"),
        ({"scenario": Scenario("grpc://h", "visit", client="grpc")}, "leave it out"),
    ],
)
def test_where_a_connection_has_one_stream_there_are_no_more(
    values: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        Plan(**values, streams=2)
    assert (caught.value.field, caught.value.remedy) == ("streams", remedy)


@pytest.mark.parametrize(
    ("deadline_s", "field", "value"),
    [(None, "timeout_s", 10), (20, "timeout_s", 10), (5, "deadline_s", 5)],
)
def test_a_stream_is_read_for_less_than_its_request_may_take(
    deadline_s: float | None, field: str, value: float
) -> None:
    for max_s in (value, 30):
        call = GrpcRequest("grpc://h/a.B/C", stream=Stream(max_s=max_s), deadline_s=deadline_s)
        with pytest.raises(InputError) as caught:
            Plan(call, timeout_s=10)
        assert (caught.value.field, caught.value.value) == (field, value)
    call = GrpcRequest("grpc://h/a.B/C", stream=Stream(max_s=value - 1), deadline_s=deadline_s)
    assert Plan(call, timeout_s=10).requests == (call,)


@pytest.mark.parametrize("stream", ["events", {"kind": "events", "max_events": 5}])
def test_plain_values_make_a_stream(stream: Any) -> None:
    (request,) = Plan.from_options("http://h/", stream=stream).requests
    (call,) = Plan.from_options("grpc://h/a.B/C", stream=stream).requests
    assert request.stream == call.stream == Stream.of(stream)
    assert Plan.from_options("http://h/").requests[0].stream is None
