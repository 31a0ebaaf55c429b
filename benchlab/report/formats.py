"""The formats that a report is written in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

from benchlab.errors import InputError

__all__ = ["DEFAULT_FORMATS", "FORMATS", "Format", "check_formats"]

Format: TypeAlias = Literal["html", "md", "csv", "json", "pdf"]

FORMATS: Final[tuple[Format, ...]] = get_args(Format)

DEFAULT_FORMATS: Final[tuple[Format, ...]] = ("html", "csv", "json")


def check_formats(names: Iterable[str]) -> tuple[Format, ...]:
    """``names`` as formats, each once and in the order of `FORMATS`.

    Raises:
        InputError: one is not a format, or there is none.

    >>> check_formats(["pdf", "html", "pdf"])
    ('html', 'pdf')
    """
    given = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in given if name not in FORMATS]
    if unknown or not given:
        raise InputError(
            "is not a format of reports" if unknown else "names no format",
            field="formats",
            value=unknown[0] if unknown else (),
            remedy=f"use {', '.join(FORMATS)}",
        )
    return tuple(name for name in FORMATS if name in given)
