"""A live view as HTML that looks the same in a widget, a saved notebook and a page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from benchlab.display.banner import Level
from benchlab.display.live.live_view import Color, LiveView, Number, Row
from benchlab.display.live.svg import COLORS, WIDTH, live_svg
from benchlab.display.live.text import left_text, live_line, met_text, state

__all__ = ["live_html"]

_QUIET = "opacity:.75"
_WIDTH_EM = 7.5  # of a number of width 1 on a narrow page, where they take several rows
_LEVELS: Final[Mapping[Level, str]] = {
    "good": f"color:{COLORS['good']}",
    "caution": f"color:{COLORS['caution']}",
    "bad": f"color:{COLORS['bad']}",
    "neutral": "",
}


def live_html(view: LiveView) -> str:
    """``view`` as one element of a height that stays the same while the work goes on."""
    return (
        f'<div class="benchlab-live" role="group" aria-label="{escape(live_line(view))}"'
        f' style="max-width:{WIDTH}px;font-size:13px;line-height:1.4;color:inherit">'
        f"{_head(view)}{_progress(view)}{_numbers(view.numbers)}{live_svg(view)}"
        f"{_rows(view.rows)}</div>"
    )


def _head(view: LiveView) -> str:
    """The title in one line, whatever its length, and the phase."""
    return (
        '<div style="display:flex;gap:.8em;align-items:baseline;height:1.6em">'
        f'<b title="{escape(view.title)}" style="overflow:hidden;text-overflow:ellipsis;'
        f'white-space:nowrap">{escape(view.title)}</b>'
        f'<span class="benchlab-live-phase" style="white-space:nowrap;{_QUIET}">'
        f"{escape(state(view))}</span></div>"
    )


def _progress(view: LiveView) -> str:
    ratio = view.done_ratio
    percent = 0.0 if ratio is None else 100 * min(max(ratio, 0.0), 1.0)
    known = "" if ratio is None else f' aria-valuenow="{percent:.0f}"'
    words = " · ".join(part for part in (view.done, left_text(view)) if part)
    color = COLORS[_bar_color(view)]
    return (
        '<div style="display:flex;gap:.8em;align-items:center;height:1.5em">'
        '<div role="progressbar" aria-label="progress" aria-valuemin="0" aria-valuemax="100"'
        f'{known} style="flex:1;height:6px;border-radius:3px;background:rgba(128,128,128,.25)">'
        f'<div style="width:{percent:.1f}%;height:6px;border-radius:3px;background:{color}"></div>'
        '</div><span class="benchlab-live-done" style="white-space:nowrap;min-width:15em;'
        "font-variant-numeric:tabular-nums;"
        f'text-align:right">{escape(words)}</span></div>'
    )


def _bar_color(view: LiveView) -> Color:
    return "neutral" if view.stop_requested else "good" if view.is_complete else "first"


def _numbers(numbers: tuple[Number, ...]) -> str:
    if not numbers:
        return ""
    cells = "".join(
        f'<div style="flex:{item.width:g} 1 {_WIDTH_EM * item.width:g}em;min-width:0;'
        f'overflow:hidden;white-space:nowrap"><div style="font-size:11px;{_QUIET}">'
        f'{escape(item.label)}</div><div style="font-size:15px;font-weight:600;'
        f'font-variant-numeric:tabular-nums;{_LEVELS[item.level]}">{escape(item.text)}</div></div>'
        for item in numbers
    )
    style = "display:flex;flex-wrap:wrap;gap:.5em;margin:.3em 0 .5em"
    return f'<div style="{style}">{cells}</div>'


def _rows(rows: tuple[Row, ...]) -> str:
    """A line for each condition: whether it is met, as a sign and by its colour."""
    lines = "".join(
        '<div style="display:flex;gap:.6em;white-space:nowrap;overflow:hidden;height:1.5em">'
        f'<span style="width:1em;{_color(row)}">{met_text(row.met) if row.observed else ""}</span>'
        f"<span>{escape(row.name)}</span>"
        f'<span style="font-variant-numeric:tabular-nums;{_QUIET}">{escape(row.observed)}</span>'
        "</div>"
        for row in rows
    )
    return f'<div style="margin-top:.3em">{lines}</div>' if lines else ""


def _color(row: Row) -> str:
    if row.met is None:
        return ""
    return _LEVELS["good" if row.met else "bad"]
