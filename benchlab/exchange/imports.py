"""Import a file of results, benchlab's own or another tool's."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.formats import SOURCES, detect
from benchlab.exchange.own import import_ as own
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.hgrm import UNITS_NS
from benchlab.plan.request import Request
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run

__all__ = ["import_file"]


def import_file(
    path: str | Path, *, source: str | None = None, url: str | None = None, unit: str | None = None
) -> Run | ImportedSummary:
    """Read a `Run` from a file, or an `ImportedSummary` if the file has no requests.

    ``source`` is the name of the format (as in ``--from``), by default detected from the content;
    ``url`` is the measured address, for formats that do not contain it; ``unit`` is that of the
    latencies in HdrHistogram's files, by default ms in ``.hgrm`` and ns in ``.hlog``. A run of
    another tool has the verdict ``imported``. The same file always gives the same id, so storing it
    again changes nothing.

    Raises:
        InputError: the format is unknown, the URL invalid, or the file broken. For text formats
            the message has the line number.
    """
    file = Path(path)
    if unit is not None and unit not in UNITS_NS:
        raise InputError(f"unit {unit!r} is unknown: use one of {', '.join(UNITS_NS)}")
    if source is not None and source not in SOURCES:
        raise InputError(f"format {source!r} is unknown: use one of {', '.join(SOURCES)}")
    if url:
        Request("GET", url)  # raises if the URL is invalid
    chosen = source or detect(file)
    format = SOURCES[chosen]
    if format.histogram:
        return format.histogram(file, url, unit)
    if format.summary:
        return format.summary(file, url)
    if format.run:
        with closing(Collector(url)) as collector:
            return format.run(file, collector)
    return _read_own(file, chosen)


def _read_own(path: Path, format: str) -> Run:
    import pyarrow as pa

    try:
        return own.READERS[format](path)
    except pa.ArrowException as exc:
        raise own.damage(path, exc) from exc
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror or exc}") from exc
