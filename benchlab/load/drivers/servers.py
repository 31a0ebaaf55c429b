"""What the services call themselves in the ``Server`` headers of their answers."""

from __future__ import annotations

import re

__all__ = ["ServerNames"]

_MOST = 8
_LONGEST = 100
_HEADS = 256
_SERVER = re.compile(rb"\r\nserver:[ \t]*([^\r\n]*)", re.IGNORECASE)


class ServerNames:
    """The first few different names, in order of appearance. They are others' words: bounded."""

    __slots__ = ("_heads_left", "names")

    def __init__(self) -> None:
        self.names: list[str] = []
        self._heads_left = _HEADS

    def note(self, name: str | None) -> None:
        """Take in the value of a header; None or empty says nothing."""
        if name and len(self.names) < _MOST:
            short = name.strip()[:_LONGEST]
            if short and short not in self.names:
                self.names.append(short)

    def note_head(self, head: bytes) -> None:
        """Take in a whole head of an answer, while it is one of the first."""
        if self._heads_left == 0:
            return  # heads that all differ would cost every request a search
        self._heads_left -= 1
        if found := _SERVER.search(head):
            self.note(found[1].decode("latin-1"))
