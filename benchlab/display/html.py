"""What the cards of notebooks share: style sheet, colours, tables."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from benchlab.display.banner import Level
from benchlab.display.spark import Spark
from benchlab.display.spark_svg import spark_svg
from benchlab.display.table import Table
from benchlab.text import printable

__all__ = ["LEVEL_COLORS", "STYLE", "html_table", "html_text"]

LEVEL_COLORS: Mapping[Level, str] = {
    "good": "#1a7f37",
    "bad": "#b42318",
    "caution": "#8f5a00",
    "neutral": "#3b5b8c",
}
"""The background of a badge with white text."""

# Only inherited colours and translucent greys, so that the card fits light and dark notebooks.
STYLE = """<style>
.benchlab-card{max-width:60rem;padding:.9em 1.1em;border:1px solid rgba(128,128,128,.4);
border-radius:8px;font-size:13px;line-height:1.45;color:inherit}
.benchlab-card div{margin:.15em 0}
.benchlab-card .bl-head{display:flex;flex-wrap:wrap;gap:.2em .7em;align-items:center}
.benchlab-card .bl-name{font-size:1.2em;font-weight:600;overflow-wrap:anywhere}
.benchlab-card .bl-badge{padding:.1em .7em;border-radius:1em;color:#fff;font-weight:600}
.benchlab-card .bl-quiet{opacity:.75;overflow-wrap:anywhere}
.benchlab-card .bl-reason{padding:.4em .7em;border-left:4px solid #b42318;
background:rgba(180,35,24,.12)}
.benchlab-card .bl-warning{padding:.2em .7em;border-left:4px solid #8f5a00;
background:rgba(143,90,0,.12)}
.benchlab-card ul.bl-examples{margin:.2em 0;padding-left:1.3em;overflow-wrap:anywhere}
.benchlab-card .bl-facts{display:flex;flex-wrap:wrap;gap:.3em 2em;margin:.6em 0}
.benchlab-card .bl-facts b{font-size:1.15em;font-variant-numeric:tabular-nums}
.benchlab-card .bl-body{display:flex;flex-wrap:wrap;gap:1em 2em;align-items:flex-end}
.benchlab-card .bl-scroll{overflow-x:auto;max-width:100%}
.benchlab-card table{border-collapse:collapse;font-size:12.5px;font-variant-numeric:tabular-nums;
margin:0;border:0}
.benchlab-card tr,.benchlab-card td,.benchlab-card th{background:none!important;border:0}
.benchlab-card td,.benchlab-card th{padding:.2em .6em;text-align:right;white-space:nowrap}
.benchlab-card thead th{border-bottom:1px solid rgba(128,128,128,.5);font-weight:600}
.benchlab-card .bl-intervals{margin-top:.6em}
.benchlab-card .bl-slo{margin-top:.8em}
.benchlab-card .bl-text{text-align:left!important}
.benchlab-card .bl-scroll+.bl-scroll{margin-top:.6em}
.benchlab-card .bl-title{margin-top:.7em;font-weight:600}
.benchlab-card .bl-bad{font-weight:600;box-shadow:inset 3px 0 #b42318}
.benchlab-card .bl-good{box-shadow:inset 3px 0 #1a7f37}
.benchlab-card .bl-caution{box-shadow:inset 3px 0 #8f5a00}
.benchlab-card .bl-neutral{box-shadow:inset 3px 0 #3b5b8c}
.benchlab-card tr>:first-child{text-align:left;padding-left:0;font-weight:600}
</style>"""
"""The style sheet of a card, as an HTML element."""


def html_text(text: str) -> str:
    """``text`` as HTML that shows it, and nothing that would reorder or hide what is around it."""
    return html.escape(printable(text))


def html_table(table: Table, kind: str = "") -> str:
    """A table whose first column names the rows; nothing without rows.

    The level of a result is the class of its cell.
    """
    if not table.rows:
        return ""
    texts = ["" if is_number else "bl-text" for is_number in table.are_numbers]
    columns = "".join(
        f'<th scope="col"{_class(text)}>{html_text(name)}</th>'
        for name, text in zip(table.head, texts, strict=True)
    )
    lines = "".join(
        f'<tr><th scope="row">{html_text(name)}</th>{_cells(cells, level, texts[1:])}</tr>'
        for (name, *cells), level in zip_longest(table.rows, table.levels)
    )
    title = f'<div class="bl-title">{html_text(table.title)}</div>' if table.title else ""
    note = f'<div class="bl-quiet">{html_text(table.note)}</div>' if table.note else ""
    return (
        f"{title}"
        f'<div class="{f"bl-scroll {kind}".rstrip()}"><table><thead><tr>{columns}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{note}"
    )


def _cells(cells: Sequence[str], level: Level | None, texts: Sequence[str]) -> str:
    """The cells beside a row's name, the first in the colour of ``level``."""
    colors = ["" if level is None else f"bl-{level}", *[""] * len(cells)]
    return "".join(
        f"<td{_class(text, color)}>{_cell(cell)}</td>"
        for cell, text, color in zip(cells, texts, colors, strict=False)
    )


def _class(*names: str) -> str:
    text = " ".join(filter(None, names))
    return f' class="{text}"' if text else ""


def _cell(text: str) -> str:
    return spark_svg(text) if isinstance(text, Spark) else html_text(text)
