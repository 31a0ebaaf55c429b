"""Where in a plan file something is, in the words of that file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from benchlab.errors import InputError

__all__ = ["Keys", "Place"]

Keys = tuple[str | int, ...]
"""The keys that lead to a value; a number counts the tables of an array, from 1."""

_BARE = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = re.compile(rf"\s*({_BARE}(?:\s*\.\s*{_BARE})*)\s*=")
_TABLE = re.compile(rf"\s*(\[\[?)\s*({_BARE}(?:\s*\.\s*{_BARE})*)\s*\]")
_PART = re.compile(_BARE)
_MULTILINE = re.compile('"""|' + "'''")


@dataclass(frozen=True, slots=True)
class Place:
    """A table of a plan file, as messages name it: ``request 2 of plan.toml``.

    ``lines`` has the number of the line on which a key or a table begins, as far as it is known.
    ``unit`` is the end of a name that keys in this table may leave out.
    """

    file: str
    lines: Mapping[Keys, int] = field(default_factory=dict)
    path: Keys = ()
    unit: str = ""

    @classmethod
    def of(cls, file: str, text: str, unit: str = "") -> Place:
        """The top of the plan file ``file`` with the content ``text``."""
        return cls(file, _lines_of(text), unit=unit)

    def __str__(self) -> str:
        words: list[str] = []
        for part in self.path:
            if isinstance(part, int):
                words[-1] = f"{words[-1].removesuffix('s')} {part}"
            else:
                words.append(part)
        return " of ".join([*reversed(words), self.file])

    def at(self, *path: str | int) -> Place:
        """The table at ``path`` in this one."""
        return replace(self, path=(*self.path, *path), unit="")

    def line_of(self, key: str) -> str:
        """This place with the line of ``key``: ``request 2 of plan.toml, line 12``."""
        path: Keys = (*self.path, self.typed(key))
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self}, line {self.lines[path]}" if path else str(self)

    def typed(self, name: str) -> str:
        """The key that sets ``name``, as it is in the file or, where it is not, as it may be."""
        short = name.removesuffix(self.unit) if self.unit else name
        return name if (*self.path, name) in self.lines else short

    @contextmanager
    def errors(self, others: Collection[str] = ()) -> Iterator[None]:
        """Say of errors inside which key of this table they are about.

        Those about one of ``others``, or that say so already, stay as they are.
        """
        try:
            yield
        except InputError as exc:
            if exc.where or exc.field in others:
                raise
            raise exc.of(self.typed(exc.field)).within(self.line_of(exc.field)) from exc


def _lines_of(text: str) -> dict[Keys, int]:
    """The line of each table and each key that has a line of its own."""
    found: dict[Keys, int] = {}
    counts: dict[str, int] = {}
    table: Keys = ()
    inside = ""  # the quotes of a text of several lines
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if head := _TABLE.match(line):
            name, *rest = _parts(head[2])
            if head[1] == "[[" and not rest:
                counts[name] = counts.get(name, 0) + 1
            table = (name, *([counts[name]] if name in counts else []), *rest)
            found.setdefault((name,), number)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
            quotes = _MULTILINE.findall(line)
            inside = quotes[0] if len(quotes) == 1 else ""
    return found


def _parts(key: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(key)]
