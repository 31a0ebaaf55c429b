"""Words, tables and progress bars on a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from benchlab.display.tables import ENDPOINT_HEAD, endpoint_rows
from benchlab.display.text import OBJECTIVE_HEAD, floor_in_words, objective_rows
from benchlab.load.supervisor.progress import OnProgress
from benchlab.load.supervisor.progress import Progress as RunProgress
from benchlab.runs.run import Run
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.examples import show_first
from benchlab.samples.summary import Distribution
from benchlab.text import one_line, printable
from benchlab.units import NS_PER_MS, format_count, format_ns, format_rate, format_ratio

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "console",
    "distributions_table",
    "error_console",
    "print_coverage",
    "print_frame",
    "print_run",
    "progress_bar",
    "progress_from_dict",
    "tell",
]

_WHOLE = ("run_id", "started_at", "verdict")  # never folded: people copy and compare them
_EXAMPLES_SHOWN = 5
_VERDICT_STYLE = {
    "valid": "bold green",
    "invalid": "bold red",
    "interrupted": "bold yellow",
    "imported": "bold blue",
}


def console() -> Console:
    """Standard output. Where it is no terminal, lines are as long as they need to be."""
    return _wide(_Console(highlight=False))


def error_console() -> Console:
    """Standard error."""
    return _wide(_Console(stderr=True, highlight=False))


def tell(text: str, *, err: bool = True) -> None:
    """Print a line that has names or words of others in it, safe for a terminal."""
    click.echo(printable(text), err=err)


class _Console(Console):
    """Text may come from files and services: it must not steer the terminal that shows it."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else Segment(printable(part.text), part.style)


@contextmanager
def progress_bar(title: str) -> Iterator[OnProgress | None]:
    """A bar on standard error that follows a run; None where that is no terminal."""
    out = error_console()
    if not out.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.fields[phase]:<9}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[state]}"),
    )
    out.print(Text(title))
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("", total=1, phase="starting", done="", state="")

        def show(progress: RunProgress) -> None:
            bar.update(
                task,
                completed=progress.done_ratio,
                phase=progress.phase,
                done=progress.done_in_words,
                state=_state(progress),
            )

        yield show


def progress_from_dict(data: dict[str, Any]) -> RunProgress:
    """What a notebook told about its run."""
    return RunProgress(**data)


def print_run(run: Run, out: Console | None = None) -> None:
    """The summary of a run: verdict, counts, and the table of durations."""
    out = out or console()
    stats = run.summary
    out.print(Text.assemble("run ", (run.id, "bold"), f"  {run.name}"))
    _print_below(out, Text(run.plan.describe()))
    verdict = Text.assemble("verdict ", (run.verdict, _VERDICT_STYLE[run.verdict]))
    if run.invalid_reason:
        verdict.append(f": {run.invalid_reason}")
    _print_below(out, verdict)
    if run.hint:
        _print_below(out, Text(f"hint: {run.hint}", style="cyan"))
    for warning in run.warnings:
        _print_below(out, Text(f"warning: {warning}", style="yellow"))
    intended = (
        ""
        if stats.intended_rate_rps is None
        else f" (intended {format_rate(stats.intended_rate_rps)})"
    )
    noun, rate = "requests", format_rate(stats.rate_rps)
    if run.iteration_count is not None:
        rate = f"{stats.rate_rps:,.1f} steps/s"
        noun = f"steps of {format_count(run.iteration_count)} iterations"
    _print_below(
        out,
        Text(f"{format_count(stats.count)} {noun} in {stats.duration_s:.2f} s, {rate}{intended}"),
    )
    kinds = ", ".join(f"{kind} {format_count(n)}" for kind, n in stats.errors.items())
    errors = f"{format_count(stats.error_count)} errors ({format_ratio(stats.error_ratio)})"
    _print_below(
        out, Text(f"{errors}{': ' + kinds if kinds else ''}", style="red" if kinds else "")
    )
    for example, warmup in show_first(run.examples, run.plan.warmup_ns, _EXAMPLES_SHOWN):
        where = f"{one_line(example.endpoint, 60)}: " if len(run.plan.endpoint_names) > 1 else ""
        line = f"    {example.kind:<9} {where}{example.describe(warmup=warmup)}"
        out.print(Text(line, style="dim", no_wrap=True, overflow="ellipsis"))
    rows = [
        (name, distribution)
        for name, distribution in (
            ("latency", stats.latency_ns),
            ("service time", stats.service_ns),
            ("lag", stats.lag_ns),
        )
        if distribution is not None
    ]
    if rows:
        out.print(distributions_table(rows))
    _print_below(out, Text(floor_in_words(run), style="" if run.floor else "dim"))
    if run.objectives:
        out.print(_objectives(run))
    if by_endpoint := endpoint_rows(run):
        out.print(_endpoints(by_endpoint))


