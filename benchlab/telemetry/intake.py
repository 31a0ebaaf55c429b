"""OTLP JSON files into the store, each line once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from benchlab.errors import StoreError
from benchlab.telemetry import ledger, otlp, rows
from benchlab.telemetry.client import Client
from benchlab.telemetry.files import Block, exclusively, file_id, find_files, read_block, size_of
from benchlab.telemetry.nested import flatten_line

__all__ = ["Fault", "IngestReport", "ingest"]

_FAULTS_TOLD = 20

# One thread and no splitting: the same block must fall into the same pieces when it is repeated.
_REPEATABLE = {**ledger.DURABLE, "max_threads": 1, "max_insert_threads": 1}


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that could not be used: the byte it starts at, and what is wrong with it."""

    path: Path
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line at byte {self.offset:,}: {self.reason}"


@dataclass(slots=True)
class IngestReport:
    """What one call of `ingest` read.

    ``errors`` counts the lines it could not use; all are kept in the table ``ingest_errors``, and
    the first few are in ``faults``.
    """

    paths: set[Path] = field(default_factory=set)
    lines: int = 0
    spans: int = 0
    metric_points: int = 0
    errors: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files were looked into."""
        return len(self.paths)

    def add(self, later: IngestReport) -> None:
        """Count what another call read as well; its ``faults`` are not taken over."""
        self.paths |= later.paths
        self.lines += later.lines
        self.spans += later.spans
        self.metric_points += later.metric_points
        self.errors += later.errors

    def __str__(self) -> str:
        text = (
            f"{_count(self.spans, 'span')} and {_count(self.metric_points, 'metric point')}"
            f" in {_count(self.lines, 'new line')} of {_count(self.files, 'file')}"
        )
        if self.errors:
            kept = "is" if self.errors == 1 else "are"
            text += f"; {_count(self.errors, 'broken line')} {kept} kept in the table ingest_errors"
        return text


def ingest(
    client: Client,
    paths: Iterable[str | Path],
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """Read what is new in OTLP JSON lines files, or directories of them, into the store.

    Takes what the Collector's file exporter and the SDK's write. Call it as often as you like,
    also while the files are being written: what was read stays read across renaming, and across
    a crash of this process at any point. ``on_progress(done, total)`` counts bytes of new data.

    Raises:
        InputError: a path that does not exist.
        StoreError: a file cannot be read.
    """
    report = IngestReport()
    files = find_files(paths)
    progress = _Progress(sum(size_of(path) for path in files), on_progress)
    with _work_tables(client):
        for path in files:
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue  # it was there a moment ago: rotated away
            except OSError as exc:
                raise StoreError(f"cannot read {path} ({exc.strerror or exc})") from exc
            with file, exclusively(file):
                report.paths.add(path)
                _ingest_file(client, path, file, report, progress)
    return report


def _ingest_file(
    client: Client, path: Path, file: BinaryIO, report: IngestReport, progress: _Progress
) -> None:
    identity = file_id(file)
    if identity is None:
        return
    here = ledger.position(client, identity)
    size = file.seek(0, 2)
    if size < (here.unfinished_end or here.offset):
        # Cut off by hand: all that is left was read before.
        return
    progress.skip(here.offset)
    block = read_block(file, here.offset, here.unfinished_end)
    while block is not None:
        if here.unfinished_end != block.end:
            ledger.begin(client, identity, path, block)
        lines, spans, points, faults = _insert_block(client, identity, path, block)
        ledger.finish(client, identity, path, block, (lines, spans, points, len(faults)))
        report.lines += lines
        report.spans += spans
        report.metric_points += points
        report.errors += len(faults)
        told = sorted(faults.items())[: _FAULTS_TOLD - len(report.faults)]
        report.faults += [Fault(path, offset, reason) for offset, reason in told]
        progress.advance(block.end - block.start)
        block = read_block(file, block.end)


def _insert_block(
    client: Client, identity: str, path: Path, block: Block
) -> tuple[int, int, int, dict[int, str]]:
    """Rows of a block into their tables.

    Returns how many lines, spans and metric points there were, and the faults by offset.
    """
    lines = list(block.lines())
    if not lines:
        return 0, 0, 0, {}
    for name in otlp.TABLES:
        client.command(f"TRUNCATE TABLE {name}")
    client.raw_insert(
        "otlp_lines",
        ["file_offset", "line"],
        b"".join(_row_binary(offset, flatten_line(line)) for offset, line in lines),
        settings={"async_insert": 0},
        fmt="RowBinary",
    )
    for mark, statement in otlp.READ.items():
        if mark in block.data:
            client.command(statement, settings={"max_threads": 1})
    faults: dict[int, str] = {}
    for mark, query in otlp.PROBLEMS.items():
        if mark in block.data:
            for offset, reason in client.query(query).result_rows:
                faults.setdefault(int(offset), str(reason))
    broken: dict[str, Any] = {"broken": sorted(faults)}
    spans, points = (
        int(client.query(query, broken).result_rows[0][0] or 0) if mark in block.data else 0
        for mark, query in otlp.COUNTS.items()
    )
    for target in rows.TARGETS:
        if target.mark in block.data:
            settings = {
                **_REPEATABLE,
                "insert_deduplication_token": ledger.token(identity, block, target.table),
            }
            client.command(target.insert, broken, settings=settings)
    ledger.record_errors(client, identity, path, block, faults)
    return len(lines), spans, points, faults


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@contextmanager
def _work_tables(client: Client) -> Iterator[None]:
    for statement in (*otlp.DROP, *otlp.CREATE):
        client.command(statement)
    try:
        yield
    finally:
        for statement in otlp.DROP:
            client.command(statement)


def _row_binary(offset: int, line: bytes) -> bytes:
    """A row of ``otlp_lines`` in ClickHouse's RowBinary: UInt64, then length (LEB128) and bytes."""
    length = len(line)
    prefix = bytearray(struct.pack("<Q", offset))
    while length >= 0x80:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + line


class _Progress:
    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._done = 0
        self._total = total
        self._on_progress = on_progress

    def skip(self, size: int) -> None:
        self._total -= size

    def advance(self, size: int) -> None:
        self._done += size
        if self._on_progress is not None:
            self._on_progress(self._done, max(self._total, self._done))
