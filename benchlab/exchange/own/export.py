"""Write a run to one Parquet, Arrow or CSV file.

The file has one row per request and one column per field of
`benchlab.samples.samples.SAMPLE_DTYPE`, unconverted. The rest of the run is stored as JSON: in
Parquet and Arrow in the schema metadata under ``benchlab``, in CSV in the first line, after
``# benchlab ``, which other readers skip as a comment (pandas: ``read_csv(path, comment="#")``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError, OutputError
from benchlab.exchange.own.head import encode_head
from benchlab.runs.run import Run, check_run
from benchlab.samples.samples import SAMPLE_DTYPE
from benchlab.spool.storage import replacing

__all__ = [
    "CSV_MARK",
    "FIELDS",
    "FORMATS",
    "METADATA_KEY",
    "export_blocks",
    "export_run",
    "write_blocks",
]

FIELDS: tuple[str, ...] = SAMPLE_DTYPE.names or ()
METADATA_KEY = b"benchlab"
CSV_MARK = "# benchlab "

Write = Callable[[NDArray[np.void]], None]


def export_run(
    run: Run, path: str | Path | None = None, *, format: str | None = None, force: bool = False
) -> Path:
    """Write ``run`` to ``path``; returns the path.

    ``format`` is ``parquet``, ``arrow`` or ``csv``, by default the path's extension; without a
    path it is Parquet, in ``<run id>.parquet``. Credentials in the plan are hidden.

    Raises:
        InputError: an unknown format, or the file exists and ``force`` is not set.
        OutputError: the file cannot be written.
    """
    check_run(run)
    blocks = (block.records for block in run.samples.blocks())
    return export_blocks(run, len(run.samples), blocks, path, format=format, force=force)


def export_blocks(
    run: Run,
    sample_count: int,
    records: Iterable[NDArray[np.void]],
    path: str | Path | None = None,
    *,
    format: str | None = None,
    force: bool = False,
) -> Path:
    """Like `export_run`, for samples that come in blocks: only one block is in memory.

    The file is written completely or not at all; if ``path`` is a link, its target is replaced. A
    named pipe or a device is written to directly and needs no ``force``.
    """
    suffix = Path(path).suffix[1:].lower() if path is not None else ""
    chosen = format or suffix or "parquet"
    if chosen not in FORMATS:
        raise InputError(f"format {chosen!r} is unknown: use one of {', '.join(FORMATS)}")
    target = Path(path) if path is not None else Path(f"{run.id}.{chosen}")
    if target.is_dir():
        raise InputError(f"{target} is a directory: name a file in it")
    if target.is_file() and not force:
        raise InputError(
            f"{target} exists already: choose another file, or allow overwriting it with --force"
            " (force=True)"
        )
    if not target.parent.is_dir():
        raise InputError(
            f"cannot write {target}: the directory {target.parent} does not exist; create it, or"
            " choose another file"
        )
    try:
        with replacing(target) as file:
            write_blocks(run, sample_count, records, file, chosen)
    except OSError as exc:
        raise OutputError(f"cannot write {target} ({exc.strerror or exc})") from exc
    return target


def write_blocks(
    run: Run,
    sample_count: int,
    records: Iterable[NDArray[np.void]],
    file: BinaryIO,
    format: str,
) -> None:
    """Write the whole export to an open file, which stays open."""
    with FORMATS[format](file, encode_head(run, sample_count)) as write:
        for block in records:
            write(block)


@contextmanager
def _parquet(file: BinaryIO, head: str) -> Iterator[Write]:
    import pyarrow.parquet as pq

    schema = _schema(head)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield lambda block: writer.write_batch(_batch(block, schema))


@contextmanager
def _arrow(file: BinaryIO, head: str) -> Iterator[Write]:
    import pyarrow as pa

    schema = _schema(head)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(file, schema, options=options) as writer:
        yield lambda block: writer.write_batch(_batch(block, schema))


@contextmanager
def _csv(file: BinaryIO, head: str) -> Iterator[Write]:
    import pyarrow.csv

    schema = _schema(head)
    file.write(f"{CSV_MARK}{head}\n{','.join(FIELDS)}\n".encode())
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with pyarrow.csv.CSVWriter(file, schema, write_options=options) as writer:
        yield lambda block: writer.write_batch(_batch(block, schema))


def _schema(head: str) -> Any:
    import pyarrow as pa

    types = [pa.from_numpy_dtype(SAMPLE_DTYPE[name]) for name in FIELDS]
    return pa.schema(list(zip(FIELDS, types, strict=True)), metadata={METADATA_KEY: head})


def _batch(block: NDArray[np.void], schema: Any) -> Any:
    import pyarrow as pa

    columns = [pa.array(np.ascontiguousarray(block[name])) for name in FIELDS]
    return pa.record_batch(columns, schema=schema)


FORMATS: dict[str, Callable[[BinaryIO, str], AbstractContextManager[Write]]] = {
    "parquet": _parquet,
    "arrow": _arrow,
    "csv": _csv,
}
"""Writers by format; the format's name is also the file extension."""
