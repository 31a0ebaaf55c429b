"""Scenarios of gRPC calls, of all four kinds, on a channel for each user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from benchlab import ClosedLoop, Plan, Transport, run, scenario
from benchlab.errors import InputError
from benchlab.load.drivers.scenario.context import Context
from benchlab.load.drivers.scenario.grpc_users import GrpcUserClient
from benchlab.runs.run import Run
from tests.load.drivers.grpc.server import SERVICE, Seen, serving_calls


async def every_kind(client: GrpcUserClient, ctx: Context) -> None:
    """One step for each way to call, and for each way to fail."""
    import grpc

    from tests.load.drivers.grpc.server import SERVICE, messages

    order, read = messages.Order, messages.Reply
    async with ctx.step("unary") as step:
        reply = await client.unary(f"{SERVICE}/Call", order(size=3), response=read)
        step.check(reply.payload == b"xxx")
    async with ctx.step("server stream") as step:
        replies = client.stream(f"{SERVICE}/Stream", order(replies=4), response=read)
        numbers = [reply.number async for reply in replies]
        step.check(numbers == [1, 2, 3, 4], numbers)
    async with ctx.step("client stream") as step:
        reply = await client.unary(f"{SERVICE}/Collect", [order(), order()], response=read)
        step.check(reply.number == 2)
    async with ctx.step("both") as step:

        async def orders() -> AsyncIterator[Any]:
            for _ in range(3):
                yield order()

        replies = client.stream(f"{SERVICE}/Talk", orders(), response=read)
        step.check([reply.number async for reply in replies] == [1, 2, 3])
    async with ctx.step("talk") as step:
        talk = client.channel.stream_stream(
            f"/{SERVICE}/Talk",
            request_serializer=order.SerializeToString,
            response_deserializer=read.FromString,
        )()
        for number in (1, 2):
            await talk.write(order())
            step.check((await talk.read()).number == number)
        await talk.done_writing()
        step.check(await talk.read() is grpc.aio.EOF)
    async with ctx.step("bytes") as step:
        data = await client.unary(f"{SERVICE}/Call", b"")
        step.check(data == b"\x08\x01", data)
    await client.unary(f"{SERVICE}/Call", order(), metadata=(("traceparent", "mine"),))
    for name, settings in (("refused", {"status": 7, "message": "no"}), ("late", {"waits": True})):
        try:
            async with ctx.step(name):
                timeout = 0.2 if name == "late" else None
                await client.unary(f"{SERVICE}/Call", order(**settings), timeout=timeout)
        except grpc.RpcError:
            pass


class Ran(NamedTuple):
    result: Run
    seen: Seen


@pytest.fixture(scope="module")
def ran() -> Ran:
    seen = Seen()
    with serving_calls(seen) as address:
        result = run(
            Plan(
                scenario=scenario(every_kind, f"grpc://{address}"),
                load=ClosedLoop(2),
                request_count=6,
                trace_ratio=1.0,
                timeout_s=60,
            )
        )
    return Ran(result, seen)


def test_every_kind_of_call_is_a_step(ran: Ran) -> None:
    parts = {name: part for name, part in ran.result.by_endpoint().items() if part.count}
    assert {name: part.errors for name, part in parts.items()} == {
        "unary": {},
        "server stream": {},
        "client stream": {},
        "both": {},
        "talk": {},
        "bytes": {},
        f"{SERVICE}/Call": {},
        "refused": {"grpc:PERMISSION_DENIED": 6},
        "late": {"grpc:DEADLINE_EXCEEDED": 6},
    }
    assert {part.count for part in parts.values()} == {6}
    assert "no" in {item.message for item in ran.result.examples}


def test_a_step_counts_the_bytes_and_the_connection_of_its_calls(ran: Ran) -> None:
    samples, names = ran.result.samples, ran.result.plan.endpoint_names
    ours = samples.column("endpoint") == names.index("server stream")
    assert set(samples.column("bytes_in")[ours]) == {4 * (5 + 2)}
    assert (samples.column("first_byte_ns")[ours] > 0).all()
    assert set(samples.column("status")[ours]) == {200}
    assert len(set(samples.column("connection")[ours])) == 2


def test_each_user_has_a_connection(ran: Ran) -> None:
    assert len(ran.seen.peers) == 2


def test_calls_have_the_trace_of_their_step(ran: Ran) -> None:
    traces = [str(metadata["traceparent"]) for metadata in ran.seen.metadata]
    assert traces.count("mine") == 6
    own = [trace for trace in traces if trace != "mine"]
    assert len(set(own)) == len(own) == 8 * 6


def test_the_client_follows_from_the_url() -> None:
    made = scenario(every_kind, "grpcs://127.0.0.1:1")
    plan = Plan(scenario=made, load=ClosedLoop(1))
    assert (made.client, plan.driver) == ("grpc", "grpc")
    assert Plan.from_dict(plan.to_dict()) == plan


def test_a_client_of_another_scheme_is_refused() -> None:
    with pytest.raises(InputError, match="scheme"):
        scenario(every_kind, "http://127.0.0.1:1", client="grpc")
    with pytest.raises(InputError, match="scheme"):
        scenario(every_kind, "grpc://127.0.0.1:1", client="httpx")


def test_policies_are_refused() -> None:
    with pytest.raises(InputError, match="retries"):
        Plan(
            scenario=scenario(every_kind, "grpc://127.0.0.1:1"),
            load=ClosedLoop(1),
            transport=Transport(retry="2"),
        )