def print_coverage(coverage: TraceCoverage) -> None:
    """How complete the traces of a run are; nothing when it asked for none."""
    if coverage.sampled:
        _print_below(console(), Text(str(coverage), style="" if coverage.enough else "yellow"))


def print_frame(
    frame: pd.DataFrame,
    out: Console | None = None,
    float_format: str = ",.3f",
    formats: Mapping[str, str] = MappingProxyType({}),
    shortened: str = "",
) -> None:
    """A table of any content. Fixed decimals suit columns in ms; others want ``.6g``.

    ``formats`` has the columns with a format of their own. Where the terminal is too narrow,
    the column ``shortened`` is cut to what the others leave, else columns are folded.
    """
    out = out or console()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    columns = {
        str(name): [_cell(value, formats.get(str(name), float_format)) for value in frame[name]]
        for name in frame.columns
    }
    widths = {name: max(map(len, (name, *cells))) + 1 for name, cells in columns.items()}
    if shortened:
        room = max(out.width - sum(widths.values()) + widths[shortened] - 1, len(shortened))
        columns[shortened] = [
            cell if len(cell) <= room else f"{cell[: room - 1]}…" for cell in columns[shortened]
        ]
    for name in columns:
        numeric = frame[name].dtype.kind in "iuf"
        whole = numeric or name in (shortened, *_WHOLE)
        justify: JustifyMethod = "right" if numeric else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=whole)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    out.print(table)


def _print_below(out: Console, text: Text) -> None:
    """Print a part of a summary, each of its lines below the first word of the run's."""
    out.print(Padding(text, (0, 0, 0, 2), expand=False))


def _wide(out: Console) -> Console:
    if not out.is_terminal:
        out.width = 400
    return out


def distributions_table(rows: list[tuple[str, Distribution]]) -> Table:
    """Named durations by statistic, ms; eight statistics below 100 s fit into 80 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("  ms", no_wrap=True)
    for key in rows[0][1].to_dict():
        table.add_column(key.replace("_", "."), justify="right", no_wrap=True)
    for name, distribution in rows:
        values = distribution.to_dict().values()
        table.add_row(f"  {name}", *(_in_ms(value) for value in values))
    return table


def _in_ms(value_ns: float) -> str:
    value = value_ns / NS_PER_MS
    return f"{value:,.{3 if value < 100 else 2 if value < 1_000 else 0}f}"


def _objectives(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for name in OBJECTIVE_HEAD:
        first = name == OBJECTIVE_HEAD[0]
        table.add_column(f"  {name}" if first else name, overflow="fold")
    for text, word, observed, windows in objective_rows(run):
        style = "green" if word == "met" else "bold red"
        table.add_row(Text(f"  {text}"), Text(word, style=style), observed, windows)
    return table


def _endpoints(rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    first, *others = ENDPOINT_HEAD
    table.add_column(f"  {first}", overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    for name, *cells in rows:
        table.add_row(Text(f"  {name}"), *cells)
    return table


def _state(progress: RunProgress) -> str:
    p99 = "–" if progress.p99_ns is None else format_ns(progress.p99_ns)
    return (
        f"{format_rate(progress.rate_rps)}  p99 {p99}  {format_count(progress.error_count)} errors"
    )


def _cell(value: object, float_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:{float_format}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_cell(item, float_format) for item in value)}]"
    return printable(str(value))  # before its width is taken
