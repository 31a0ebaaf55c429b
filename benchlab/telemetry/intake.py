"""Ingest OTLP JSON files into the store, each line once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from benchlab.errors import InputError
from benchlab.inserts import once
from benchlab.telemetry import ledger, otlp, rows
from benchlab.telemetry.client import Client
from benchlab.telemetry.files import (
    Block,
    exclusively,
    find_files,
    read_block,
    size_of,
    skip_hole,
    tail_hash,
)
from benchlab.telemetry.nested import flatten_line
from benchlab.telemetry.positions import Position, find_position

__all__ = ["Fault", "IngestReport", "PartialLine", "ingest", "ingest_files"]

_MAX_FAULTS = 20

# One thread and no splitting: a repeated block must be cut into the same parts.
_REPEATABLE = {"max_threads": 1, "max_insert_threads": 1}


@dataclass(frozen=True, slots=True)
class Fault:
    """An unusable line: the byte it starts at, and what is wrong with it."""

    path: Path
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line at byte {self.offset:,}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PartialLine:
    """The last line of a file that has no line feed: where it starts and how long it is so far."""

    path: Path
    offset: int
    size: int

    def __str__(self) -> str:
        return (
            f"{self.path} ends in the middle of a line ({_count(self.size, 'byte')} at byte"
            f" {self.offset:,}): it will be read once it is complete"
        )


@dataclass(slots=True)
class IngestReport:
    """What one call of `ingest` read.

    ``errors`` counts the unusable lines; all are stored in the table ``ingest_errors``, the first
    20 are in ``faults``. ``partial`` are lines that were incomplete and so not read: their writer
    is still writing them, or was killed.
    """

    paths: set[Path] = field(default_factory=set)
    lines: int = 0
    spans: int = 0
    metric_points: int = 0
    errors: int = 0
    faults: list[Fault] = field(default_factory=list)
    partial: list[PartialLine] = field(default_factory=list)

    @property
    def files(self) -> int:
        """Number of files that were opened."""
        return len(self.paths)

    def add(self, later: IngestReport) -> None:
        """Add the counts of a later call; its ``faults`` and ``partial`` are not added."""
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
            verb = "is" if self.errors == 1 else "are"
            text += f"; {_count(self.errors, 'broken line')} {verb} stored in ingest_errors"
        return text


def ingest(
    client: Client,
    paths: Iterable[str | Path],
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """Read what is new in OTLP JSON lines files, or directories of them, into the store.

    Takes the files of the Collector's file exporter and of the SDKs. Call it as often as you like,
    also while the files are being written: no line is read twice, even if files are renamed or
    copied, or this process crashes at any point. ``on_progress(done, total)`` counts bytes of new
    data.

    Raises:
        InputError: a path does not exist, or a file cannot be read; the other files were.
    """
    return ingest_files(client, find_files(paths), on_progress)


def ingest_files(
    client: Client,
    files: Sequence[Path],
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """As `ingest`; a file that no longer exists was rotated away, and is omitted."""
    report = IngestReport()
    progress = _Progress(sum(size_of(path) for path in files), on_progress)
    unreadable: OSError | None = None
    with _work_tables(client):
        for path in files:
            try:
                _read(client, path, report, progress)
            except FileNotFoundError:
                continue
            except OSError as exc:
                exc.filename = path
                unreadable = unreadable or exc
    if unreadable is not None:
        raise InputError(
            f"cannot read {unreadable.filename} ({unreadable.strerror or unreadable}): make it"
            " readable or leave it out; what the other files hold was read"
        ) from unreadable
    return report


def _read(client: Client, path: Path, report: IngestReport, progress: _Progress) -> None:
    with path.open("rb") as file, exclusively(file):
        report.paths.add(path)
        position = find_position(client, file)
        progress.skip(position.offset)
        while _read_on(client, path, file, position, report, progress):
            position = find_position(client, file)


def _read_on(
    client: Client,
    path: Path,
    file: BinaryIO,
    position: Position,
    report: IngestReport,
    progress: _Progress,
) -> bool:
    """Read from ``position`` on. Returns whether there may be more, at a new position."""
    offset, identity, end = position.offset, position.file_id, position.unfinished_end
    while identity is not None and (block := read_block(file, offset, end)) is not None:
        tail = tail_hash(file, block.end)
        if end is None and not ledger.begin(client, identity, path, block, tail):
            return True  # another process was first, with a longer or shorter block
        lines, spans, points, faults = _insert_block(client, identity, path, block)
        counts = lines, spans, points, len(faults)
        ledger.finish(client, identity, path, block, tail, counts)
        report.lines += lines
        report.spans += spans
        report.metric_points += points
        report.errors += len(faults)
        reported = sorted(faults.items())[: _MAX_FAULTS - len(report.faults)]
        report.faults += [Fault(path, offset, reason) for offset, reason in reported]
        progress.advance(block.end - block.start)
        if end is not None:
            return True
        offset = skip_hole(file, block.end)
    file.seek(offset)
    rest = file.readline()
    if end is None and not rest.endswith(b"\n") and rest.strip(b"\0 \t\r"):
        report.partial.append(PartialLine(path, offset, len(rest)))
    return False


def _insert_block(
    client: Client, identity: str, path: Path, block: Block
) -> tuple[int, int, int, dict[int, str]]:
    """Insert the rows of a block into their tables.

    Returns the numbers of lines, spans and metric points, and the faults by offset.
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
                **once(ledger.token(identity, block, target.table)),
                **_REPEATABLE,
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
