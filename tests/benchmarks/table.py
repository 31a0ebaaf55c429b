"""Results for people: an aligned table on the terminal, and Markdown where a file is named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

__all__ = ["REPORT", "show"]

REPORT = "BENCHLAB_BENCH_REPORT"
"""The variable that names a file to which every table is appended as Markdown."""


def show(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = ""
) -> None:
    """Print a table: the first column is text, the others are numbers; ``note`` stands below."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    lines = []
    for row in cells:
        padded = [row[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(padded).rstrip())
    print("", title, *lines, *([f"  {note}"] if note else []), sep="\n", flush=True)
    if file := os.environ.get(REPORT):
        head = ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
        body = ["| " + " | ".join(row) + " |" for row in cells[1:]]
        text = [f"### {title}", "", *head, *body, *(["", note] if note else []), "", ""]
        with Path(file).open("a") as out:
            out.write("\n".join(text))
