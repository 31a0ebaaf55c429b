"""Write the report of a run or of another result, or the tables of a run alone, to a directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchlab.displayed import Result
from benchlab.errors import OutputError
from benchlab.report.result_page import render_result_page
from benchlab.report.run_page import render_run_page
from benchlab.report.sections.extra import Extra
from benchlab.report.tables import csv_tables
from benchlab.runs.run import Run, check_run
from benchlab.runs.server_side import ServerSide
from benchlab.spool.storage import replace_text
from benchlab.text import plain_cell

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_report", "write_tables"]

_OPTIONAL = "endpoints.csv"


def write_report(
    result: Run | Result,
    directory: Path | str,
    *,
    server: ServerSide | None = None,
    extra: Mapping[str, Extra] | None = None,
) -> Path:
    """Write ``report.html`` and the tables behind it as CSV; returns the path of the page.

    Of the result of an analysis, such as a comparison, the tables are ``result.csv`` and
    ``result.json``; ``server`` and ``extra`` are for runs.

    The page is complete in itself: it opens offline and loads nothing. ``summary.csv``,
    ``histogram.csv`` and ``timeseries.csv`` are written beside it, and ``endpoints.csv`` if the
    plan has several. ``directory`` is made if it does not exist; files in it are replaced one by
    one, each whole, the page last.

    ``server`` is what the service recorded, as `Store.server_side` reads it. ``extra`` adds
    sections at the end, by title: a frame, a figure or text.

    Credentials in headers and URLs are hidden, since reports are passed on.

    Raises:
        OutputError: the directory cannot be written.
    """
    if isinstance(result, Result):
        return _write_result(result, Path(directory))
    check_run(result)
    target = Path(directory)
    page = target / "report.html"
    tables = csv_tables(result)
    text = render_run_page(result, files=list(tables), server_side=server, extras=extra)
    _write_all(target, {**_as_csv(tables), page.name: text})
    return page


def _write_result(result: Result, directory: Path) -> Path:
    page = directory / "report.html"
    texts = {
        **_as_csv({"result.csv": result.to_pandas()}),
        "result.json": f"{json.dumps(result.to_dict(), indent=2)}\n",
    }
    text = render_result_page(result, files=list(texts))
    _write_all(directory, {**texts, page.name: text})
    return page


def write_tables(run: Run, directory: Path | str) -> list[Path]:
    """Write the tables of a report alone, as CSV; returns their paths.

    Raises:
        OutputError: the directory cannot be written.
    """
    texts = _as_csv(csv_tables(run))
    _write_all(Path(directory), texts)
    return [Path(directory) / name for name in texts]


def _as_csv(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """File name to CSV. People open these in spreadsheets, and services named what is in them."""
    return {
        name: _plain(table).to_csv(index=False, lineterminator="\n")
        for name, table in tables.items()
    }


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    texts = table.select_dtypes(exclude=["number", "bool"])
    return table.assign(**{str(name): texts[name].map(_plain_value) for name in texts})


def _plain_value(value: object) -> object:
    return plain_cell(value) if isinstance(value, str) else value


def _write_all(directory: Path, texts: Mapping[str, str]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if _OPTIONAL not in texts:
            (directory / _OPTIONAL).unlink(missing_ok=True)  # of an earlier run with several
        for name, text in texts.items():
            replace_text(directory / name, text)
    except OSError as exc:
        raise OutputError(
            f"cannot write to {directory} ({exc.strerror})",
            remedy="choose a directory that you can write",
        ) from exc
