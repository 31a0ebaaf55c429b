"""Standard output and standard error, without control characters from foreign text."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from benchlab.text import printable

__all__ = ["console", "error_console", "print_line"]


def console() -> Console:
    """Standard output. Lines are not wrapped unless it is a terminal."""
    return _wide(_Console(highlight=False))


def error_console() -> Console:
    """Standard error."""
    return _wide(_Console(stderr=True, highlight=False))


def print_line(text: str, *, err: bool = True) -> None:
    """Print a line that may contain foreign text; control characters are removed."""
    click.echo(printable(text), err=err)


class _Console(Console):
    """A console that removes control characters: text may come from files and services."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else Segment(printable(part.text), part.style)


def _wide(out: Console) -> Console:
    if not out.is_terminal:
        out.width = 400
    return out
