"""A terminal of a given width that records its output."""

from __future__ import annotations

import io

from rich.console import Console

__all__ = ["shown", "terminal"]


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def shown(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()
