"""The bundled target in a trial: faults are set over HTTP, spans are read from its files."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

import benchlab as bl
from benchlab.bundled import start_target
from benchlab.runs.run import Run
from tests.trials.fault_server import ROW
from tests.trials.trial import Trial

__all__ = ["requests_of", "started", "with_faults", "write_truth"]

_PATH = "/api/vector/add"
_SERVER_KIND = 2
_LENGTHS = 400  # different lengths of vectors


@contextmanager
def started(trial: Trial, directory: Path) -> Iterator[str]:
    """The target while inside, faults enabled; it writes spans if the trial is traced."""
    with start_target(otlp_dir=directory if trial.traced else None, faults=True) as process:
        yield process.url


def requests_of(trial: Trial, url: str) -> list[bl.Request]:
    """What is sent: vectors of one length, or of many if the size is to matter."""
    if not trial.service["sizes"]:
        return [bl.Request("POST", url + _PATH, body='{"a": [1, 2, 3], "b": [4, 5, 6]}')]
    rng = np.random.default_rng(trial.seed)
    rows = []
    for length in np.rint(np.exp(rng.uniform(np.log(5), np.log(800), _LENGTHS))):
        values = json.dumps([float(value) for value in rng.integers(1000, 9999, int(length))])
        rows.append({"v": values})
    feed = bl.Feed(rows, pick="random")
    headers = {"Content-Type": "application/json"}
    body = '{"a": {{v}}, "b": {{v}}}'
    return [bl.Request("POST", url + _PATH, headers=headers, body=body, data=feed)]


@contextmanager
def with_faults(trial: Trial, url: str) -> Iterator[None]:
    """The faults of a trial while inside, each from its time on; the run is about to start."""
    threads = []
    for number, fault in enumerate(trial.service["faults"]):
        if not fault["at_s"]:
            _put(url, number, fault)
            continue
        # The run starts in about a second and warms up for another. Where in the rest of it the
        # fault is makes no difference.
        threads.append(threading.Timer(1.8 + fault["at_s"], _put, (url, number, fault)))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.cancel()
            thread.join()


def _put(url: str, number: int, fault: dict[str, Any]) -> None:
    response = httpx.put(f"{url}/faults/fault-{number}", json=fault["body"], timeout=30)
    response.raise_for_status()


def write_truth(run: Run, directory: Path, file: Path) -> None:
    """Write the target's spans as the fault server writes its truth: nothing more is known."""
    rows, instances = [], ["target"]
    children: dict[str, list[tuple[int, int, int]]] = {}
    for span in _spans(directory):
        if not span["traceId"].startswith(run.id):
            continue
        seq = int(span["traceId"][16:], 16)
        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        if span["kind"] != _SERVER_KIND:
            children.setdefault(span["name"], []).append((seq, start, end - start))
            continue
        name = _attribute(span, "service.instance.id") or "target"
        if name not in instances:
            instances.append(name)
        row = dict.fromkeys(ROW, 0) | {"seq": seq, "arrived_ns": start, "started_ns": start}
        row |= {"ended_ns": end, "left_ns": end, "instance": instances.index(name)}
        rows.append([row[name] for name in ROW])
    tables = {f"child:{name}": np.array(found, "<i8") for name, found in children.items()}
    np.savez_compressed(
        file,
        rows=np.array(rows, "<i8").reshape(-1, len(ROW)),
        pauses=np.zeros((0, 3), "<i8"),
        **tables,  # type: ignore[arg-type]
    )


def _spans(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.glob("traces-*.jsonl")):
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    yield from scope["spans"]


def _attribute(span: dict[str, Any], name: str) -> str:
    for pair in span.get("attributes", ()):
        if pair["key"] == name:
            return str(pair["value"].get("stringValue", ""))
    return ""
