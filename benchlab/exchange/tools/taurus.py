"""Read Taurus' statistics (``dump-csv`` of its final-stats module): a summary, in seconds.

The row with an empty label is that of all requests, and ``throughput`` in it is their number.
(https://github.com/Blazemeter/taurus, ``bzt/modules/reporting.py``)
"""

from __future__ import annotations

from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.parsing import Place, Table
from benchlab.exchange.tools.summaries import integer, nanoseconds, ratio, summary_of
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.units import NS_PER_S

__all__ = ["read_taurus"]

_NEEDED = ("label", "avg_rt", "fail", "succ")


def read_taurus(path: Path, url: str | None) -> ImportedSummary:
    """Read the row of all requests in a CSV file."""
    place = Place(path)
    for fields in Table(path, place, _NEEDED):
        with place:
            if fields["label"]:
                continue
            failed = integer(fields["fail"])
            points = [
                Point(ratio(name.removeprefix("perc_")), nanoseconds(value, NS_PER_S))
                for name, value in fields.items()
                if name.startswith("perc_") and value
            ]
            return summary_of(
                path,
                "taurus-csv",
                "Taurus",
                url=url or "",
                count=failed + integer(fields["succ"]),
                error_count=failed,
                mean_ns=nanoseconds(fields["avg_rt"], NS_PER_S),
                min_ns=next((at.value_ns for at in points if at.ratio == 0), None),
                max_ns=next((at.value_ns for at in points if at.ratio == 1), None),
                percentiles=points,
            )
    raise InputError(f"{path} has no row for all requests, whose label is empty")
