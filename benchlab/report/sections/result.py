"""The answer of an analysis: verdict, figures, tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from benchlab.display.result_view import ResultView
from benchlab.report.page import Section
from benchlab.version import __version__

__all__ = ["InlineFigure", "footer", "header", "result"]


class InlineFigure(NamedTuple):
    """A figure inside the page, and how to read it."""

    svg: Markup
    caption: str = ""


def header(view: ResultView) -> Section:
    """What the result is of."""
    return Section("result_header", {"title": view.title})


def result(
    view: ResultView, figures: Sequence[InlineFigure] = (), *, heading: bool = False
) -> Section:
    """The whole result; with a ``heading`` where the page has other subjects too."""
    facts = [{"label": name, "lines": [text], "code": False} for name, text in view.facts]
    return Section("result", {"view": view, "facts": facts, "figures": figures, "heading": heading})


def footer(files: Sequence[str]) -> Section:
    """Links to the files beside the page."""
    return Section("result_footer", {"version": __version__, "files": files})
