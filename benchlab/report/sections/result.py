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
    """A figure inside the page, how to read it, and whether there is room beside it."""

    svg: Markup
    caption: str = ""
    beside: bool = False
    label: str = ""


def header(view: ResultView) -> Section:
    """What the result is of."""
    return Section("result_header", {"title": view.title})


def result(
    view: ResultView,
    figures: Sequence[InlineFigure] = (),
    *,
    heading: bool = False,
    table: Markup | None = None,
) -> Section:
    """The whole result; with a ``heading`` where the page has other subjects too.

    A ``table`` that a page has written for itself stands in the place of all others.
    """
    tables = [each for each in view.tables if each.rows and table is None]
    return Section(
        "result",
        {
            "view": view,
            "first": tables[0] if tables else None,
            "others": tables[1:],
            "table": table,
            "figures": figures,
            "heading": heading,
        },
    )


def footer(files: Sequence[str]) -> Section:
    """Links to the files beside the page."""
    return Section("result_footer", {"version": __version__, "files": files})
