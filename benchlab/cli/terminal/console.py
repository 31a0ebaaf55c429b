"""The door to standard output and standard error for tables and coloured text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from benchlab.text import printable

__all__ = ["console", "error_console"]


def console() -> Console:
    """Standard output. Lines are not wrapped unless it is a terminal."""
    return _wide(_Console())


def error_console() -> Console:
    """Standard error."""
    return _wide(_Console(stderr=True))


class _Console(Console):
    """A console that prints text as it is, since that may come from files and services.

    Square brackets and colons are no markup, and control characters are marked.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else Segment(printable(part.text), part.style)


def _wide(out: Console) -> Console:
    if not out.is_terminal:
        out.width = 400
    return out
