"""The bundled target as a process: it starts, stops, and never outlives its parent."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from benchlab.bundled import start_target
from benchlab.bundled.serve import serve
from benchlab.errors import InputError, TargetError
from tests.bundled.orphans import assert_ends_with_its_parent


def test_it_serves_on_loopback_until_it_is_stopped(tmp_path: Path) -> None:
    with start_target(otlp_dir=tmp_path / "otlp", grpc_port=0) as target:
        assert target.url.startswith("http://127.0.0.1:")
        assert target.grpc_url.startswith("grpc://127.0.0.1:")
        assert httpx.get(f"{target.url}/health").json() == {"status": "ok"}
        httpx.post(f"{target.url}/api/vector/add", json={"a": [1], "b": [2]})
        process = psutil.Process(target.pid)
        listening = {c.laddr for c in process.net_connections() if c.status == "LISTEN"}
        # gRPC's socket is one of IPv6 that is bound to the address of IPv4.
        assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
        ports = {urlsplit(url).port for url in (target.url, target.grpc_url)}
        assert {address.port for address in listening} == ports
        assert "running" in repr(target)
    assert not process.is_running()
    assert "stopped" in repr(target)
    target.stop()  # again does no harm
    assert len(list((tmp_path / "otlp").glob("traces-*.jsonl"))) == 1


def test_a_taken_port_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TargetError, match=f"port {port}"):
            start_target(port)
        with pytest.raises(TargetError, match=f"port {port}"):
            start_target(grpc_port=port)
        monkeypatch.setenv("BENCHLAB_TARGET_GRPC", f"127.0.0.1:{port}")
        with pytest.raises(TargetError, match="its log has the reason"):
            start_target()


def test_one_port_cannot_have_http_and_grpc() -> None:
    with pytest.raises(InputError, match="port 8000 cannot have both HTTP and gRPC"):
        serve(8000, None, print, grpc_port=8000)


def test_it_ends_with_its_parent() -> None:
    assert_ends_with_its_parent(
        "from benchlab.bundled import start_target\nstarted = start_target()"
    )
