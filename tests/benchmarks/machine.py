"""The machine that is measured on: which cores a process may use, and what it used of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

__all__ = ["GENERATOR", "SERVICE", "cpu_seconds", "need_two_cores", "on_cores"]

GENERATOR, SERVICE = 0, 1
"""The core that makes load, and the one that answers."""


def need_two_cores() -> None:
    """Skip where generator and service would take turns on one core."""
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores: one for the service, one for the generator")


@contextmanager
def on_cores(*cores: int) -> Iterator[None]:
    """Stay on these cores while inside; what is started meanwhile inherits that."""
    process = psutil.Process()
    before = process.cpu_affinity()
    process.cpu_affinity(list(cores))
    try:
        yield
    finally:
        process.cpu_affinity(before)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process, its threads and its living descendants have used so far."""
    root = psutil.Process(pid)
    used = 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used
