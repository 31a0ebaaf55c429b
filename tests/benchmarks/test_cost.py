"""What a request costs the generator, beside other generators in the same rounds.

Closed loop, 64 connections, a small POST, one nginx worker on one core and the generator on
another. Cost is client CPU time per completed request; the ratio to wrk is the figure to quote,
since it survives a change of machine.
"""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from benchlab import ClosedLoop, Plan, Request, run
from tests.conftest import need

pytestmark = pytest.mark.benchmark

ROUNDS = 3
SECONDS = 5
CONNECTIONS = 64
BODY = json.dumps({"a": [1, 2], "b": [3, 4]})

NGINX = """
worker_processes 1; worker_cpu_affinity 10; daemon off; pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{{"result":[4,6]}}'; }} }}
}}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    nginx = need("nginx")
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores: one for the service, one for the generator")
    directory = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (directory / "nginx.conf").write_text(NGINX.format(directory=directory, port=port))
    server = subprocess.Popen([nginx, "-c", str(directory / "nginx.conf")])
    address = f"http://127.0.0.1:{port}/"
    while True:
        assert server.poll() is None, (directory / "error.log").read_text()
        try:
            httpx.get(address)
            break
        except httpx.ConnectError:
            continue
    yield address
    server.terminate()
    server.wait()


def cost_of_benchlab(url: str) -> float:
    request = Request("POST", url, body=BODY, headers={"Content-Type": "application/json"})
    result = run(Plan([request], ClosedLoop(CONNECTIONS), duration_s=SECONDS, warmup_s=1))
    assert result.stats.errors == {}
    return result.health.workers[0].cpu_ratio * SECONDS / result.stats.count


def cost_of_wrk(url: str, directory: Path) -> float:
    script = directory / "post.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{BODY}'\n")
    return cost_of_command(
        [need("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), url],
        r"(\d+) requests in",
    )


def cost_of_hey(url: str) -> float:
    return cost_of_command(
        [need("hey"), "-cpus", "1", "-z", f"{SECONDS}s", "-c", str(CONNECTIONS), "-m", "POST",
         "-d", BODY, "-T", "application/json", url],
        r"\[200\]\s+(\d+) responses",
    )  # fmt: skip


def cost_of_command(command: list[str], count: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = re.search(count, done.stdout)
    assert found, done.stdout
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s / int(found.group(1))


def test_cost_per_request(url: str, tmp_path: Path) -> None:
    process = psutil.Process()
    everywhere = process.cpu_affinity()
    process.cpu_affinity([0])  # what we start inherits it; nginx has the second core
    try:
        generators: dict[str, Callable[[], float]] = {
            "wrk": lambda: cost_of_wrk(url, tmp_path),
            "benchlab": lambda: cost_of_benchlab(url),
            "hey": lambda: cost_of_hey(url),
        }
        rounds = [{name: cost() for name, cost in generators.items()} for _ in range(ROUNDS)]
    finally:
        process.cpu_affinity(everywhere)
    ratio = {}
    print("\nclient CPU per request, median of", ROUNDS, "rounds")
    for name in generators:
        micros = statistics.median(each[name] for each in rounds) * 1e6
        ratio[name] = statistics.median(each[name] / each["wrk"] for each in rounds)
        print(f"  {name:<10} {micros:6.1f} µs   {ratio[name]:.2f} × wrk")
    assert ratio["benchlab"] <= 1.5
    assert ratio["benchlab"] < ratio["hey"]
