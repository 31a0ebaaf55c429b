"""``sweep.csv`` and ``index.html``: all that is finished of a sweep."""

from __future__ import annotations

import csv
import io

from benchlab.analysis.sweep import Sweep
from benchlab.spool.storage import replace_text
from benchlab.text import plain_cell

__all__ = ["as_csv", "write_index"]


def write_index(sweep: Sweep) -> None:
    """Write both into the directory of ``sweep``, each whole, and list it among the reports."""
    from benchlab.report.index import list_report, manifest_of
    from benchlab.report.sweep_page import render_sweep_page

    assert sweep.directory is not None
    replace_text(sweep.directory / "sweep.csv", as_csv(sweep))
    page = render_sweep_page(sweep)
    replace_text(sweep.directory / "index.html", page)
    list_report(sweep.directory, manifest_of(sweep, "index.html"), page)


def as_csv(sweep: Sweep) -> str:
    """The rows of ``sweep``, with parameters as they were given."""
    text = io.StringIO()
    writer = csv.DictWriter(text, sweep.columns(), lineterminator="\n")
    writer.writeheader()
    for row in sweep.rows(as_given=True):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    """A value for people who open the file in a spreadsheet: a number, or no formula."""
    if not isinstance(value, str):
        return value
    try:
        float(value)
    except ValueError:
        return plain_cell(value)
    return value
