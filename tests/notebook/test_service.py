"""The service that a notebook measures."""

from __future__ import annotations

import grpc
import httpx

from benchlab.notebook.service import service
from target.rpc.vectors_pb2 import Pair, Result


def add(url: str) -> list[float]:
    address, _, method = url.removeprefix("grpc://").partition("/")
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        call = channel.unary_unary(f"/{method}", Pair.SerializeToString, Result.FromString)
        return list(call(Pair(a=[1], b=[2]), timeout=60).result)


def test_the_target_over_grpc_keeps_its_address_when_it_is_restarted() -> None:
    started = service(grpc=True, traced=False)
    try:
        url = started.url
        assert add(url) == [3]
        assert httpx.get(f"{started.http_url}/health").json() == {"status": "ok"}
        started.restart(lookup_ms=1.0)
        assert (started.url, add(url)) == (url, [3])
    finally:
        started.stop()
