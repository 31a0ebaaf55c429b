"""A small picture of a report: the main figure of its page, as a file of its own."""

from __future__ import annotations

import re

from benchlab.report.figures import PLOT_COLORS

__all__ = ["thumbnail"]

_FIGURE = re.compile(r'<svg\b[^>]*\brole="img"[^>]*>.*?</svg>', re.DOTALL)
_VARIABLE = re.compile(r"var\(--plot-([\w-]+)\)")
_COLORS = {name: color for color, name in PLOT_COLORS.items()}
_POINTS = re.compile(r" data-points='[^']*'")
_TEXT = re.compile(r"<(text|title|desc)\b.*?</\1>", re.DOTALL)
_LARGEST = 60_000  # characters: of more requests than a small picture shows


def thumbnail(html: str) -> str | None:
    """SVG of the first figure of a page; None if it has none, or one too large to be a picture.

    The page's variables become the colours that the figure was drawn in, on its paper. Text, which
    nobody could read, is left out.
    """
    found = _FIGURE.search(html)
    bare = "" if found is None else _TEXT.sub("", _POINTS.sub("", found[0]))
    if not 0 < len(bare) < _LARGEST:
        return None
    svg = _VARIABLE.sub(lambda match: _COLORS.get(match[1], "currentColor"), bare)
    opening = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' font-family="sans-serif" style="background: {_COLORS["paper"]}"'
    )
    return svg.replace("<svg", opening, 1) + "\n"
