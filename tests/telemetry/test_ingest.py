from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.telemetry import files, ingest, ledger
from benchlab.telemetry.client import Client

Rows = Callable[..., list[dict[str, Any]]]
SpanLine = Callable[..., bytes]

SDK = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.json.file import FileMetricExporter, FileSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "sdk", "list": ["a", "b"], "share": 1.0})
traces = TracerProvider(resource=resource)
traces.add_span_processor(BatchSpanProcessor(FileSpanExporter(path=sys.argv[1] + "/traces.jsonl")))
reader = PeriodicExportingMetricReader(FileMetricExporter(path=sys.argv[1] + "/metrics.jsonl"))
view = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
metrics = MeterProvider(resource=resource, metric_readers=[reader], views=[view])
tracer, meter = traces.get_tracer("scope", "1.2"), metrics.get_meter("scope")
plain, exponential = meter.create_histogram("plain"), meter.create_histogram("exponential")
counter, gauge = meter.create_counter("counter"), meter.create_gauge("gauge")
for number in range(1000):
    with tracer.start_as_current_span("outer", kind=trace.SpanKind.SERVER) as span:
        span.add_event("happened", {"number": number})
        with tracer.start_as_current_span("inner", attributes={"number": number, "half": 0.5}):
            plain.record(number)
            exponential.record(number / 7)
            counter.add(1)
            gauge.set(number)
traces.shutdown()
metrics.shutdown()
"""

DIE = """
import os, sys
from benchlab.store import Store
from benchlab.telemetry import ingest, ledger
left = int(sys.argv[3])
def dying(name):
    real = getattr(ledger, name)
    def call(*args):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return real(*args)
    setattr(ledger, name, call)
for name in ("begin", "token", "finish"):
    dying(name)
with Store(sys.argv[1]).connect() as client:
    ingest(client, [sys.argv[2]])
