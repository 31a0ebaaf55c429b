"""Figures as SVG inside a page, in the page's colours and font."""

from __future__ import annotations

import io
import json
import re
from html import escape

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from benchlab.plots import style
from benchlab.report.points import points_of
from benchlab.runs.run import Run
from benchlab.units import format_ms

__all__ = ["HALF_WIDTH", "PLOT_COLORS", "WIDE", "describe_latency", "inline_svg"]

HALF_WIDTH = (5.6, 3.7)
"""Inches at which the text of a figure has the size of the page's small print."""

WIDE = (10.0, 3.3)

PLOT_COLORS = {
    style.LATENCY: "latency",
    style.SERVICE: "service",
    style.LAG: "lag",
    style.SERVER: "server",
    style.ERROR: "error",
    style.CONNECTION: "connection",
    style.INK: "ink",
    style.MUTED: "muted",
    style.GRID: "grid",
    style.PAPER: "paper",
    style.WARNING: "warning",
    **{color: f"heat-{level}" for level, color in enumerate(style.HEAT)},
}
"""Colour of the figures to the CSS variable ``--plot-…`` that replaces it in a page."""

_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(?:url\(#|xlink:href="#)([^)"]*)')
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_NOT_TURNED = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_MARKER = re.compile(
    r'<use href="#(?P<id>[^"]*)" x="(?P<x>[^"]*)" y="(?P<y>[^"]*)" style="(?P<style>[^"]*)"/>'
)
_SHAPE = re.compile(r'<path id="(?P<id>[^"]*)"(?P<d> d="[^"]*")(?: style="[^"]*")?/>')
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def inline_svg(figure: Figure, key: str, description: str) -> Markup:
    """``figure`` as an ``<svg>`` element. ``key`` makes its ids unique in the page.

    Text stays text, drawn in the page's font. Colours of the figures' palette become variables,
    so that the page can restyle them for a dark screen. Places are given to 1/100 of a point.
    What is drawn with a name is in ``data-points`` too, for the script of the page (see
    `points_of`); the picture is complete without it. It belongs into an element of the class
    ``plot``.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key, "svg.image_inline": True}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<style\b.*?</style>", "", text, flags=re.DOTALL)  # it would style the page
    used = {
        of: f"{key}-{number}" for number, of in enumerate(dict.fromkeys(_REFERENCE.findall(text)))
    }
    text = _ID.sub(lambda found: f' id="{used[found[1]]}"' if found[1] in used else "", text)
    text = re.sub(r"\n\s+", "\n", text)
    text = re.sub(r"url\(#([^)]*)\)", lambda found: f"url(#{used[found[1]]})", text)
    text = re.sub(r'xlink:href="#([^"]*)"', lambda found: f'href="#{used[found[1]]}"', text)
    text = _NOT_TURNED.sub("", text)
    text = re.sub(r'\bd="[^"]*"', lambda path: _DECIMALS.sub(r"\1", path[0]), text)
    text = _short_markers(text)
    text = re.sub(r'\bfill="(#[0-9a-f]{6})"', r'style="fill: \1"', text)  # of hatched areas
    text = re.sub(r'style="[^"]*"', lambda style: _HEX.sub(_variable, style[0]), text)
    view_box = re.search(r'viewBox="[^"]*"', text)
    assert view_box is not None
    opening = f'<svg {view_box[0]} role="img" aria-label="{escape(description, quote=True)}"'
    if points := points_of(figure):
        data = json.dumps(points, ensure_ascii=False, separators=(",", ":"))
        opening += f" data-points='{escape(data, quote=False).replace(chr(39), '&#39;')}'"
    opening += ">"
    return Markup(re.sub(r"<svg\b.*?>", lambda _: opening, text, count=1, flags=re.DOTALL))


def _short_markers(text: str) -> str:
    """The markers of ``text`` with what they share where their shape is defined, once for all."""
    styles: dict[str, set[str]] = {}
    for found in _MARKER.finditer(text):
        styles.setdefault(found["id"], set()).add(found["style"])
    shared = {of: one.pop() for of, one in styles.items() if len(one) == 1}

    def placed(found: re.Match[str]) -> str:
        x, y = (_DECIMALS.sub(r"\1", found[axis]) for axis in "xy")
        style = "" if found["id"] in shared else f' style="{found["style"]}"'
        return f'<use href="#{found["id"]}" x="{x}" y="{y}"{style}/>'

    def defined(found: re.Match[str]) -> str:
        style = shared.get(found["id"])
        return (
            found[0] if style is None else f'<path id="{found["id"]}"{found["d"]} style="{style}"/>'
        )

    return _SHAPE.sub(defined, _MARKER.sub(placed, text))


def describe_latency(run: Run) -> str:
    """Median, p99 and maximum, for readers who cannot see a figure."""
    latency = run.summary.latency_ns
    if latency is None:
        return "There are no samples."
    return (
        f"Median {format_ms(latency.p50)}, 99th percentile {format_ms(latency.p99)},"
        f" maximum {format_ms(latency.max)}."
    )


def _variable(match: re.Match[str]) -> str:
    name = PLOT_COLORS.get(match[0])
    return match[0] if name is None else f"var(--plot-{name})"
