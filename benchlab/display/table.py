"""A table of text: what every renderer of tables takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchlab.display.banner import Level

__all__ = ["Table"]

_LONGEST_NUMBER = 40


class Table(NamedTuple):
    """Column heads and rows of text; the first cell of a row names it.

    Where the rows are results, ``levels`` has that of each, and the second cell is coloured by it.
    ``note`` says what the table leaves out. ``title`` is empty where the place says what it is.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]] = ()
    levels: Sequence[Level] = ()
    note: str = ""
    title: str = ""

    @property
    def are_numbers(self) -> list[bool]:
        """Of each column, whether it is aligned to the right: each of its cells is a number."""
        columns = zip(*self.rows, strict=True)
        return [index > 0 and all(map(_is_number, cells)) for index, cells in enumerate(columns)]


def _is_number(text: str) -> bool:
    """Whether a cell is a number, with a unit or a few words; a sentence may begin with one too."""
    if len(text) > _LONGEST_NUMBER:
        return False
    return text in ("", "–") or text.lstrip("+-−<>≥≤ ")[:1].isdigit()