"""


def spans(client: Client) -> int:
    return int(client.query("SELECT count() FROM otel_traces").result_rows[0][0])


def test_files_of_the_sdk(client: Client, rows: Rows, tmp_path: Path) -> None:
    directory = tmp_path / "otlp"
    directory.mkdir()
    subprocess.run([sys.executable, "-c", SDK, str(directory)], check=True)
    report = ingest(client, [directory])
    assert (report.files, report.spans, report.errors) == (2, 2000, 0)
    assert report.metric_points >= 4
    kinds = rows(
        client, "SELECT SpanKind AS k, count() AS n FROM otel_traces GROUP BY k ORDER BY k"
    )
    assert kinds == [{"k": "Internal", "n": 1000}, {"k": "Server", "n": 1000}]
    (inner,) = rows(
        client,
        "SELECT * FROM otel_traces WHERE SpanName = 'inner' AND SpanAttributes['number'] = '7'",
    )
    assert inner["SpanAttributes"] == {"number": "7", "half": "0.5"}
    assert inner["ServiceName"] == "sdk"
    assert inner["ResourceAttributes"]["list"] == '["a","b"]'
    assert inner["ResourceAttributes"]["share"] == "1"
    (outer,) = rows(client, f"SELECT * FROM otel_traces WHERE SpanId = '{inner['ParentSpanId']}'")  # noqa: S608
    assert (outer["TraceId"], outer["Events.Name"]) == (inner["TraceId"], ["happened"])
    (histogram,) = rows(
        client, "SELECT * FROM otel_metrics_exponential_histogram ORDER BY TimeUnix DESC LIMIT 1"
    )
    assert histogram["Count"] == 1000
    assert sum(histogram["PositiveBucketCounts"]) + histogram["ZeroCount"] == 1000
    for table in ("sum", "gauge", "histogram"):
        assert rows(client, f"SELECT 1 FROM otel_metrics_{table} LIMIT 1")  # noqa: S608


def test_only_new_lines_are_read(client: Client, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line(2))
    assert ingest(client, [path]).spans == 2
    assert ingest(client, [path]).spans == 0
    with path.open("ab") as file:
        file.write(span_line(3, first=10))
    report = ingest(client, [path])
    assert (report.lines, report.spans) == (1, 3)
    assert spans(client) == 5


def test_a_partial_last_line_is_not_read_yet(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    first, second = span_line(), span_line(first=2)
    path.write_bytes(first[:50])
    assert ingest(client, [path]).lines == 0
    path.write_bytes(first + second[:50])
    assert ingest(client, [path]).spans == 1
    path.write_bytes(first + second)
    report = ingest(client, [path])
    assert (report.spans, report.errors) == (1, 0)


def test_rotation_by_renaming(client: Client, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    path.write_bytes(span_line())
    ingest(client, [tmp_path])
    with path.open("ab") as file:
        file.write(span_line(first=2))
    path.rename(tmp_path / "traces-2026-11-01T00-00-00.000.json")
    path.write_bytes(span_line(first=3))
    assert ingest(client, [tmp_path]).spans == 2
    assert ingest(client, [tmp_path]).spans == 0
    assert spans(client) == 3


def test_a_file_rotated_away_meanwhile_is_not_an_error(
    client: Client, span_line: SpanLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes(span_line())
    monkeypatch.setattr("benchlab.telemetry.intake.find_files", lambda _: [tmp_path / "a", path])
    report = ingest(client, [tmp_path])
    assert (report.files, report.spans) == (1, 1)


def test_a_file_rewritten_in_place(client: Client, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    path.write_bytes(span_line(5))
    ingest(client, [path])
    path.write_bytes(span_line(1, first=100))
    assert ingest(client, [path]).spans == 1
    assert spans(client) == 6


def test_a_truncated_file_is_not_read_again(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "traces.json"
    path.write_bytes(span_line() + span_line(first=2))
    ingest(client, [path])
    path.write_bytes(span_line())
    assert ingest(client, [path]).spans == 0
    assert spans(client) == 2


def test_broken_lines_are_stored_and_ingestion_continues(
    client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path
) -> None:
    broken = [
        (b'{"resourceSpans":[{"resource', "is not JSON"),
        (b"\xff\xfe garbage \x00", "is not JSON"),
        (b'{"resourceLogs":[]}', "has neither resourceSpans nor resourceMetrics"),
        (b"[1,2]", "has neither resourceSpans nor resourceMetrics"),
        (b'{"resourceSpans":"none"}', "has no readable span"),
        (b'{"resourceMetrics":[{"scopeMetrics":5}]}', "has no readable data point"),
        (span_line(traceId="xyz").strip(), "has a span whose ids or times cannot be read"),
        (
            span_line(2, startTimeUnixNano="yesterday").strip(),
            "has a span whose ids or times cannot be read",
        ),
    ]
    path = tmp_path / "a.jsonl"
    content = b"\n \n"
    offsets = []
    for number, (line, _) in enumerate(broken):
        content += span_line(first=number * 10)
        offsets.append(len(content))
        content += line + b"\n"
    path.write_bytes(content)
    report = ingest(client, [path])
    assert (report.lines, report.spans, report.errors) == (16, 8, 8)
    assert spans(client) == 8
    kept = rows(client, "SELECT * FROM ingest_errors ORDER BY file_offset")
    assert [row["file_offset"] for row in kept] == offsets
    assert [row["reason"] for row in kept] == [reason for _, reason in broken]
    assert kept[0]["line_head"] == broken[0][0].decode()
    assert kept[0]["path"] == str(path)
    assert [(f.path, f.offset, f.reason) for f in report.faults] == [
        (path, offset, reason) for offset, (_, reason) in zip(offsets, broken, strict=True)
    ]
    assert ingest(client, [path]).errors == 0
    assert "8 broken lines are stored in ingest_errors" in str(report)


def test_a_torn_line_does_not_affect_others(
    client: Client, rows: Rows, span_line: SpanLine, tmp_path: Path
) -> None:
    """Killed in the middle of a line, and started again on the same file."""
    path = tmp_path / "a.jsonl"
    name = '{"resourceSpans":'  # in a string it tears nothing
    first, torn, last = span_line(), span_line(first=2)[:150], span_line(first=3, name=name)
    path.write_bytes(first + torn + last)
    report = ingest(client, [path])
    assert (report.lines, report.spans, report.errors) == (3, 2, 1)
    assert [(fault.offset, fault.reason) for fault in report.faults] == [
        (len(first), "is not JSON")
    ]
    (kept,) = rows(client, "SELECT line_head FROM ingest_errors")
    assert kept["line_head"] == torn.decode()
    names = rows(client, "SELECT SpanName FROM otel_traces ORDER BY SpanId")
    assert [row["SpanName"] for row in names] == ["work", name]


def test_all_broken_lines_are_stored_and_the_first_reported(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line() + b"{\n" * 300)
    report = ingest(client, [path])
    assert (report.spans, report.errors, len(report.faults)) == (1, 300, 20)
    assert str(report.faults[0]) == f"{path}, line at byte {len(span_line())}: is not JSON"
    assert client.query("SELECT count() FROM ingest_errors").result_rows[0][0] == 300


def test_the_kind_of_a_line_follows_from_its_members(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    """An attribute may have the name of the other kind's member."""
    path = tmp_path / "a.jsonl"
    attributes = [{"key": "resourceMetrics", "value": {"stringValue": "x"}}]
    path.write_bytes(span_line(attributes=attributes) + b'{"resourceSpans":[\n')
    report = ingest(client, [path])
    assert (report.spans, report.metric_points, report.errors) == (1, 0, 1)


