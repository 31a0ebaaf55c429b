"""What a proxy costs that has no fault on: time and CPU of a request, and memory of a connection.

Requests go to the same service directly and through the proxy, in turn in the same run. On two
cores the generator, the proxy and the service share them: ratios are comparable, times only on an
otherwise idle machine.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

import benchlab as bl
from benchlab.calibration.latency_server_process import start_latency_server
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROUNDS = 5
RATE_RPS = 1_000
SECONDS = 2
CONNECTIONS = 1_000
US = 1_000


@contextmanager
def proxied(url: str) -> Iterator[tuple[str, int]]:
    """``benchlab proxy`` before ``url``: its address, and its pid."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchlab", "proxy", url], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        yield process.stderr.readline().split(" at ")[1].split()[0], process.pid
    finally:
        process.terminate()
        process.communicate()


def median_us(run: bl.Run) -> float:
    assert run.summary.errors == {}
    assert run.summary.service_ns is not None
    return run.summary.service_ns.p50 / US


def test_a_proxy_without_faults(tmp_path: Path) -> None:
    with start_latency_server(tmp_path / "holds") as server, proxied(server.url) as (place, pid):
        service = urlsplit(server.url).netloc
        request = bl.Request("GET", f"{server.url}/hold/0")
        rows = []
        for name, load in (
            (f"{RATE_RPS:,}/s", bl.ConstantRate(RATE_RPS)),
            ("closed loop, 32 users", bl.ClosedLoop(32)),
        ):
            plan = bl.Plan([request], load, SECONDS, trace_ratio=0)
            through = plan.replace(transport=bl.Transport(resolve={service: place}))
            direct, proxy = [], []
            used_s, count = 0.0, 0
            for _ in range(ROUNDS):
                direct.append(median_us(bl.run(plan)))
                before_s = cpu_seconds(pid)
                run = bl.run(through)
                used_s += cpu_seconds(pid) - before_s
                count += run.summary.count
                proxy.append(median_us(run))
            values = statistics.median(direct), statistics.median(proxy)
            added = statistics.median(b - a for a, b in zip(direct, proxy, strict=True))
            row = [name, *(f"{value:.0f}" for value in values), f"{added:.0f}"]
            row += [f"{values[1] / values[0]:.2f}", f"{used_s / count * 1e6:.1f}"]
            rows.append(row)
        show(
            "a request through a proxy without faults",
            ("load", "direct p50, µs", "proxy p50, µs", "added, µs", "ratio", "proxy CPU, µs"),
            rows,
        )


def test_memory_of_connections(tmp_path: Path) -> None:
    with start_latency_server(tmp_path / "holds") as server, proxied(server.url) as (place, pid):
        host, port = place.split(":")
        before = psutil.Process(pid).memory_info().rss
        with ExitStack() as stack:
            for _ in range(CONNECTIONS):
                client = socket.create_connection((host, int(port)))
                stack.enter_context(closing(client))
                client.sendall(b"GET /hold/0 HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(4096)
            after = psutil.Process(pid).memory_info().rss
        show(
            f"memory of {CONNECTIONS:,} connections through a proxy",
            ("", "kB each"),
            [(f"on {os.uname().sysname}", f"{(after - before) / CONNECTIONS / 1000:.1f}")],
        )
