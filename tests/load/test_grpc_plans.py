"""Plans of gRPC calls, carried out: described by a file, by the service, and by a stored run."""

from __future__ import annotations

from pathlib import Path

import grpc
import grpc.aio
import pytest

import benchlab as bl
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.grpc.proto_files import descriptors_of_proto
from benchlab.plan.redacted import redacted_plan
from tests.load.supervisor.test_reflection import Prepare, serving, v1alpha

PROTOS = Path(__file__).parents[1] / "plan/grpc/protos"


@pytest.fixture(scope="module")
def orders() -> Descriptors:
    return descriptors_of_proto(str(PROTOS / "shop/orders.proto"), [str(PROTOS)])


def echo(server: grpc.aio.Server) -> None:
    """Serve ``shop.Orders/Place``, which responds with the order that it got."""

    async def place(order: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if not order:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an empty order")
        return order

    handler = grpc.unary_unary_rpc_method_handler(place)
    methods = {"Place": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", methods),))


def echo_and(prepare: Prepare) -> Prepare:
    def both(server: grpc.aio.Server) -> None:
        echo(server)
        prepare(server)

    return both


def test_a_stored_plan_runs_again_without_file_and_reflection(orders: Descriptors) -> None:
    good = bl.GrpcRequest(
        "shop.Orders/Place",
        {"id": "{{seq}}", "values": "{{values}}", "address": "{{uuid}}"},
        data=bl.Feed([{"values": [1, 2]}]),
        checks=[bl.JsonEquals("values", [1, 2]), bl.BodyContains("-")],
        compression="gzip",
    )
    bad = bl.GrpcRequest("shop.Orders/Place", checks=bl.GrpcStatusIn("INVALID_ARGUMENT"))
    calls = [good, bad, bl.GrpcRequest("shop.Orders/Place", name="failing")]
    load, count = bl.ClosedLoop(2), 30
    with serving(echo_and(v1alpha(orders))) as port:
        plan = bl.Plan(calls, load, request_count=count, targets=[f"grpc://127.0.0.1:{port}"])
        asked = bl.run(plan)
    with serving(echo) as port:  # it does not say what its methods take
        stored = redacted_plan(asked.plan.to_dict())
        stored["requests"][0]["data"]["rows"] = [{"values": [1, 2]}]
        for request in stored["requests"]:
            request["url"] = f"grpc://127.0.0.1:{port}/shop.Orders/Place"
        again = bl.run(bl.Plan.from_dict(stored))
    for run in (asked, again):
        failing = len(run.samples.measured.endpoint("failing"))
        assert run.samples.measured.errors == {"grpc:INVALID_ARGUMENT": failing}
        assert (run.summary.count, failing > 0) == (count, True)
