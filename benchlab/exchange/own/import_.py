"""Read the files that `export_run` wrote, in blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchlab.errors import InputError
from benchlab.exchange.own.bounds import bounded_batches, check_count, check_parquet
from benchlab.exchange.own.export import CSV_MARK, FIELDS, METADATA_KEY
from benchlab.exchange.own.head import decode_head
from benchlab.runs.run import Run
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from benchlab.spool.storage import RecordFile

__all__ = ["READERS", "damage"]

_CSV_BLOCK_BYTES = 1 << 22
_CSV_HEAD_LINES = 2
_LONGEST_HEAD_BYTES = 1 << 30  # it has about 30 bytes for each connection of the run


def read_parquet(path: Path) -> Run:
    """Read a run from a Parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        head = (file.schema_arrow.metadata or {}).get(METADATA_KEY)
        check_parquet(file.metadata, str(path))
        return _read(path, head, file.schema_arrow.names, file.iter_batches(columns=list(FIELDS)))


def read_arrow(path: Path) -> Run:
    """Read a run from an Arrow file."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
        head = (file.schema.metadata or {}).get(METADATA_KEY)
        return _read(path, head, file.schema.names, bounded_batches(source, str(path)))


def read_csv(path: Path) -> Run:
    """Read a run from a CSV file."""
    import pyarrow as pa
    import pyarrow.csv

    with path.open("rb") as file:
        line = file.readline(_LONGEST_HEAD_BYTES)
        if not line.endswith(b"\n"):
            raise InputError(f"{path}:1: the metadata of the run is cut off: export it again")
        head = line.decode(errors="replace").removeprefix(CSV_MARK)
        names = file.readline(_CSV_BLOCK_BYTES).decode(errors="replace").strip().split(",")
        if names != list(FIELDS):
            raise InputError(f"{path}:2: the columns are {names}, but must be {list(FIELDS)}")
        types = {name: pa.from_numpy_dtype(SAMPLE_DTYPE[name]) for name in FIELDS}
        if not file.peek(1):
            return _read(path, head, names, iter(()))
        reader = pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(
                column_names=list(FIELDS), use_threads=False, block_size=_CSV_BLOCK_BYTES
            ),
            pyarrow.csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(column_types=types, null_values=[]),
        )
        return _read(path, head, names, iter(reader))


def damage(path: Path, error: Exception) -> InputError:
    """The error for a file that Arrow cannot read; with the line, if Arrow names a CSV row."""
    message = " ".join(str(error).split())
    row = re.search(r"(?:In CSV column #(\d+): )?(?:CSV parse error: )?Row #(\d+): (.*)", message)
    if row is None:
        return InputError(f"{path} is damaged: {message}")
    column = f"in column {FIELDS[int(row[1])]}: " if row[1] else ""
    return InputError(f"{path}:{int(row[2]) + _CSV_HEAD_LINES}: {column}{row[3]}")


READERS: dict[str, Callable[[Path], Run]] = {
    "parquet": read_parquet,
    "arrow": read_arrow,
    "csv": read_csv,
}
"""Readers by format. For a broken file they raise Arrow's ``ArrowException``, which `damage`
translates."""


def _read(path: Path, head: str | bytes | None, names: list[str], batches: Iterator[Any]) -> Run:
    if head is None:
        raise InputError(
            f"{path} was not written by benchlab export: it lacks the metadata of a run"
        )
    run, count = decode_head(head, str(path))
    check_count(count, path.stat().st_size, str(path))
    for wrong, verb in ((0, "lacks"), (2, "repeats")):
        affected = [name for name in FIELDS if min(names.count(name), 2) == wrong]
        if affected:
            raise InputError(f"{path} {verb} the columns {', '.join(affected)}: export it again")
    with closing(RecordFile()) as file:
        for batch in batches:
            columns = {name: _column(path, batch, name, file.count) for name in FIELDS}
            block = np.zeros(batch.num_rows, dtype=SAMPLE_DTYPE)
            for name, values in columns.items():
                block[name] = values
            _check(path, run, block, file.count)
            file.append(block)
            if file.count > count:
                break
        if file.count != count:
            raise InputError(
                f"{path} holds {'at least ' if file.count > count else ''}{file.count:,} of the"
                f" run's {count:,} requests: export it again"
            )
        return replace(run, samples=Samples(file.mapped(), run.samples.endpoints))


def _column(path: Path, batch: Any, name: str, first: int) -> Any:
    """The values of a column, exactly as in the file: anything that does not fit is an error."""
    import pyarrow as pa

    column, field = batch.column(name), SAMPLE_DTYPE[name]
    if not pa.types.is_integer(column.type):
        raise InputError(
            f"{path}: the column {name} has type {column.type}, but must have integers"
        )
    if column.null_count:
        row = first + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(f"{path}: request number {row} has no {name}")
    values, limits = column.to_numpy(zero_copy_only=False), np.iinfo(field)
    if values.dtype != field:
        wrong = np.flatnonzero((values < limits.min) | (values > limits.max))
        if len(wrong):
            raise InputError(
                f"{path}: request number {first + int(wrong[0])} has {name}"
                f" {values[wrong[0]]}, but the range is {limits.min} to {limits.max}"
            )
    return values


def _check(path: Path, run: Run, block: Any, first: int) -> None:
    for name, limit in (("error", len(ErrorKind)), ("endpoint", len(run.plan.endpoint_names))):
        wrong = np.flatnonzero(block[name] >= limit)
        if len(wrong):
            raise InputError(
                f"{path}: request number {first + int(wrong[0])} has {name}"
                f" {int(block[name][wrong[0]])}, but the highest known is {limit - 1}"
            )
