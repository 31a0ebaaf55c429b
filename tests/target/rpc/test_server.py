"""Where gRPC is served, and when it is not."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from target.app import create_app
from target.rpc.address import GRPC_ADDRESS


def test_it_is_off_by_default() -> None:
    assert create_app().state.grpc_server is None


@pytest.mark.parametrize("address", ["50051", ":50051", "127.0.0.1:", "127.0.0.1:99999", "h:http"])
def test_an_invalid_address_is_reported(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(GRPC_ADDRESS, address)
    with pytest.raises(ValueError, match=f"{GRPC_ADDRESS} must be host:port, not '{address}'"):
        create_app()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRPC_ADDRESS, "127.0.0.1:0")
    monkeypatch.delitem(sys.modules, "target.rpc.server", raising=False)
    monkeypatch.setitem(sys.modules, "grpc_health.v1", None)
    with pytest.raises(ValueError, match="needs grpc_health"):
        create_app()


def test_a_taken_port_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(app_address: str) -> None:
        monkeypatch.setenv(GRPC_ADDRESS, app_address)
        server = create_app().state.grpc_server
        with pytest.raises(ValueError, match=f"cannot listen on {app_address} for gRPC"):
            await server.start()
        await server.stop()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(start(f"127.0.0.1:{taken.getsockname()[1]}"))
