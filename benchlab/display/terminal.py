"""A run on a terminal, as rich text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from benchlab.display.colors import COLORS
from benchlab.display.fitted_table import Column, FittedTable
from benchlab.display.run_view import RunView
from benchlab.display.table import Table
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.summary import Distribution
from benchlab.units import format_narrow_ms

__all__ = ["coverage_text", "durations_table", "run_summary"]


def run_summary(view: RunView) -> Group:
    """Verdict, counts, and tables of durations, objectives, endpoints, faults and hosts."""
    parts: list[RenderableType] = [
        Text.assemble("run ", (view.id, "bold"), f"  {view.name}"),
        _indented(Text(f"{view.target} · {view.load} · {view.window}")),
        _indented(_verdict(view)),
    ]
    if view.hint:
        parts.append(_indented(Text(f"hint: {view.hint}", style="cyan")))
    parts += [_indented(Text(f"warning: {text}", style="yellow")) for text in view.warnings]
    parts += [_indented(Text(f"note: {text}")) for text in view.hints]
    intended = f" (intended {view.intended_rate})" if view.intended_rate else ""
    parts.append(_indented(Text(f"{view.counted} in {view.duration}, {view.rate}{intended}")))
    parts.append(_indented(_errors(view)))
    if view.tries:
        parts.append(_indented(Text(f"tries: {view.tries}")))
    if view.streams:
        parts.append(_indented(Text(f"streams: {view.streams}")))
    if view.fidelity:
        parts.append(_indented(Text(f"replay {view.fidelity}")))
    for kind, endpoint, text in view.examples:
        where = f"{endpoint}: " if endpoint else ""
        parts.append(_indented(Text(f"{kind:<9} {where}{text}", style="dim"), 4))
    if view.durations:
        parts.append(durations_table(view.durations))
    if view.intervals.rows:
        parts.append(_named_rows(view.intervals))
    parts.append(_indented(Text(view.floor, style="" if view.has_floor else "dim")))
    if view.objectives.rows:
        parts.append(_objectives(view.objectives))
    if view.endpoints.rows:
        parts.append(_named_rows(view.endpoints, ("max, ms", "p50, ms")))
    if view.endpoints.note:
        parts.append(_indented(Text(view.endpoints.note, style="dim")))
    if view.faults.rows:
        parts.append(_named_rows(view.faults))
    parts += _hosts(view.hosts)
    if view.server.coverage.sampled:
        parts.append(coverage_text(view.server.coverage))
    return Group(*parts)


def durations_table(durations: Mapping[str, Distribution]) -> FittedTable:
    """Durations by statistic, ms; eight statistics below 100 s fit into 80 columns."""
    values = {name: part.to_dict() for name, part in durations.items()}
    keys = next(iter(values.values()))
    numbers = {key: [format_narrow_ms(part[key]) for part in values.values()] for key in keys}
    columns = [
        Column("ms", [Text(name) for name in values]),
        *(_numbers(key.replace("_", "."), texts) for key, texts in numbers.items()),
    ]
    return FittedTable(columns, indent=2, turns=True)


def coverage_text(coverage: TraceCoverage) -> RenderableType:
    """How complete the traces of a run are."""
    return _indented(Text(str(coverage), style="" if coverage.enough else "yellow"))


def _verdict(view: RunView) -> Text:
    text = Text.assemble("verdict ", (view.banner, f"bold {COLORS[view.level]}"))
    return text.append(f": {view.reason}") if view.reason else text


def _errors(view: RunView) -> Text:
    kinds = f": {view.error_kinds}" if view.error_kinds else ""
    return Text(f"{view.errors}{kinds}", style="red" if kinds else "")


def _indented(text: Text, columns: int = 2) -> Padding:
    """A part of a summary, each of its lines below the run's id."""
    return Padding(text, (0, 0, 0, columns), expand=False)


def _objectives(objectives: Table) -> FittedTable:
    cells = [[Text(text) for text in column] for column in zip(*objectives.rows, strict=True)]
    for result, level in zip(cells[1], objectives.levels, strict=True):
        result.stylize(f"bold {COLORS[level]}" if level == "bad" else COLORS[level])
    columns = [Column(name, column) for name, column in zip(objectives.head, cells, strict=True)]
    return FittedTable(columns, indent=2)


def _hosts(hosts: Table) -> Iterator[RenderableType]:
    """The table of a cluster's hosts, and what it leaves out; nothing without a cluster."""
    if not hosts.rows:
        return
    cells = [[Text(text) for text in column] for column in zip(*hosts.rows, strict=True)]
    for state, level in zip(cells[1], hosts.levels, strict=True):
        state.stylize(COLORS[level])
    columns = [
        Column(name, column, is_number=is_number)
        for name, column, is_number in zip(hosts.head, cells, hosts.are_numbers, strict=True)
    ]
    yield FittedTable(columns, indent=2, left_out=("clock offset, s", "drift, ms"))
    if hosts.note:
        yield _indented(Text(hosts.note, style="dim"))


def _named_rows(table: Table, left_out: Sequence[str] = ()) -> FittedTable:
    """A table whose first column names the rows, and the others have numbers."""
    first, *others = zip(table.head, zip(*table.rows, strict=True), strict=True)
    columns = [Column(first[0], [Text(name) for name in first[1]])]
    return FittedTable(
        [*columns, *(_numbers(*column) for column in others)], indent=2, left_out=left_out
    )


def _numbers(name: str, texts: Sequence[str]) -> Column:
    return Column(name, [Text(text) for text in texts], is_number=True)
