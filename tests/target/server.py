"""The service under test as users run it: uvicorn in a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ADD = "/api/vector/add"
SUB = "/api/vector/sub"


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without telemetry variables, plus `variables`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "BENCHLAB_"))
    }
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **variables}


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """End it as a supervisor would (SIGTERM, so it drains) and return all it has logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        self.log.append(rest)
        return "".join(self.log)


@contextmanager
def serving(directory: Path, app: str = "target.app:app", **variables: str) -> Iterator[Server]:
    """Serve `app` from `directory`, and be sure that the process is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", app, "--port", "0", "--no-access-log"],
        cwd=directory,
        env=environment(**variables),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    log: list[str] = []
    try:
        for line in process.stdout:
            log.append(line)
            if started := re.search(r"running on (http://\S+)", line):
                yield Server(started[1], process, log)
                return
        raise AssertionError("the service did not start:\n" + "".join(log))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def lines(directory: Path, signal_name: str) -> list[dict[str, Any]]:
    """Every line of every file of one signal, parsed; not one that is still being written."""
    return [
        json.loads(line)
        for path in sorted(directory.glob(f"{signal_name}-*.jsonl"))
        for line in path.read_bytes().split(b"\n")[:-1]
    ]


def attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """OTLP's list of keys and typed values as a plain dictionary."""
    plain: dict[str, Any] = {}
    for pair in pairs:
        ((kind, value),) = pair["value"].items()
        plain[pair["key"]] = int(value) if kind == "intValue" else value
    return plain


def spans(directory: Path) -> list[dict[str, Any]]:
    """All spans that were written, each with its `resource` and with plain `attributes`."""
    return [
        {
            **span,
            "attributes": attributes(span.get("attributes", [])),
            "resource": attributes(resource["resource"]["attributes"]),
        }
        for line in lines(directory, "traces")
        for resource in line["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def metrics(directory: Path) -> list[dict[str, Any]]:
    """All metrics that were written, one entry per export and metric."""
    return [
        metric
        for line in lines(directory, "metrics")
        for resource in line["resourceMetrics"]
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
    ]
