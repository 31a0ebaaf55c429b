"""Names of a known list, joined by commas."""

from __future__ import annotations

from collections.abc import Sequence

import click

__all__ = ["Names"]


class Names(click.ParamType[tuple[str, ...]]):
    """Some of ``names``, joined by commas; ``noun`` is what one of them is."""

    def __init__(self, noun: str, names: Sequence[str]) -> None:
        self.name = f"{noun}s"
        self._noun = noun
        self._names = tuple(names)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Convert the text to a tuple of names."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        unknown = [name for name in names if name not in self._names]
        if unknown:
            a = "an" if self._noun[0] in "aeiou" else "a"
            self.fail(
                f"{unknown[0]!r} is not {a} {self._noun}: use {', '.join(self._names)}", param, ctx
            )
        return names
