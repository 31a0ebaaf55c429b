"""The page of a result: its answer, its figures, its tables."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.display.results.registry import view_of
from benchlab.displayed import Result
from benchlab.report.figures import inline_svg
from benchlab.report.page import render_page
from benchlab.report.results import RESULT_FIGURES
from benchlab.report.sections import result as section

__all__ = ["inline_figures", "render_result_page"]


def render_result_page(result: Result, files: Sequence[str]) -> str:
    """HTML of the report of ``result``; ``files`` are the names of the files beside it."""
    view = view_of(result)
    sections = [
        section.header(view),
        section.result(view, inline_figures(result)),
        section.footer(files),
    ]
    return render_page(f"{view.title}: {view.banner}", sections)


def inline_figures(
    result: Result, within: str = "", *, beside: bool = True
) -> list[section.InlineFigure]:
    """The figures of ``result`` for a page; read aloud they are its answer.

    ``within`` tells them apart from those of other results of its kind on the page. Without
    ``beside`` there is no table that they could stand beside: they take the whole width.
    """
    view = view_of(result)
    figures = RESULT_FIGURES.get(type(result), ())
    if not beside:
        figures = tuple(figure._replace(size=None, beside=False) for figure in figures)
    kind = type(result).__name__.lower()
    return [
        section.InlineFigure(
            inline_svg(
                figure.drawn(result), f"{within}{kind}{index}", f"{view.banner}: {view.sentence}"
            ),
            figure.caption,
            beside=figure.beside,
            label=f"Figure of {kind}",
        )
        for index, figure in enumerate(figures)
        if figure.applies(result)
    ]