def test_files_larger_than_a_block(
    client: Client, span_line: SpanLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(span_line(1 + k % 5, first=k * 10) for k in range(10)))
    seen: list[tuple[int, int]] = []
    report = ingest(client, [path], lambda done, total: seen.append((done, total)))
    assert report.spans == spans(client) == 30
    assert len(seen) > 5
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize("survived", range(4))
def test_a_process_that_dies_between_any_two_steps(
    closed_store: Store, span_line: SpanLine, tmp_path: Path, survived: int
) -> None:
    """Steps: begun, spans in, errors in, finished. The file grows before the next attempt."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line(100) + b"broken\n")
    done = subprocess.run(
        [sys.executable, "-c", DIE, closed_store.location, str(path), str(survived)], check=False
    )
    assert done.returncode == 9
    with path.open("ab") as file:
        file.write(span_line(7, first=1000))
    with closed_store.connect() as client:
        ingest(client, [path])
        ingest(client, [path])
        assert spans(client) == 107
        unique = client.query("SELECT uniqExact(SpanId) FROM otel_traces").result_rows[0][0]
        assert unique == 107
        assert client.query("SELECT count() FROM ingest_errors").result_rows[0][0] == 1


def test_rows_of_an_unfinished_block_are_not_inserted_twice(
    client: Client, span_line: SpanLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spans and the look-up table are in; the note that says so is not."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line(10))
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "finish", lambda *_: (_ for _ in ()).throw(RuntimeError("crash")))
        with pytest.raises(RuntimeError, match="crash"):
            ingest(client, [path])
    assert spans(client) == 10
    with path.open("ab") as file:
        file.write(span_line(first=100))
    assert ingest(client, [path]).spans == 11
    assert spans(client) == 11
    count = client.query("SELECT count() FROM otel_traces_trace_id_ts").result_rows[0][0]
    assert count == 2  # one for each of two blocks


def test_a_long_line_is_split_the_same_way_again(
    client: Client, span_line: SpanLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More spans than the engine keeps in one piece, over several days, cut off in between."""
    path = tmp_path / "a.jsonl"
    line = json.loads(span_line(80_000))
    for index, span in enumerate(line["resourceSpans"][0]["scopeSpans"][0]["spans"]):
        span["startTimeUnixNano"] = str(1_795_460_064_981_497_375 + index % 3 * 86_400 * 10**9)
    path.write_text(json.dumps(line) + "\n")
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(ledger, "finish", lambda *_: (_ for _ in ()).throw(RuntimeError("crash")))
            with pytest.raises(RuntimeError, match="crash"):
                ingest(client, [path])
    ingest(client, [path])
    assert spans(client) == 80_000


def test_missing_path_is_an_input_error(client: Client, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        ingest(client, [tmp_path / "no"])


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no such file here")
def test_an_unreadable_file_does_not_stop_the_others(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(span_line(first=ord(name[0])))
    with pytest.raises(
        InputError, match=r"cannot read /proc/self/mem \(Input/output error\): make"
    ):
        ingest(client, [tmp_path / "a.jsonl", "/proc/self/mem", tmp_path / "b.jsonl"])
    assert client.query("SELECT count() FROM otel_traces").result_rows == [(2,)]


def test_a_file_that_cannot_be_locked_is_read(
    client: Client, span_line: SpanLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS, which no test can have."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    (tmp_path / "a.jsonl").write_bytes(span_line(3))
    with monkeypatch.context() as patch:
        patch.setattr("fcntl.flock", refuse)
        assert ingest(client, [tmp_path / "a.jsonl"]).spans == 3
