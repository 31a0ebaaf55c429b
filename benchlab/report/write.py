"""Write the report of a run or of another result, or the tables of a run alone, to a directory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchlab.display.results.markdown import markdown
from benchlab.displayed import Result
from benchlab.errors import OutputError
from benchlab.report.formats import DEFAULT_FORMATS, Format, check_formats
from benchlab.report.index import list_report, manifest_of
from benchlab.report.pdf import find_chromium, print_pdf
from benchlab.report.result_page import render_result_page
from benchlab.report.run_page import render_run_page
from benchlab.report.sections.extra import Extra
from benchlab.report.tables import csv_tables
from benchlab.runs.run import Run, check_run
from benchlab.runs.server_side import ServerSide
from benchlab.spool.storage import replacing
from benchlab.text import plain_cell

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PAGE", "write_report", "write_tables"]

PAGE = "report.html"
_MARKDOWN, _PDF, _JSON = "report.md", "report.pdf", "result.json"
_OPTIONAL = "endpoints.csv"


def write_report(
    result: Run | Result,
    directory: Path | str,
    *,
    server: ServerSide | None = None,
    extra: Mapping[str, Extra] | None = None,
    formats: Iterable[Format] = DEFAULT_FORMATS,
) -> Path:
    """Write the report of a run, or of the result of an analysis, such as a comparison.

    Returns the path of the page or, if ``formats`` have none, of the first file.

        html  ``report.html``, complete in itself: it opens offline and loads nothing
        md    ``report.md``, fit for a comment on a pull request
        csv   the tables: of a run ``summary.csv``, ``histogram.csv``, ``timeseries.csv`` and, if
              the plan has several endpoints, ``endpoints.csv``; of another result ``result.csv``
        json  ``result.json``, what ``to_dict()`` returns
        pdf   ``report.pdf``, the page as a Chromium of this machine prints it

    ``directory`` is made if it does not exist; files in it are replaced one by one, each whole, the
    page last. Below a directory called ``reports``, ``reports/index.html`` then lists the page.

    ``server`` is what the service recorded, as `Store.server_side` reads it, and ``extra`` adds
    sections at the end, by title: a frame, a figure, text or a result, which has a title of its
    own. Both are for runs.

    Credentials in headers and URLs are hidden, since reports are passed on.

    Raises:
        InputError: one of ``formats`` is not a format.
        OutputError: the directory cannot be written, or the PDF not be printed.
    """
    chosen = check_formats(formats)
    if not isinstance(result, Result):
        check_run(result)
    if "pdf" in chosen:
        find_chromium()  # without one, nothing is written
    files: dict[str, str | bytes] = {}
    if "csv" in chosen:
        files |= _as_csv(_tables(result))
    if "json" in chosen:
        files[_JSON] = f"{json.dumps(result.to_dict(), indent=2)}\n"
    if "md" in chosen:
        files[_MARKDOWN] = markdown(result, link=PAGE if "html" in chosen else "")
    if "html" in chosen or "pdf" in chosen:
        beside = [*files, *([_PDF] if "pdf" in chosen else [])]
        page = _page(result, beside, server, extra)
        if "pdf" in chosen:
            files[_PDF] = print_pdf(page)
        if "html" in chosen:
            files[PAGE] = page
    target = Path(directory)
    _write_all(target, files)
    if "html" in chosen:
        list_report(target, manifest_of(result), page)
    return target / (PAGE if "html" in chosen else next(iter(files)))


def _page(
    result: Run | Result,
    files: list[str],
    server: ServerSide | None,
    extra: Mapping[str, Extra] | None,
) -> str:
    if isinstance(result, Result):
        return render_result_page(result, files=files)
    return render_run_page(result, files=files, server_side=server, extras=extra)


def _tables(result: Run | Result) -> Mapping[str, pd.DataFrame]:
    if isinstance(result, Result):
        return {"result.csv": result.to_pandas()}
    return csv_tables(result)


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


def _write_all(directory: Path, files: Mapping[str, str | bytes]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if "summary.csv" in files and _OPTIONAL not in files:
            (directory / _OPTIONAL).unlink(missing_ok=True)  # of an earlier run with several
        for name, content in files.items():
            with replacing(directory / name) as file:
                file.write(content.encode() if isinstance(content, str) else content)
    except OSError as exc:
        raise OutputError(
            f"cannot write to {directory} ({exc.strerror})",
            remedy="choose a directory that you can write",
        ) from exc
