"""Processes of runs that nobody waits for, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from benchlab import ConstantRate, Plan, Request

__all__ = ["long_plan", "soon", "supervisor_of"]


def soon(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def long_plan(url: str) -> Plan:
    return Plan(Request("GET", url), ConstantRate(20), duration_s=3600)


def supervisor_of(run_id: str) -> psutil.Process:
    """The process that carries out the run."""
    (found,) = (
        process
        for process in psutil.process_iter(["cmdline"])
        if "benchlab.load.detached" in (process.info["cmdline"] or ())
        and run_id in process.info["cmdline"]
    )
    return found
