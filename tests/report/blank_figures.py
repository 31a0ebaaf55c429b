"""Figures that are drawn and not rendered, for tests of what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import pytest
from matplotlib.figure import Figure

__all__ = ["blank_figures"]


def _savefig(_: Figure, file: TextIO, **__: Any) -> None:
    file.write('<svg viewBox="0 0 1 1"></svg>')


@contextmanager
def blank_figures() -> Iterator[None]:
    """Leave the pictures of a page empty; to render them takes three quarters of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", _savefig)
        yield
