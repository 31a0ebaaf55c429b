"""The door to standard output and standard error for text without a layout.

Everything that a command prints goes through here or, for layouts, `benchlab.cli.terminal.console`.
Both make text from files, services and other programs harmless on a terminal.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchlab.errors import OutputError
from benchlab.text import printable

__all__ = ["print_data", "print_error", "print_line", "write_json", "write_text"]


def print_line(text: str, *, err: bool = True) -> None:
    """Print a line that may have foreign text in it; control characters are marked."""
    print(printable(text), file=sys.stderr if err else sys.stdout, flush=True)


def print_error(problem: object) -> None:
    """Print what went wrong, as one line on standard error."""
    print_line(f"benchlab: {problem}")


def print_data(text: str) -> None:
    """Print what programs read: unchanged in a pipe or a file, made harmless on a terminal."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def write_json(data: object, file: str) -> None:
    """Write ``data`` as JSON to ``file``; ``-`` is standard output.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(f"{json.dumps(data, indent=2)}\n", file)


def write_text(text: str, file: str) -> None:
    """Write ``text`` to ``file``, whole or not at all; ``-`` is standard output.

    Raises:
        OutputError: the file cannot be written.
    """
    if file == "-":
        print_data(text)
        return
    from benchlab.spool.storage import replace_text

    try:
        replace_text(Path(file), text)
    except OSError as exc:
        raise OutputError(f"cannot write {file} ({exc.strerror})") from exc
