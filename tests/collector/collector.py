"""The real Collector with the very configuration of the stack, as a process of its own."""

from __future__ import annotations

import os
import re
import runpy
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "otel" / "collector.yaml"
_PATIENCE_S = 30.0


@cache
def program() -> str:
    """The Collector of otel/builder.yaml, as ``make collector`` builds it.

    Skips where it was not built, and fails where the extras are required.
    """
    path: Path = runpy.run_path(str(ROOT / "otel" / "build_collector.py"))["program"]()
    if path.exists():
        return str(path)
    reason = f"{path} is missing: `make collector` builds it"
    if os.environ.get("BENCHLAB_REQUIRE_EXTRAS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Collector:
    """A Collector that can be stopped, killed and started again at the same addresses."""

    directory: Path
    variables: dict[str, str]
    ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.directory / "collector.log"

    @property
    def endpoint(self) -> str:
        """Where OTLP over gRPC is taken, as OTEL_EXPORTER_OTLP_ENDPOINT wants it."""
        return f"http://127.0.0.1:{self.ports['GRPC']}"

    @property
    def otlp_dir(self) -> Path:
        """Where its file exporters write."""
        return self.directory / "otlp"

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program(), "--config", str(CONFIG)],
                env={"PATH": os.environ["PATH"], **self.variables},
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            assert self.process.poll() is None, self.log_text()
            assert time.monotonic() < deadline, self.log_text()
            try:
                if httpx.get(f"http://127.0.0.1:{self.ports['HEALTH']}").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM: it flushes what it has, and exits."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, self.log_text()

    def kill(self) -> None:
        """SIGKILL: what it has in memory is lost."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def log_text(self) -> str:
        """Its log."""
        return self.log.read_text()

    def counters(self) -> dict[str, float]:
        """Its own counters, summed by name: those of receivers, and of the file exporters."""
        page = httpx.get(
            f"http://127.0.0.1:{self.ports['METRICS']}/metrics", timeout=_PATIENCE_S
        ).text
        counts: dict[str, float] = {}
        for name, labels, value in re.findall(r"^(otelcol_\w+)\{(.*)\} (\S+)$", page, re.MULTILINE):
            if 'exporter="' not in labels or 'exporter="file/' in labels:
                counts[name] = counts.get(name, 0.0) + float(value)
        return counts


@contextmanager
def collecting(directory: Path, **variables: str) -> Iterator[Collector]:
    """A running Collector on free ports, which writes below ``directory``.

    Without ``CLICKHOUSE`` among the variables it starts all the same, and keeps trying.
    """
    names = ("GRPC", "HTTP", "HEALTH", "METRICS")
    with ExitStack() as held:
        listeners = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        ports = {
            name: listener.getsockname()[1] for name, listener in zip(names, listeners, strict=True)
        }
    own = {
        **{name: f"127.0.0.1:{ports[name]}" for name in ("GRPC", "HTTP", "HEALTH")},
        "METRICS_PORT": str(ports["METRICS"]),
        "OTLP_DIR": str(directory / "otlp"),
        "CREATE_SCHEMA": "false",
        # The discard port: nothing listens there.
        "CLICKHOUSE": "tcp://127.0.0.1:9",
        **variables,
    }
    collector = Collector(
        directory, {f"BENCHLAB_COLLECTOR_{name}": value for name, value in own.items()}, ports
    )
    try:
        collector.start()
        yield collector
    finally:
        if collector.process is not None and collector.process.poll() is None:
            collector.kill()


def send(collector: Collector, signal: str, line: bytes) -> None:
    """Hand the Collector one line of OTLP JSON, which it must take as a whole."""
    response = httpx.post(
        f"http://127.0.0.1:{collector.ports['HTTP']}/v1/{signal}",
        content=line,
        headers={"Content-Type": "application/json"},
        timeout=_PATIENCE_S,
    )
    assert response.status_code == 200, response.text
    assert response.json().get("partialSuccess") in ({}, None), response.text
