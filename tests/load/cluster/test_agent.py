"""The agent of a host: a share from its start to its end, whoever watches."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, spool
from benchlab.errors import TargetError
from benchlab.load.cluster.agent import Agent
from benchlab.load.cluster.agents import GONE, call_agent, start_agent
from benchlab.load.cluster.reading import Reading
from benchlab.plan.redacted import redacted_plan
from benchlab.units import NS_PER_S
from tests.load.servers import always, ok, serving

RUN = "0123456789abcdef"
LEASE_S = 60.0  # longer than a test
LONG_S = 600.0  # a run that something else ends


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(always(ok())) as serving_url:
        yield serving_url


@contextmanager
def started(plan: Plan, workers: tuple[int, ...]) -> Iterator[Agent]:
    """An agent whose workers are ready for their share of ``plan``."""
    ended = threading.Event()
    agent = Agent(workers, LEASE_S, on_end=ended.set)
    try:
        share = spool.Share(RUN, 0, workers, plan.workers)
        head = {"format": 1, "id": RUN, "plan": redacted_plan(plan.to_dict()), "environment": {}}
        agent.assign(share, json.dumps(head).encode(), plan.to_dict(), {})
        until(agent, lambda reading: len(reading.events) == len(workers))
        yield agent
    finally:
        agent.finish()
        assert ended.is_set()
        assert list(spool.shares()) == []


def until(agent: Agent, holds: Callable[[Reading], bool]) -> Reading:
    """Read until ``holds``; nothing is mirrored."""
    deadline = time.monotonic() + 120
    while not holds(reading := agent.read({}, 0)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return reading


def share_of(agent: Agent) -> Path:
    (directory,) = spool.shares()
    return directory


def test_a_share_is_carried_out(url: str) -> None:
    plan = Plan(Request("GET", url), ConstantRate(100), duration_s=0.5, workers=4, timeout_s=60)
    with spool.create_share(spool.Share("f" * 16, 0, (0,), 1), b"{}", plan.to_dict()) as left:
        (left / "file-client_key.pem").touch()  # by an agent that was killed
    with started(plan, (1, 3)) as agent:
        assert not list(left.glob("plan.json")) + list(left.glob("*.pem"))
        spool.remove_share(left)
        directory = share_of(agent)
        assert not (directory / "plan.json").exists()  # once all have it
        late_ns = agent.start(time.monotonic_ns(), 1234)
        assert agent.start(time.monotonic_ns(), 1234) == late_ns  # the response was lost
        reading = until(agent, lambda reading: len(reading.ended) == 2)
        assert [event.name for event in reading.events] == ["ready", "ready"]
        assert reading.problem == ""
        assert spool.read_started_at_ns(directory) == 1234
        seqs = [
            spool.read_records(spool.samples_path(directory, worker))["seq"].tolist()
            for worker in (1, 3)
        ]
        assert sorted(seqs[0]) == list(range(1, 50, 4))
        assert sorted(seqs[1]) == list(range(3, 50, 4))


def test_nobody_watches(url: str) -> None:
    plan = Plan(Request("GET", url), ConstantRate(100), duration_s=LONG_S)
    with started(plan, (0, 1)) as agent:
        agent.start(time.monotonic_ns(), 1)
        agent._lease_s = 1.0
        directory = share_of(agent)
        assert spool.is_in_use(directory)
        deadline = time.monotonic() + 120
        while spool.is_in_use(directory):  # then whoever recovers the run may have it
            assert time.monotonic() < deadline
            time.sleep(0.01)  # a call would be heard
        reading = agent.read({}, 0)  # the parent is there again
        assert sorted(reading.ended) == [0, 1]
        assert "heard nothing of the parent for 1 s" in reading.problem
        for worker in (0, 1):
            health = json.loads(spool.health_path(directory, worker).read_text())
            assert health["problem_kind"] == "lost"
            assert health["problem"].startswith("was lost: ")


def test_a_start_that_is_heard_too_late_makes_no_load(url: str) -> None:
    plan = Plan(Request("GET", url), ConstantRate(100), duration_s=LONG_S)
    with started(plan, (0,)) as agent:
        late_ns = agent.start(time.monotonic_ns() - 9 * NS_PER_S, 1)
        assert late_ns >= 9 * NS_PER_S
        reading = until(agent, lambda reading: reading.ended == (0,))
        assert "too late" in reading.problem
        directory = share_of(agent)
        assert spool.samples_path(directory, 0).stat().st_size == 0
        health = json.loads(spool.health_path(directory, 0).read_text())
        assert health["problem_kind"] == "lost"


def test_what_a_killed_worker_had_not_written_is_saved(url: str) -> None:
    plan = Plan(Request("GET", url), ClosedLoop(1), duration_s=LONG_S)
    with started(plan, (0,)) as agent:
        agent.start(time.monotonic_ns(), 1)
        path = spool.samples_path(share_of(agent), 0)
        until(agent, lambda reading: path.exists() and path.stat().st_size > 0)
        (worker,) = [
            child
            for child in psutil.Process().children()
            if "benchlab.load.worker" in child.cmdline()
        ]
        worker.kill()
        until(agent, lambda reading: reading.ended == (0,))
        seqs = sorted(spool.read_records(path)["seq"].tolist())
        assert seqs == list(range(len(seqs)))  # none of its buffer is missing
        assert not spool.health_path(path.parent, 0).exists()


def test_a_service_that_a_host_cannot_reach_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    agent = Agent((0,), LEASE_S)
    try:
        plan = Plan(Request("GET", f"http://127.0.0.1:{port}/"))
        with pytest.raises(TargetError, match="cannot connect"):
            agent.check(plan.to_dict(), {}, False)
    finally:
        agent.finish()


def test_agents_are_found_by_their_keys() -> None:
    facts = start_agent("one", (0,), LEASE_S)
    assert facts.environment["calibration"]
    assert start_agent("one", (0,), LEASE_S).identity == facts.identity  # the first was not heard
    assert call_agent("one", "read", {}, 0) == Reading()
    call_agent("one", "finish")
    assert call_agent("one", "read", {}, 0) == GONE
