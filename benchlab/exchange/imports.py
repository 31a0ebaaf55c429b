"""Import a file of results, benchlab's own or another tool's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.formats import SOURCES, detect
from benchlab.exchange.own import import_ as own
from benchlab.exchange.tools import jtl, k6, oha, vegeta
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.hgrm import UNITS_NS, read_hgrm
from benchlab.exchange.tools.locust import read_locust_history, read_locust_stats
from benchlab.plan.request import Request
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run

__all__ = ["import_file"]

_RUNS: dict[str, Callable[[Path, Collector], Run]] = {
    "k6-json": k6.read_k6_json,
    "k6-csv": k6.read_k6_csv,
    "vegeta-json": vegeta.read_vegeta_json,
    "vegeta-csv": vegeta.read_vegeta_csv,
    "oha-csv": oha.read_oha_csv,
    "jtl-csv": jtl.read_jtl_csv,
    "jtl-xml": jtl.read_jtl_xml,
}
_SUMMARIES: dict[str, Callable[[Path, str | None], ImportedSummary]] = {
    "oha-json": oha.read_oha_json,
    "locust-history": read_locust_history,
    "locust-stats": read_locust_stats,
}


def import_file(
    path: str | Path, *, source: str | None = None, url: str | None = None, unit: str = "ms"
) -> Run | ImportedSummary:
    """Read a `Run` from a file, or an `ImportedSummary` if the file has no requests.

    ``source`` is the name of the format (as in ``--from``), by default detected from the content;
    ``url`` is the measured address, for formats that do not contain it; ``unit`` is that of the
    latencies in an ``.hgrm`` file. A run of another tool has the verdict ``imported``. The same
    file always gives the same id, so storing it again changes nothing.

    Raises:
        InputError: the format is unknown, the URL invalid, or the file broken. For text formats
            the message has the line number.
    """
    file = Path(path)
    if unit not in UNITS_NS:
        raise InputError(f"unit {unit!r} is unknown: use one of {', '.join(UNITS_NS)}")
    if source is not None and source not in SOURCES:
        raise InputError(f"format {source!r} is unknown: use one of {', '.join(SOURCES)}")
    if url:
        Request("GET", url)  # raises if the URL is invalid
    chosen = source or detect(file)
    if chosen == "hgrm":
        return read_hgrm(file, url, unit)
    if chosen in _SUMMARIES:
        return _SUMMARIES[chosen](file, url)
    if chosen in _RUNS:
        with closing(Collector(url)) as collector:
            return _RUNS[chosen](file, collector)
    return _read_own(file, chosen)


def _read_own(path: Path, format: str) -> Run:
    import pyarrow as pa

    try:
        return own.READERS[format](path)
    except pa.ArrowException as exc:
        raise own.damage(path, exc) from exc
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror or exc}") from exc
