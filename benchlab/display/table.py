"""A table of text: what every renderer of tables takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchlab.display.banner import Level

__all__ = ["Table"]


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
