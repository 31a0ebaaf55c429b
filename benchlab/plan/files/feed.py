"""Read the rows of a feed from a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.feed import Feed, row_of
from benchlab.text_files import bounded_lines, csv_reader, open_text

__all__ = ["read_feed"]


def read_feed(path: str | Path, pick: str = "sequential") -> Feed:
    """The rows of a ``.csv`` or ``.jsonl`` file.

    The first line of a CSV file has the names, and all its values are text. A JSONL file has one
    object per line, with values of any kind; blank lines are skipped.

    Raises:
        InputError: another kind of file, one that cannot be read, or a line that is not a row.
    """
    path = Path(path)
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".ndjson": _jsonl_rows}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is not a feed file: its name must end in {', '.join(readers)}")
    with _located(path):
        return Feed(readers[path.suffix.lower()](path), pick, str(path.absolute()))


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    with open_text(path) as file:
        reader = csv_reader(bounded_lines(file, str(path)), strict=True)
        names: list[str] = []
        for row in filter(None, reader):
            if names and len(row) != len(names):
                raise InputError(
                    f"line {reader.line_num} of {path} has a different number of fields than the"
                    " header"
                )
            if names:
                yield dict(zip(names, row, strict=True))
            else:
                names = row
                _check_names(names, path)


def _check_names(names: list[str], path: Path) -> None:
    try:
        row_of((name, None) for name in names)
    except ValueError as exc:
        raise InputError(
            f"{exc} in the header of {path}", remedy="give each column a name of its own"
        ) from exc


def _jsonl_rows(path: Path) -> Iterator[dict[str, Any]]:
    with open_text(path) as file:
        for number, line in enumerate(bounded_lines(file, str(path)), 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line, object_pairs_hook=row_of)
            except (json.JSONDecodeError, RecursionError) as exc:
                raise InputError(f"line {number} of {path} is not JSON: {exc}") from exc
            except ValueError as exc:
                raise InputError(f"line {number} of {path} is not a row: {exc}") from exc
            if not isinstance(value, dict):
                raise InputError(
                    f"line {number} of {path} is not a JSON object: {line.strip()[:80]}"
                )
            yield value


@contextmanager
def _located(path: Path) -> Iterator[None]:
    try:
        yield
    except (UnicodeDecodeError, csv.Error) as exc:
        raise InputError(f"cannot read the feed {path}: {exc}") from exc
