"""Figures as SVG inside a page: they take the page's colours and need nothing from outside."""

from __future__ import annotations

import io
import re
from html import escape

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from benchlab.plots import style

__all__ = ["PLOT_COLORS", "inline_svg"]

PLOT_COLORS = {
    style.LATENCY: "latency",
    style.SERVICE: "service",
    style.LAG: "lag",
    style.SERVER: "server",
    style.ERROR: "error",
    style.INK: "ink",
    style.MUTED: "muted",
    style.GRID: "grid",
    style.PAPER: "paper",
    style.WARNING: "warning",
}
"""Colour of the figures to the CSS variable ``--plot-…`` that stands for it in a page."""

_HEX = re.compile(r"#[0-9a-f]{6}\b")


def inline_svg(figure: Figure, key: str, description: str) -> Markup:
    """``figure`` as an ``<svg>`` element. ``key`` tells its ids from those of other figures.

    Text stays text, drawn in the page's font. Colours of the figures' palette become variables,
    so that the page can restyle them for a dark screen.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key, "svg.image_inline": True}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<style\b.*?</style>", "", text, flags=re.DOTALL)  # it would style the page
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = text.replace("url(#", f"url(#{key}-").replace('xlink:href="#', f'href="#{key}-')
    text = re.sub(r'style="[^"]*"', lambda style: _HEX.sub(_variable, style[0]), text)
    view_box = re.search(r'viewBox="[^"]*"', text)
    assert view_box is not None
    opening = f'<svg {view_box[0]} role="img" aria-label="{escape(description, quote=True)}">'
    return Markup(re.sub(r"<svg\b.*?>", lambda _: opening, text, count=1, flags=re.DOTALL))


def _variable(match: re.Match[str]) -> str:
    name = PLOT_COLORS.get(match[0])
    return match[0] if name is None else f"var(--plot-{name})"
