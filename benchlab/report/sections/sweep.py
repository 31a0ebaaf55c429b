"""The points of a sweep, with links to what each of them wrote."""

from __future__ import annotations

from typing import NamedTuple

from benchlab.analysis.sweep import Sweep, SweepPoint
from benchlab.display.banner import Level
from benchlab.display.results.sweep import NOTE, cells, heads, point_level
from benchlab.report.page import Section

__all__ = ["points"]

_FILES = {"report.html": "report", "report.ipynb": "notebook"}


class _Row(NamedTuple):
    """A row of the table: texts with the numbers to sort by, its colour, the files of its point."""

    cells: list[tuple[str, float | None]]
    level: Level
    links: list[tuple[str, str]]
    error: str


def points(sweep: Sweep) -> Section:
    """A row per point and run, to be sorted and filtered; links are relative to its directory."""
    rows = [
        _Row(
            [(text, _number(text)) for text in cells(sweep, point, run)],
            point_level(point, run),
            _links(sweep, point),
            point.error,
        )
        for point in sweep.points
        for run in (point.runs or (None,))
    ]
    return Section("sweep_points", {"heads": heads(sweep), "rows": rows, "note": NOTE})


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _links(sweep: Sweep, point: SweepPoint) -> list[tuple[str, str]]:
    if sweep.directory is None:
        return []
    return [
        (f"{point.folder}/{name}", shown)
        for name, shown in _FILES.items()
        if (sweep.directory / point.folder / name).exists()
    ]
