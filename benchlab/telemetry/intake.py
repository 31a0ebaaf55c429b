"""Ingest OTLP JSON files into the store, each line once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from benchlab.errors import InputError
from benchlab.inserts import once
from benchlab.telemetry import ledger, otlp, rows
from benchlab.telemetry.client import Client
from benchlab.telemetry.content import plain_content
from benchlab.telemetry.files import (
    Block,
    exclusively,
    find_files,
    incomplete_size,
    read_block,
    size_of,
    skip_hole,
    tail_hash,
)
from benchlab.telemetry.nested import flatten_line
from benchlab.telemetry.positions import Position, find_position
from benchlab.text import plural

__all__ = ["Fault", "IngestReport", "PartialLine", "ingest", "ingest_files"]

_MAX_FAULTS = 20

# One thread and no splitting: a repeated block must be cut into the same parts.
_REPEATABLE = {"max_threads": 1, "max_insert_threads": 1}


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be used as a whole: the byte it starts at, and what is wrong with it."""

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
            f"{self.path} ends in the middle of a line ({plural(self.size, 'byte')} at byte"
            f" {self.offset:,}): it will be read once it is complete"
        )


@dataclass(slots=True)
class IngestReport:
    """What one call of `ingest` read.

    ``errors`` counts the lines that could not be used, or not as a whole; all are stored in the
    table ``ingest_errors``, the first 20 are in ``faults``. ``skipped`` counts lines of other
    telemetry, such as logs. ``partial`` are lines that were incomplete and so not read: their
    writer is still writing them, or was killed. ``unreadable`` are the errors of files that could
    not be read, or not to their end.
    """

    paths: set[Path] = field(default_factory=set)
    lines: int = 0
    spans: int = 0
    metric_points: int = 0
    errors: int = 0
    skipped: int = 0
    faults: list[Fault] = field(default_factory=list)
    partial: list[PartialLine] = field(default_factory=list)
    unreadable: list[InputError] = field(default_factory=list)

    @property
    def files(self) -> int:
        """Number of files that were opened."""
        return len(self.paths)

    def add(self, later: IngestReport) -> None:
        """Add the counts of a later call; its ``faults`` and other lists are not added."""
        self.paths |= later.paths
        self.lines += later.lines
        self.spans += later.spans
        self.metric_points += later.metric_points
        self.errors += later.errors
        self.skipped += later.skipped

    def raise_unreadable(self) -> None:
        """Raise an `InputError` if files could not be read."""
        if self.unreadable:
            raise InputError(
                "; ".join(map(str, self.unreadable)),
                remedy="make it readable or leave it out; what the other files hold was read",
            ) from self.unreadable[0]

    def __str__(self) -> str:
        text = (
            f"{plural(self.spans, 'span')} and {plural(self.metric_points, 'metric point')}"
            f" in {plural(self.lines, 'new line')} of {plural(self.files, 'file')}"
        )
        if self.errors:
            verb = "is" if self.errors == 1 else "are"
            text += f"; {plural(self.errors, 'broken line')} {verb} stored in ingest_errors"
        if self.skipped:
            text += f"; {plural(self.skipped, 'line')} of logs or profiles left out"
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
    report = ingest_files(client, find_files(paths), on_progress)
    report.raise_unreadable()
    return report


def ingest_files(
    client: Client,
    files: Sequence[Path],
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """As `ingest`, but files that cannot be read are in the report.

    A file that no longer exists was rotated away, and is omitted.
    """
    report = IngestReport()
    progress = _Progress(sum(size_of(path) for path in files), on_progress)
    with _work_tables(client):
        for path in files:
            try:
                _read(client, path, report, progress)
            except FileNotFoundError:
                continue
            except InputError as exc:
                report.unreadable.append(exc)
            except OSError as exc:
                problem = InputError(f"cannot read {path}: {exc.strerror or exc}")
                report.unreadable.append(problem)
    return report


def _read(client: Client, path: Path, report: IngestReport, progress: _Progress) -> None:
    with path.open("rb") as original, exclusively(original), plain_content(path) as file:
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
        read = _insert_block(client, identity, path, block)
        faults = read.faults
        counts = read.lines, read.spans, read.metric_points, len(faults)
        ledger.finish(client, identity, path, block, tail, counts)
        report.lines += read.lines
        report.spans += read.spans
        report.metric_points += read.metric_points
        report.errors += len(faults)
        report.skipped += read.skipped
        reported = sorted(faults.items())[: _MAX_FAULTS - len(report.faults)]
        report.faults += [Fault(path, offset, reason) for offset, reason in reported]
        progress.advance(block.end - block.start)
        if end is not None:
            return True
        offset = skip_hole(file, block.end)
    if end is None and (size := incomplete_size(file, offset)):
        report.partial.append(PartialLine(path, offset, size))
    return False


@dataclass(frozen=True, slots=True)
class _Read:
    """What a block holds; ``faults`` by the offset of the line."""

    lines: int
    spans: int = 0
    metric_points: int = 0
    skipped: int = 0
    faults: dict[int, str] = field(default_factory=dict)


def _insert_block(client: Client, identity: str, path: Path, block: Block) -> _Read:
    """Insert the rows of a block into their tables."""
    every = list(block.lines())
    lines = [line for line in every if not _is_of_another_signal(line[1])]
    skipped = len(every) - len(lines)
    if not lines:
        return _Read(len(every), skipped=skipped)
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
    lost = 0
    for mark, query in otlp.PROBLEMS.items():
        if mark in block.data:
            for offset, reason, bad_spans in client.query(query).result_rows:
                faults.setdefault(int(offset), str(reason))
                lost += int(bad_spans)
    spans, points = (
        int(client.query(query).result_rows[0][0] or 0) if mark in block.data else 0
        for mark, query in otlp.COUNTS.items()
    )
    for target in rows.TARGETS:
        if target.mark in block.data:
            settings = {
                **once(ledger.token(identity, block, target.table)),
                **_REPEATABLE,
            }
            client.command(target.insert, {"some_bad": lost > 0}, settings=settings)
    ledger.record_errors(client, identity, path, block, faults)
    return _Read(len(every), spans - lost, points, skipped, faults)


def _is_of_another_signal(line: bytes) -> bool:
    """Whether a line has telemetry of a kind that is not stored, and nothing else."""
    return any(mark in line for mark in otlp.OTHER_SIGNALS) and not any(
        mark in line for mark in (otlp.SPANS, otlp.POINTS)
    )


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
