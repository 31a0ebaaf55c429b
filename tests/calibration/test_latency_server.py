"""The known-latency server holds requests for the given time and records how long."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import psutil
import pytest

from benchlab.calibration.latency_server import hold_path, read_holds
from benchlab.calibration.latency_server_process import start_latency_server
from tests.bundled.orphans import assert_ends_with_its_parent

RUN = 0x0193F0A1B2C3D4E5
MS = 1_000_000


def request(hold_ns: int, seq: int | None = None) -> bytes:
    trace = "" if seq is None else f"traceparent: 00-{RUN:016x}{seq:016x}-{seq + 1:016x}-01\r\n"
    return f"GET {hold_path(hold_ns)} HTTP/1.1\r\nHost: x\r\n{trace}\r\n".encode()


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_every_hold_is_recorded_and_never_too_short(tmp_path: Path) -> None:
    holds_ns = [0, 1 * MS, 5 * MS, 20 * MS] * 5
    seen = []
    with start_latency_server(tmp_path / "holds.bin") as server:
        assert server.timer["clock"] == "timerfd"
        assert 0 <= server.timer["late_p50_ns"] <= server.timer["late_p99_ns"]
        assert server.timer["late_p99_ns"] <= server.timer["late_max_ns"]
        with connect(server.url) as connection:
            for seq, hold_ns in enumerate(holds_ns):
                sent = time.monotonic_ns()
                connection.sendall(request(hold_ns, seq))
                assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
                seen.append((sent, time.monotonic_ns()))
            connection.sendall(request(0))  # untraced: gets a response and is not recorded
            assert connection.recv(4096).endswith(b"\r\n\r\nok")
    recorded = read_holds(tmp_path / "holds.bin")
    assert recorded.shape == (20, 4)
    assert recorded[:, 0].tolist() == [RUN] * 20
    assert recorded[:, 1].tolist() == list(range(20))
    for row, hold_ns, (sent, done) in zip(recorded.tolist(), holds_ns, seen, strict=True):
        _, _, arrived, left = row
        assert left - arrived >= hold_ns
        assert sent < arrived <= left < done


def test_responses_due_together_are_all_sent(tmp_path: Path) -> None:
    with start_latency_server(tmp_path / "holds.bin") as server:
        connections = [connect(server.url) for _ in range(20)]
        for seq, connection in enumerate(connections):
            connection.sendall(request((20 - seq % 4) * MS, seq))  # later ones may be due first
        for connection in connections:
            assert connection.recv(4096).endswith(b"ok")
            connection.close()
    assert sorted(read_holds(tmp_path / "holds.bin")[:, 1].tolist()) == list(range(20))


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_request_may_come_in_pieces(tmp_path: Path, pieces: int) -> None:
    with start_latency_server(tmp_path / "holds.bin") as server, connect(server.url) as connection:
        data = request(MS, 3)
        for start in range(0, len(data), pieces):
            connection.sendall(data[start : start + pieces])
        assert connection.recv(4096).endswith(b"ok")
    assert read_holds(tmp_path / "holds.bin")[:, 1].tolist() == [3]


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"GET /hold/-5 HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"]
)
def test_invalid_requests_are_refused(tmp_path: Path, data: bytes) -> None:
    with start_latency_server(tmp_path / "holds.bin") as server, connect(server.url) as connection:
        connection.sendall(data)
        assert connection.recv(4096).startswith(b"HTTP/1.1 404")
        assert connection.recv(4096) == b""


def test_a_client_may_disconnect_while_it_is_held(tmp_path: Path) -> None:
    with start_latency_server(tmp_path / "holds.bin") as server:
        with connect(server.url) as impatient:
            impatient.sendall(request(20 * MS, 1))
        with connect(server.url) as connection:
            connection.sendall(request(40 * MS, 2))
            assert connection.recv(4096).endswith(b"ok")
    assert read_holds(tmp_path / "holds.bin")[:, 1].tolist() == [2]


def test_it_runs_on_its_core(tmp_path: Path) -> None:
    core = max(psutil.Process().cpu_affinity() or [0])
    with start_latency_server(tmp_path / "holds.bin", core) as server:
        assert psutil.Process(server.pid).cpu_affinity() == [core]


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    assert_ends_with_its_parent(
        "from pathlib import Path\n"
        "from benchlab.calibration.latency_server_process import start_latency_server\n"
        f"started = start_latency_server(Path({str(tmp_path / 'holds.bin')!r}))"
    )
