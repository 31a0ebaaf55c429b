"""One loop, one server and both makers of clients for all tests of the client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchlab import Plan, Request
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.httpx.client import ClientFactory
from benchlab.load.drivers.scenario.client.factory import WireClients
from benchlab.load.recording.connection_log import ConnectionLog
from benchlab.plan.transport import Transport
from benchlab.processes.event_loop import loop_factory
from tests.load.drivers.scenario.client.both import HOSTS, Both, Server, ok


@pytest.fixture(scope="session")
def shared_both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    log = ConnectionLog(Path(tmp_path_factory.mktemp("client")) / "connections.bin")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(Server().serving()))
        transport = Transport(resolve=dict.fromkeys(HOSTS, "127.0.0.1"))
        requests = [Request("GET", server.url)]
        plan = Plan(requests, driver="httpx", timeout_s=60, transport=transport)
        wire = WireClients(plan, 0, log, ServerNames())
        runner.run(wire.prepare())
        yield Both(runner, server, wire, ClientFactory(plan, 0, log))
        runner.run(stack.aclose())
    log.close()


@pytest.fixture
def both(shared_both: Both) -> Both:
    shared_both.server.respond = lambda _request: ok()
    return shared_both
