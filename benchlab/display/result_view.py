"""A result, or another value, as people see it: one answer, and the figures behind it.

Terminal, notebook card, report page and Markdown show the same `ResultView`; they choose only its
form.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchlab.display.banner import Level
from benchlab.display.table import Table

__all__ = ["ResultView"]


@dataclass(frozen=True, kw_only=True)
class ResultView:
    """What is shown of a result, as text. An empty text or sequence has nothing to show.

    ``title`` says what the result is of (``nightly: 5 runs against 5``), ``banner`` is its verdict
    in a word or two (of a value without a verdict, its kind), and ``sentence`` the answer in one
    sentence. ``facts`` are figures with their labels. ``warnings`` must be known when reading the
    numbers; ``notes`` say how they were made.
    """

    title: str
    banner: str
    level: Level
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
