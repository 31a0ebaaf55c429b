"""What is fuzzed: the seeds to start from, and a check that fails if a promise is broken."""

from __future__ import annotations

import atexit
import gzip
import itertools
import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchlab.errors import DamagedError, InputError
from benchlab.exchange import import_file
from benchlab.exchange.own.head import decode_head
from benchlab.load.drivers.wire.head import ProtocolError
from benchlab.load.drivers.wire.response import Response
from benchlab.plan.files.plan import read_plan
from benchlab.store import Store
from benchlab.telemetry import ingest
from benchlab.telemetry.client import Client
from tests.load.drivers.corpus import CASES
from tests.telemetry.conftest import make_span_line

__all__ = ["TARGETS", "Target", "close_store"]

ROOT = Path(__file__).parents[2]
_MOST_SEED_BYTES = 20_000


class Target(NamedTuple):
    """Something that reads bytes; ``check`` raises if it does with them what it must not."""

    name: str
    seeds: Callable[[], list[bytes]]
    check: Callable[[bytes], None]


@cache
def _place() -> Path:
    return Path(tempfile.mkdtemp(prefix="benchlab-fuzz-"))


def _file(name: str, data: bytes) -> Path:
    path = _place() / name
    path.write_bytes(data)
    return path


def _response_seeds() -> list[bytes]:
    return [bytes([case.method == "HEAD", 7]) + case.data for case in CASES]


def _check_response(data: bytes) -> None:
    """The verdict does not depend on where TCP cut the response."""
    head_only, size, content = bool(data[:1] > b"\0"), (data[1:2] or b"\1")[0] or 1, data[2:]
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    whole, cut = (_read(parts, head_only) for parts in ([content], pieces))
    assert whole == cut, (whole, cut)


def _read(pieces: list[bytes], head_only: bool) -> tuple[object, ...]:
    response = Response(head_only=head_only, body_limit=1 << 20)
    try:
        for piece in pieces:
            response.feed(piece)
        complete = response.complete
        ended = response.end()
    except ProtocolError:
        return ("protocol",)
    return complete, ended, response.status, response.body, complete and response.reusable


def _import_seeds() -> list[bytes]:
    found = []
    for path in sorted((ROOT / "tests/exchange/data").rglob("*")):
        if path.is_file() and path.suffix not in {".md", ".js", ".py", ".jmx", ".targets"}:
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            found.append(content[:_MOST_SEED_BYTES])
    return found


def _check_import(data: bytes) -> None:
    """A file becomes a run or a summary, or an error that names it."""
    path = _file("imported", data)
    message = str(path)
    try:
        import_file(path)
    except InputError as exc:
        message = str(exc)
    assert str(path) in message


def _telemetry_seeds() -> list[bytes]:
    attributes = [
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, None]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"value": {"stringValue": "x"}}]}}},
        {"key": "half", "value": {"stringValue": "\ud83d"}},
    ]
    point = {"timeUnixNano": "1767319445000000000", "count": "1", "sum": -0.0, "min": 1, "max": 2}
    kinds = {
        "gauge": {"dataPoints": [{**point, "asDouble": 1.5, "attributes": attributes}]},
        "sum": {"dataPoints": [{**point, "asInt": "1"}], "isMonotonic": True},
        "histogram": {"dataPoints": [{**point, "bucketCounts": ["1"], "explicitBounds": [1]}]},
        "exponentialHistogram": {"dataPoints": [{**point, "positive": {"bucketCounts": [1]}}]},
        "summary": {"dataPoints": [{**point, "quantileValues": [{"quantile": 1, "value": 2}]}]},
    }
    metrics = [{"name": "m", kind: content} for kind, content in kinds.items()]
    points = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}
    spans = make_span_line(2, attributes=attributes, events=[{"name": "e"}], links=[{}])
    return [
        spans,
        json.dumps(json.loads(spans), indent=1).encode(),
        json.dumps(points).encode() + b"\n",
        b'{"resourceLogs":[]}\n{"resourceSpans":[]}\n',
        gzip.compress(spans),
    ]


_numbers = itertools.count(1)


_opened = ExitStack()


@cache
def _open_store() -> Client:
    """A store that stays open for all inputs: opening it takes longer than reading one."""
    return _opened.enter_context(Store(f"chdb://{_place()}/store").connect())


@atexit.register
def close_store() -> None:
    """Close the store that "telemetry" keeps open: no other can be opened in this process."""
    _open_store.cache_clear()
    _opened.close()


def _check_telemetry(data: bytes) -> None:
    """Whatever is in a file, a line after it is stored, and so is another file."""
    first = next(_numbers) * 10
    head = data[:2] == b"\x1f\x8b"
    mixed = data if head else data + b"\n" + make_span_line(first=first, name="after")
    other = _file("other.jsonl", make_span_line(first=first + 1, name="other"))
    client = _open_store()
    with suppress(InputError):
        ingest(client, [_file("damaged.jsonl", mixed), other])
    found = client.query(
        "SELECT DISTINCT SpanName FROM otel_traces WHERE SpanId IN {ids:Array(String)}"
        " AND SpanName IN ('after', 'other')",
        {"ids": [f"{first:016x}", f"{first + 1:016x}"]},
    ).result_rows
    wanted = {"other"} if head or _is_utf16(data) else {"after", "other"}
    assert {name for (name,) in found} >= wanted, found


def _is_utf16(data: bytes) -> bool:
    """Whether the file is read as UTF-16, so that the line after it is none."""
    from benchlab.text_files import encoding_of

    return encoding_of(data[:4]) != "utf-8-sig"


def _plan_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "tests/golden").rglob("plan.toml"))]


def _check_plan(data: bytes) -> None:
    """A plan file becomes a plan, or an error."""
    with suppress(InputError):
        plan = read_plan(_file("plan.toml", data))
        plan.describe()


def _metadata_seeds() -> list[bytes]:
    from tests.test_mutated_runs import cases

    return [json.dumps(data).encode() for _, data in cases()]


def _check_metadata(data: bytes) -> None:
    """Metadata become the head of a run, or an error that names the file."""
    message = "run.csv: "
    try:
        decode_head(data.decode(errors="replace"), "run.csv")
    except DamagedError as exc:
        message = str(exc)
    assert message.startswith("run.csv: ")
    assert len(message) < 1000


TARGETS = {
    target.name: target
    for target in (
        Target("response", _response_seeds, _check_response),
        Target("import", _import_seeds, _check_import),
        Target("telemetry", _telemetry_seeds, _check_telemetry),
        Target("plan", _plan_seeds, _check_plan),
        Target("metadata", _metadata_seeds, _check_metadata),
    )
}
"""What ``make fuzz`` drives, by name."""
