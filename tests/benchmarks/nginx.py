"""nginx with one worker on the service's core: as fast a service as there is."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.benchmarks.machine import SERVICE, on_cores
from tests.conftest import need

__all__ = ["Service", "start_nginx"]

_CONFIGURATION = """
worker_processes 1; daemon off; pid {directory}/pid;
error_log {directory}/error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 12000; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 '{{"result":[4,6]}}'; }}
    location /served {{ stub_status; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A running nginx that answers everything at once."""

    url: str

    def served(self) -> int:
        """How many requests it has taken in so far, whoever sent them."""
        lines = httpx.get(self.url + "served").text.splitlines()
        return int(lines[2].split()[2])


@contextmanager
def start_nginx(directory: Path) -> Iterator[Service]:
    """nginx while inside. Skips where it is not installed."""
    program = need("nginx")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = directory / "nginx.conf"
    file.write_text(_CONFIGURATION.format(directory=directory, port=port))
    with on_cores(SERVICE):
        server = subprocess.Popen([program, "-c", str(file)])
    service = Service(f"http://127.0.0.1:{port}/")
    try:
        while True:
            assert server.poll() is None, (directory / "error.log").read_text()
            try:
                service.served()
                break
            except httpx.ConnectError:
                continue
        yield service
    finally:
        server.terminate()
        server.wait()
