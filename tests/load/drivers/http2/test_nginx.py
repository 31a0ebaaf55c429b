"""The HTTP/2 driver with nginx, which ends a connection by GOAWAY after so many requests."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchlab import ClosedLoop, Plan, Request
from tests.load.drivers.http2.service import driving, until

PER_CONNECTION = 20
BODY = bytes(200_000)

_CONFIGURATION = """
worker_processes 1; daemon off; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; keepalive_requests {most}; client_max_body_size 1m; client_body_buffer_size 1m;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} http2;
    location / {{ proxy_pass http://127.0.0.1:{inner}; }}
  }}
  server {{ listen 127.0.0.1:{inner}; location / {{ return 200 'hello'; }} }}
}}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    directory = tmp_path_factory.mktemp("nginx")
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        port, inner = one.getsockname()[1], two.getsockname()[1]
    file = directory / "nginx.conf"
    file.write_text(
        _CONFIGURATION.format(directory=directory, port=port, inner=inner, most=PER_CONNECTION)
    )
    server = subprocess.Popen([program, "-c", str(file)])
    try:
        while True:
            assert server.poll() is None, (directory / "error.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize(("users", "streams"), [(2, 1), (6, 3)])
def test_connections_follow_one_another(url: str, users: int, streams: int, tmp_path: Path) -> None:
    """A large body waits for nginx's windows; its GOAWAY fails only what it did not process."""

    async def test() -> None:
        requests = [Request("GET", url, name="get"), Request("POST", url, body=BODY, name="post")]
        plan = Plan(requests, ClosedLoop(users), driver="http2", streams=streams)
        async with driving(plan, tmp_path) as driven:
            driven.source.end_ns = time.monotonic_ns() + 10**12
            driven.driver.begin()
            await until(lambda: len(driven.samples) >= 4 * PER_CONNECTION)
            driven.source.stop()
            await until(lambda: driven.driver.in_flight == 0)
            errors = driven.errors
            good = driven.samples[driven.samples["error"] == 0]
            assert set(errors) <= {"ok", "goaway"}
            assert errors.count("ok") >= 3 * PER_CONNECTION
            assert set(good["status"].tolist()) == {200}
            assert set(good["bytes_in"].tolist()) == {5}
            if streams == 1:
                assert errors.count("goaway") == 0
            assert driven.driver.connections_opened >= 4
            by_connection = good["connection"].tolist()
            assert max(map(by_connection.count, by_connection)) <= PER_CONNECTION

    asyncio.run(test())
