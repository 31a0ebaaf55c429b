"""A host of a cluster, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.run_view import host_table
from benchlab.runs.host_record import HostRecord
from benchlab.text import plural

__all__ = ["view"]


def view(host: HostRecord) -> ResultView:
    """What it made, what is missing of it, and its clock."""
    return ResultView(
        title=f"{host.name}, {host.address}",
        banner="lost" if host.lost else "host",
        level="bad" if host.lost else "neutral",
        sentence=host.lost or f"made the load of {plural(len(host.workers), 'worker')}",
        tables=(host_table([host]),),
    )
