"""The card that a notebook shows for a result."""

from __future__ import annotations

from benchlab.display.html import LEVEL_COLORS, STYLE, html_table, html_text
from benchlab.display.result_view import ResultView

__all__ = ["result_card"]


def result_card(view: ResultView) -> str:
    """HTML that shows a result: verdict, answer, warnings, figures.

    Complete in itself: no script, nothing loaded from anywhere, every text escaped.
    """
    color = LEVEL_COLORS[view.level]
    facts = "".join(
        f"<span>{html_text(name)} <b>{html_text(text)}</b></span>" for name, text in view.facts
    )
    return "".join(
        [
            STYLE,
            '<div class="benchlab-card"><div class="bl-head">',
            f'<span class="bl-badge" style="background:{color}">{html_text(view.banner)}</span>',
            f'<span class="bl-name">{html_text(view.title)}</span></div>',
            f"<div>{html_text(view.sentence)}</div>" if view.sentence else "",
            *(f'<div class="bl-warning">{html_text(text)}</div>' for text in view.warnings),
            f'<div class="bl-facts">{facts}</div>' if facts else "",
            *(html_table(table) for table in view.tables),
            *(f'<div class="bl-quiet">{html_text(text)}</div>' for text in view.notes),
            "</div>",
        ]
    )
