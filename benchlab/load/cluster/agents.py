"""The agents inside this process, by their keys; the functions that a parent calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from benchlab.load.cluster.agent import Agent, HostFacts

__all__ = ["GONE", "call_agent", "start_agent"]

GONE = "gone"
"""What `call_agent` returns if there is no such agent any more."""

_agents: dict[str, Agent] = {}


def start_agent(key: str, workers: Sequence[int], lease_s: float) -> HostFacts:
    """Start an agent for ``workers`` under a new ``key``; returns what is known of this host.

    Raises:
        WorkerError: a process cannot be started.
    """
    if key not in _agents:  # the response to an earlier call may have been lost
        _agents[key] = Agent(workers, lease_s, on_end=partial(_forget, key))
    return _agents[key].facts()


def call_agent(key: str, method: str, *args: Any, **options: Any) -> Any:
    """Call a method of the agent ``key``; `GONE` if it has ended, or its Dask worker is new."""
    agent = _agents.get(key)
    if agent is None:
        return GONE
    return getattr(agent, method)(*args, **options)


def _forget(key: str) -> None:
    _agents.pop(key, None)
