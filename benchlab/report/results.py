"""Which figures a result has on its page: one line for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from benchlab.displayed import Result

__all__ = ["RESULT_FIGURES", "ResultFigure"]


class ResultFigure(NamedTuple):
    """A figure of a result: its function, and how to read it."""

    draw: Callable[[Any], Figure]
    caption: str = ""


RESULT_FIGURES: Mapping[type[Result], tuple[ResultFigure, ...]] = {}
"""A result without an entry has a page without figures."""
