"""What a request over HTTP/2 costs the generator, beside other generators in the same rounds.

A closed loop of 64 requests in flight, on 64 connections and on 8 with 8 streams each: small POSTs,
one nginx worker on one core and the generator on another.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.cost import SECONDS, costs_of
from tests.benchmarks.http2_peers import CLEAR, OVER_TLS, Http2Job
from tests.benchmarks.nginx import Service
from tests.benchmarks.peers import installed
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

ROUNDS = 3
BODY = json.dumps({"a": [1, 2], "b": [3, 4]})


@pytest.mark.parametrize("is_secret", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize(("connections", "streams"), [(64, 1), (8, 8)])
def test_cost_of_a_stream(
    nginx: Service, tmp_path: Path, connections: int, streams: int, is_secret: bool
) -> None:
    url = nginx.tls_url if is_secret else nginx.http2_url
    job = Http2Job(url, SECONDS + 2, tmp_path, connections, body=BODY, streams=streams)
    peers = installed(OVER_TLS if is_secret else CLEAR)
    if "h2load" not in peers:
        pytest.skip("h2load is not installed: nothing to compare with")
    commands = {name: peer(job) for name, peer in peers.items()}
    found = costs_of(commands, nginx, tmp_path / "log", ROUNDS)
    show(
        f"Client CPU per request over HTTP/2 {'over TLS' if is_secret else 'in clear text'},"
        f" {connections} connections × {streams} streams, median of {ROUNDS} rounds",
        ["generator", "CPU per request (µs)", "× h2load"],
        found.rows(),
        "benchlab records every request; vegeta has one connection, k6 one stream on each of 64",
    )
    assert found.ratios["benchlab"] <= 1.5
    for name in {"vegeta", "oha", "k6"} & found.ratios.keys():
        assert found.ratios["benchlab"] < found.ratios[name]
