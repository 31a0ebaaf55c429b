"""A run on a terminal, as rich text."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchlab.display import run_view
from benchlab.display.run_view import Level, RunView
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.summary import Distribution
from benchlab.units import format_narrow_ms

__all__ = ["coverage_text", "durations_table", "run_summary"]

_COLORS: Mapping[Level, str] = {
    "good": "green",
    "bad": "red",
    "caution": "yellow",
    "neutral": "blue",
}


def run_summary(view: RunView) -> Group:
    """Verdict, counts, and tables of durations, objectives and endpoints."""
    parts: list[RenderableType] = [
        Text.assemble("run ", (view.id, "bold"), f"  {view.name}"),
        _indented(Text(f"{view.target} · {view.load} · {view.window}")),
        _indented(_verdict(view)),
    ]
    if view.hint:
        parts.append(_indented(Text(f"hint: {view.hint}", style="cyan")))
    parts += [_indented(Text(f"warning: {text}", style="yellow")) for text in view.warnings]
    intended = f" (intended {view.intended_rate})" if view.intended_rate else ""
    parts.append(_indented(Text(f"{view.counted} in {view.duration}, {view.rate}{intended}")))
    parts.append(_indented(_errors(view)))
    for kind, endpoint, text in view.examples:
        where = f"{endpoint}: " if endpoint else ""
        line = f"    {kind:<9} {where}{text}"
        parts.append(Text(line, style="dim", no_wrap=True, overflow="ellipsis"))
    if view.durations:
        parts.append(durations_table(view.durations))
    parts.append(_indented(Text(view.floor, style="" if view.has_floor else "dim")))
    if view.objectives.rows:
        parts.append(_objectives(view.objectives))
    if view.endpoints.rows:
        parts.append(_endpoints(view.endpoints))
    if view.server.coverage.sampled:
        parts.append(coverage_text(view.server.coverage))
    return Group(*parts)


def durations_table(durations: Mapping[str, Distribution]) -> Table:
    """Durations by statistic, ms; eight statistics below 100 s fit into 80 columns."""
    table = _table()
    table.add_column("  ms", no_wrap=True)
    for key in next(iter(durations.values())).to_dict():
        table.add_column(key.replace("_", "."), justify="right", no_wrap=True)
    for name, distribution in durations.items():
        values = distribution.to_dict().values()
        table.add_row(
            f"  {name}", *("–" if value is None else format_narrow_ms(value) for value in values)
        )
    return table


def coverage_text(coverage: TraceCoverage) -> RenderableType:
    """How complete the traces of a run are."""
    return _indented(Text(str(coverage), style="" if coverage.enough else "yellow"))


def _verdict(view: RunView) -> Text:
    text = Text.assemble("verdict ", (view.verdict, f"bold {_COLORS[view.level]}"))
    return text.append(f": {view.reason}") if view.reason else text


def _errors(view: RunView) -> Text:
    kinds = f": {view.error_kinds}" if view.error_kinds else ""
    return Text(f"{view.errors}{kinds}", style="red" if kinds else "")


def _indented(text: Text) -> Padding:
    """A part of a summary, each of its lines below the run's id."""
    return Padding(text, (0, 0, 0, 2), expand=False)


def _objectives(objectives: run_view.Table) -> Table:
    first, *others = objectives.head
    table = _table()
    for name in (f"  {first}", *others):
        table.add_column(name, overflow="fold")
    for (text, result, *cells), level in zip(objectives.rows, objectives.levels, strict=True):
        style = f"bold {_COLORS[level]}" if level == "bad" else _COLORS[level]
        table.add_row(Text(f"  {text}"), Text(result, style=style), *cells)
    return table


def _endpoints(endpoints: run_view.Table) -> Table:
    first, *others = endpoints.head
    table = _table()
    table.add_column(f"  {first}", overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    for name, *cells in endpoints.rows:
        table.add_row(Text(f"  {name}"), *cells)
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
