"""``benchlab sweep``: run a notebook over a grid of parameters."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchlab.cli.exit_codes import exit_code_of_parts
from benchlab.cli.options.notebook import directory_option, parameter_option
from benchlab.cli.options.types import parse_axes
from benchlab.cli.terminal.output import print_line

if TYPE_CHECKING:
    from benchlab.notebook.sweep import Point

__all__ = ["sweep"]


@click.command()
@click.argument("notebook")
@click.option(
    "-g", "axes", multiple=True, metavar="name=v1,v2", help="axis of the grid; repeatable"
)
@parameter_option("parameter with the same value at every point; repeatable")
@directory_option("reports/sweep-<time>")
def sweep(
    notebook: str,
    axes: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    directory: Path | None,
) -> int:
    """Run NOTEBOOK once per point of a parameter grid.

    Points run one after the other. Writes a report per point, index.html with links to them, and
    sweep.csv with a row per point. A point that fails is reported at the end, the others still
    run. The exit code is the one that all failed points have, or else 1.

    \b
    Example:
      benchlab sweep 01_benchmark -g rate_rps=100,200,400 -p duration_s 10
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from benchlab.cli.terminal.console import error_console
    from benchlab.notebook.shipped import notebook_path
    from benchlab.notebook.sweep import grid
    from benchlab.notebook.sweep import sweep as run_sweep

    chosen = parse_axes(axes)
    place = directory or Path("reports") / time.strftime("sweep-%Y%m%d-%H%M%S")
    out = error_console()
    description = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(bar_width=30), MofNCompleteColumn(), description)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=sum(1 for _ in grid(chosen)))

        def on_start(point: Point) -> None:
            bar.update(task, description=point.label)

        def on_done(point: Point) -> None:
            bar.advance(task)
            state = f"failed: {point.error}" if point.error else "done"
            bar.console.print(f"{point.label}: {state}")

        points = run_sweep(
            notebook_path(notebook), chosen, dict(parameters), place, on_start, on_done
        )
    failed = [point for point in points if point.error]
    out.print(f"{len(points) - len(failed)} of {len(points)} points succeeded")
    for point in failed:
        out.print(f"  {point.label}: {point.error}")
    print_line(f"sweep: {place / 'index.html'}", err=False)
    return exit_code_of_parts(point.exit_code for point in failed)
