"""The Collector with the configuration of docs/own-service.md."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.collector.collector import program
from tests.docs.pages import DOCS, blocks

pytestmark = pytest.mark.timeout(900)  # the first to come may have to build the Collector


def test_what_is_sent_is_in_a_file(span_line: Callable[..., bytes], tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as grpc,
        socket.create_server(("127.0.0.1", 0)) as http,
    ):
        ports = {"4317": str(grpc.getsockname()[1]), "4318": str(http.getsockname()[1])}
    (block,) = blocks(DOCS / "own-service.md", "yaml")
    text = block.text
    for documented, free in ports.items():
        text = text.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{free}")
    (tmp_path / "collector.yaml").write_text(text)
    with (tmp_path / "log").open("wb") as log:
        collector = subprocess.Popen(
            [program(), "--config", "collector.yaml"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            stdout=log,
            stderr=log,
        )
    try:
        _send(f"http://127.0.0.1:{ports['4318']}/v1/traces", span_line(3), collector)
        collector.terminate()
        assert collector.wait(60) == 0, (tmp_path / "log").read_text()
    finally:
        collector.kill()
        collector.wait()
    (line,) = (tmp_path / "otlp" / "telemetry.jsonl").read_text().splitlines()
    assert line.count('"spanId"') == 3


def _send(url: str, line: bytes, collector: subprocess.Popen[bytes]) -> None:
    """Hand it over as soon as it listens."""
    deadline = time.monotonic() + 60
    while True:
        assert collector.poll() is None, "the Collector ended"
        try:
            headers = {"Content-Type": "application/json"}
            httpx.post(url, content=line, headers=headers, timeout=30).raise_for_status()
            return
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
