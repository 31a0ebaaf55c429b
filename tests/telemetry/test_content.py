"""Files as others write them: compressed, laid out for people, cut, with logs in them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.telemetry import IngestReport, files, ingest
from benchlab.telemetry.client import Client

SpanLine = Callable[..., bytes]


def spans(client: Client) -> int:
    return int(client.query("SELECT count() FROM otel_traces").result_rows[0][0])


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    """Lines, spans, broken lines, and lines left out."""
    return report.lines, report.spans, report.errors, report.skipped


def test_a_whole_last_line_needs_no_line_feed(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line().strip())
    assert counts(ingest(client, [path])) == (1, 1, 0, 0)
    assert counts(ingest(client, [path])) == (0, 0, 0, 0)
    path.write_bytes(span_line() + span_line(first=2).strip())
    assert ingest(client, [path]).spans == 1
    path.write_bytes(span_line() + span_line(first=2) + span_line(first=3)[:70])
    report = ingest(client, [path])
    assert (report.spans, len(report.partial)) == (0, 1)
    copy = tmp_path / "copy.jsonl"  # which ends elsewhere
    copy.write_bytes(span_line() + span_line(first=2) + span_line(first=4))
    assert ingest(client, [copy]).spans == 1
    assert spans(client) == 3


def test_a_line_that_another_file_continues_is_read_once(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    """The block of the first file ends with a line that had no line feed yet."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_bytes(span_line() + span_line(first=2) + span_line(first=3).strip())
    second.write_bytes(span_line() + span_line(first=2) + span_line(first=4).strip())
    assert ingest(client, [first, second]).spans == 4
    assert spans(client) == 4


def test_a_compressed_rotation_is_the_same_file(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(span_line())
    assert ingest(client, [tmp_path]).spans == 1
    with path.open("ab") as file:
        file.write(span_line(2, first=10))
    (tmp_path / "a.jsonl.1.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    report = ingest(client, [tmp_path])
    assert (report.files, report.spans) == (1, 2)
    assert spans(client) == 3


def test_of_a_damaged_compressed_file_the_part_before_is_read(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    whole = gzip.compress(b"".join(span_line(first=n) for n in range(1, 4000)))
    cut, damaged = tmp_path / "cut.jsonl.gz", tmp_path / "damaged.jsonl.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    report = ingest(client, [cut])
    assert 0 < report.spans < 4000
    assert len(report.partial) == 1
    damaged.write_bytes(whole[:-8] + b"\0" * 8)  # the checksum
    assert report.spans + ingest(client, [damaged]).spans == 3999


def test_a_file_that_expands_without_end_does_not_stop_the_others(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(bytes(64_000_000)))
    (tmp_path / "b.jsonl").write_bytes(span_line())
    with pytest.raises(InputError, match=r"a\.jsonl\.gz expands to more than 300 times its size"):
        ingest(client, [tmp_path])
    assert spans(client) == 1


def test_a_file_of_another_compression_is_named(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\x28\xb5\x2f\xfd rest")
    (tmp_path / "b.jsonl").write_bytes(span_line())
    with pytest.raises(InputError, match="is compressed with Zstandard"):
        ingest(client, [tmp_path])
    assert spans(client) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_and_utf16(
    client: Client, span_line: SpanLine, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "a.jsonl"
    text = (span_line(name="Grüße") + span_line(first=2)).decode()
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert counts(ingest(client, [path])) == (2, 2, 0, 0)
    assert counts(ingest(client, [path])) == (0, 0, 0, 0)


@pytest.mark.parametrize("indent", [1, 4, "\t"])
def test_documents_over_several_lines(
    client: Client, span_line: SpanLine, tmp_path: Path, indent: int | str
) -> None:
    documents = [json.loads(span_line(2, first=10 * n)) for n in range(1, 4)]
    laid_out = [json.dumps(document, indent=indent) for document in documents]
    one, several, listed = (tmp_path / f"{name}.json" for name in "abc")
    one.write_text(laid_out[0])
    assert counts(ingest(client, [one])) == (1, 2, 0, 0)
    several.write_text("\n".join(laid_out[1:]) + "\n")
    assert counts(ingest(client, [one, several])) == (2, 4, 0, 0)
    listed.write_text(json.dumps([json.loads(span_line(first=99))], indent=indent))
    assert counts(ingest(client, [tmp_path])) == (1, 1, 0, 0)
    assert spans(client) == 7


def test_an_unfinished_document_is_read_once_it_is_complete(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    text = json.dumps(json.loads(span_line()), indent=2)
    path.write_text(text[:-20])
    report = ingest(client, [path])
    assert (report.lines, len(report.partial)) == (0, 1)
    path.write_text(text)
    assert ingest(client, [path]).spans == 1


def test_a_document_that_is_never_completed_holds_no_line_up(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    text = json.dumps(json.loads(span_line()), indent=2)
    path.write_bytes(text[:-20].encode() + b"\n" + span_line(first=2) + span_line(first=3))
    report = ingest(client, [path])
    assert (report.spans, report.errors > 0) == (2, True)


def test_a_list_in_one_line_has_an_object_per_element(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[" + span_line().strip() + b"," + span_line(first=2).strip() + b"]")
    assert counts(ingest(client, [path])) == (2, 2, 0, 0)


def test_logs_and_empty_batches_are_not_broken(
    client: Client, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    body = json.dumps({"stringValue": 'see "resourceSpans"'})
    lines = [
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + body.encode() + b"}]}]}]}",
        b'{"resourceProfiles":[]}',
        b"{}",
        b'{"resourceSpans":[]}',
        b'{"resourceMetrics":[]}',
        b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"s"},"spans":[]}]}]}',
        b'{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[]}]}]}',
        b'{"resourceSpans":[{"resource":{}}]}',
        span_line().strip(),
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    report = ingest(client, [path])
    assert counts(report) == (9, 1, 0, 2)
    assert "2 lines of logs or profiles left out" in str(report)


def test_a_bad_span_costs_only_itself(client: Client, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = json.loads(span_line(4))
    line["resourceSpans"][0]["scopeSpans"][0]["spans"][2]["traceId"] = "xyz"
    path.write_bytes(json.dumps(line).encode() + b"\n" + span_line(first=9))
    report = ingest(client, [path])
    assert counts(report) == (2, 4, 1, 0)
    assert [fault.reason for fault in report.faults] == [
        "has 1 span whose ids or times cannot be read"
    ]
    assert spans(client) == 4


def test_a_long_document_is_one_block(
    client: Client, span_line: SpanLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 1000)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(json.loads(span_line(20)), indent=2) + "\n")
    assert counts(ingest(client, [path])) == (1, 20, 0, 0)
