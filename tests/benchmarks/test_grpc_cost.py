"""What a unary gRPC call costs the generator, beside other generators in the same rounds.

Closed loop of 64 users, two small vectors out and one back, a server by grpc-go on one core and the
generator on another. The users share a connection, as calls do in gRPC unless they are told not to,
and as ghz has it; or they have one each, as users of k6 always do.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchlab.text import plural
from tests.benchmarks.cost import SECONDS, costs_of
from tests.benchmarks.machine import SERVICE as SERVICE_CORE
from tests.benchmarks.machine import need_two_cores, on_cores
from tests.benchmarks.table import show
from tests.load.drivers.grpc.go_server import GoServer, serving_in_go
from tests.load.drivers.grpc.server import PROTO, SERVICE

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 3
USERS = 64
MESSAGE = json.dumps({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], "size": 24})
CALL = f"{SERVICE}/Call"

Peer = Callable[[str, int, Path], list[str]]
"""The command that makes the load: of an address, a number of connections, and a directory."""


@pytest.fixture(scope="module")
def server() -> Iterator[GoServer]:
    need_two_cores()
    with on_cores(SERVICE_CORE), serving_in_go() as found:
        yield found


def benchlab(address: str, connections: int, _directory: Path) -> list[str]:
    """This project, by its command line."""
    command = [sys.executable, "-m", "benchlab", "run", f"grpc://{address}/{CALL}", "--no-save"]
    command += ["--proto", PROTO, "-d", MESSAGE, "-c", str(USERS)]
    command += ["--streams", str(USERS // connections)]
    return [*command, "--duration", f"{SECONDS}s", "--warmup", "0s"]


def ghz(address: str, connections: int, _directory: Path) -> list[str]:
    """Go, grpc-go; keeps a record of every call."""
    command = ["ghz", "--insecure", "--proto", PROTO, "--call", CALL, "-d", MESSAGE]
    command += ["--cpus", "1", "-c", str(USERS), "--connections", str(connections)]
    return [*command, "-z", f"{SECONDS}s", "--duration-stop", "wait", address]


def k6(address: str, _connections: int, directory: Path) -> list[str]:
    """Go, grpc-go, JavaScript."""
    options = {
        "scenarios": {"all": {"executor": "constant-vus", "vus": USERS, "duration": f"{SECONDS}s"}}
    }
    script = directory / "grpc.js"
    proto = Path(PROTO).resolve()
    script.write_text(
        "import grpc from 'k6/net/grpc';\n"
        f"export const options = {json.dumps(options)};\n"
        "const client = new grpc.Client();\n"
        f"client.load([{json.dumps(str(proto.parent))}], {json.dumps(proto.name)});\n"
        "export default function () {\n"
        f"  if (__ITER === 0) client.connect({json.dumps(address)}, {{ plaintext: true }});\n"
        f"  client.invoke({json.dumps(CALL)}, {MESSAGE});\n"
        "}\n"
    )
    return ["k6", "run", "--quiet", "--no-color", str(script)]


def grpc_aio(address: str, connections: int, _directory: Path) -> list[str]:
    """Python, grpcio's asynchronous client, which records nothing."""
    command = [sys.executable, "-m", "tests.benchmarks.grpc_aio_client", address]
    return [*command, str(USERS), str(connections), str(SECONDS), MESSAGE]


@pytest.mark.parametrize("connections", [1, USERS])
def test_cost_per_unary_call(server: GoServer, connections: int, tmp_path: Path) -> None:
    peers: dict[str, Peer] = {"benchlab": benchlab, "grpc.aio": grpc_aio, "ghz": ghz}
    if connections == USERS:
        peers["k6"] = k6
    absent = [name for name in peers if name in ("ghz", "k6") and shutil.which(name) is None]
    if absent:
        print(f"\nleft out, for they are not installed: {', '.join(absent)}", flush=True)
    commands = {
        name: peer(server.address, connections, tmp_path)
        for name, peer in peers.items()
        if name not in absent
    }
    costs = costs_of(commands, server, tmp_path / "log", ROUNDS)
    show(
        f"Client CPU per unary gRPC call, closed loop of {USERS} users,"
        f" {plural(connections, 'connection')}, median of {ROUNDS} rounds",
        ["generator", "CPU per call (µs)", "× benchlab"],
        costs.rows(),
        "benchlab records every call",
    )
    if "ghz" not in costs.ratios:
        pytest.skip("ghz is not installed: nothing to compare with")
    if connections == 1:  # as ghz has it unless it is told not to
        assert costs.ratios["ghz"] >= 4
    for name in costs.ratios.keys() - {"benchlab"}:
        assert costs.ratios[name] > 1
