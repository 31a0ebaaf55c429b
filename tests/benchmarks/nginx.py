"""nginx with one worker on the service's core: as fast a service as there is."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trustme

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
  server {{
    listen 127.0.0.1:{http2_port} http2;
    listen 127.0.0.1:{tls_port} ssl http2;
    ssl_certificate {directory}/server.pem; ssl_certificate_key {directory}/server.pem;
    location / {{ return 200 '{{"result":[4,6]}}'; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A running nginx that answers everything at once: ``http2_url`` by HTTP/2 alone, in clear
    text, and ``tls_url`` by either over TLS."""

    url: str
    http2_url: str
    tls_url: str

    def served(self) -> int:
        """How many requests it has taken in so far, whoever sent them."""
        lines = httpx.get(self.url + "served").text.splitlines()
        return int(lines[2].split()[2])


@contextmanager
def start_nginx(directory: Path) -> Iterator[Service]:
    """nginx while inside. Skips where it is not installed."""
    program = need("nginx")
    port, http2_port, tls_port = _free_ports(3)
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        directory / "server.pem"
    )
    file = directory / "nginx.conf"
    file.write_text(
        _CONFIGURATION.format(
            directory=directory, port=port, http2_port=http2_port, tls_port=tls_port
        )
    )
    with on_cores(SERVICE):
        server = subprocess.Popen([program, "-c", str(file)])
    service = Service(
        f"http://127.0.0.1:{port}/",
        f"http://127.0.0.1:{http2_port}/",
        f"https://127.0.0.1:{tls_port}/",
    )
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


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
