from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from benchlab.bundled import TargetProcess
from tests.target.rpc.calls import Service


@pytest.fixture(scope="session")
def service(everything: TargetProcess) -> Iterator[Service]:
    address = everything.grpc_url.removeprefix("grpc://")
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        yield Service(everything, channel)
