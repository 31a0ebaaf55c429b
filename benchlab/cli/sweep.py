"""``benchlab sweep``: run a notebook over a grid of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchlab.cli.exit_codes import ExitCode, exit_code_of_parts, stopped_by
from benchlab.cli.options.notebook import directory_option, parameter_option
from benchlab.cli.options.types import parse_axes
from benchlab.cli.terminal.output import print_line
from benchlab.text import one_line, plural
from benchlab.units import format_time_s

if TYPE_CHECKING:
    from benchlab.analysis.sweep import Sweep, SweepPoint
    from benchlab.experiments.sweep_progress import OnSweepProgress, SweepProgress
    from benchlab.notebook.sweep.planning import Order
    from benchlab.notebook.sweep.sweeping import PreparedSweep

__all__ = ["sweep"]

_MOST_SHOWN = 20
_LONGEST = 80  # characters of the parameters of a point


@click.command()
@click.argument("notebook")
@click.option(
    "-g", "axes", multiple=True, metavar="name=v1,v2", help="axis of the grid; repeatable"
)
@click.option(
    "--grid",
    "grid_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="TOML or JSON with axes, points and fixed parameters, for what commas cannot say",
)
@parameter_option("parameter with the same value at every point; repeatable")
@click.option(
    "--repeat",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="how often each point is measured; all points once, then all again",
)
@click.option(
    "--order",
    type=click.Choice(["grid", "random"]),
    default="grid",
    show_default=True,
    help="in which order points are measured",
)
@click.option("--seed", type=int, default=None, help="seed of a random order  [default: drawn]")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="how many points are measured at the same time, which disturbs them",
)
@directory_option("reports/sweep-<time>")
@click.option("--dry-run", is_flag=True, help="print the points and the time they take, and stop")
@click.option("--retry-failed", is_flag=True, help="measure again what failed before")
def sweep(
    notebook: str,
    axes: tuple[str, ...],
    grid_file: Path | None,
    parameters: tuple[tuple[str, str], ...],
    repeat: int,
    order: Order,
    seed: int | None,
    jobs: int,
    directory: Path | None,
    dry_run: bool,
    retry_failed: bool,
) -> int:
    """Run NOTEBOOK once per point of a parameter grid.

    Points run one after the other, each in a process and a kernel of its own. Writes a report per
    point, index.html with a table and figures of all, and sweep.csv with a row per point and run.
    The runs are one experiment in the store.

    What is finished in DIR is not measured again, so that the same command resumes a sweep: Ctrl-C
    loses the point under way at most. A changed notebook or parameter makes a new point. A point
    that fails is kept and shown at the end, the others still run. The exit code is the one that all
    failed points have, or else 1.

    \b
    Examples:
      benchlab sweep 01_benchmark -g rate_rps=100,200,400 -p duration_s 10
      benchlab sweep 01_benchmark -g connections=1,2,4,8 -g workers=1,2 -p rate_rps 0 --repeat 3
      benchlab sweep 01_benchmark --grid bodies.toml --order random --dry-run
      benchlab sweep 01_benchmark -g rate_rps=100,200,400 -o reports/rates --retry-failed
    """
    from benchlab.cli.terminal.console import console, error_console
    from benchlab.experiments.saving import usable_store
    from benchlab.load.run import until_stopped
    from benchlab.load.supervisor.stop_signal import StopSignal
    from benchlab.notebook.sweep.grid import Grid, read_grid
    from benchlab.notebook.sweep.sweeping import measure_sweep, prepare_sweep

    grid = Grid(axes=parse_axes(axes))
    made = prepare_sweep(
        notebook,
        grid if grid_file is None else read_grid(grid_file).combined(grid),
        parameters=dict(parameters),
        repeat=repeat,
        order=order,
        seed=seed,
        jobs=jobs,
        directory=directory,
        retry_failed=retry_failed,
    )
    out = console() if dry_run else error_console()
    known = _print_plan(made, out.print, most=None if dry_run else _MOST_SHOWN)
    if dry_run:
        return ExitCode.SUCCESS
    store = usable_store()
    stop = StopSignal()
    with _progress() as on_progress:
        found = until_stopped(
            lambda report: measure_sweep(made, stop, store=store, on_progress=report),
            stop,
            on_progress,
        )
    _print_outcome(found, known)
    if found.run_ids:
        print_line(f"saved in {store.location} as experiment {found.experiment_id}")
    print_line(f"sweep: {found.directory}/index.html", err=False)
    return stopped_by(stop.number) if stop.number else exit_code_of_parts(_failures(found))


def _print_plan(
    made: PreparedSweep, print_text: Callable[..., None], most: int | None
) -> list[str]:
    """Print the points in the order in which they are measured, and about how long they take.

    Returns the warnings that were printed.
    """
    from rich.markup import escape

    from benchlab.notebook.sweep.engine import estimate_s, warnings_of
    from benchlab.notebook.sweep.folder import earlier_points
    from benchlab.notebook.sweep.planning import FIRST_OVERHEAD_S, overhead_s

    plan, folder, jobs = made.plan, made.folder, made.jobs
    to_do = folder.to_do(plan, retry_failed=made.retry_failed)
    finished = list(folder.finished.values())
    numbers = folder.numbers(plan)
    waiting = {point.key for point in to_do}
    order = f", in random order by seed {plan.seed}" if plan.order == "random" else ""
    lines = [
        f"sweep of {plan.notebook.name} over {', '.join(plan.names)}:"
        f" {plural(len(plan.points), 'point')}{order}"
    ]
    points = plan.in_order()
    for point in points[:most]:
        number = numbers[point.key]
        label = one_line(point.finished(number).label, _LONGEST)
        if point.key in waiting:
            state = f"about {format_time_s(estimate_s([point], finished))}"
        elif folder.finished[point.key].error:
            state = "failed before: --retry-failed measures it again"
        else:
            state = "finished before"
        lines.append(f"  point {number}: {label}: {state}")
    if most is not None and len(points) > most:
        lines.append(f"  and {plural(len(points) - most, 'point')} more")
    measured = overhead_s(finished)
    each = format_time_s(FIRST_OVERHEAD_S if measured is None else measured)
    known = "each beside its load" + (", until that has been measured" if measured is None else "")
    if to_do:
        total = format_time_s(estimate_s(to_do, finished, jobs))
        lines.append(f"about {total} for {plural(len(to_do), 'point')}: {each} {known}")
    else:
        lines.append("all of them are finished")
    notes = [note for note in (*warnings_of(jobs), earlier_points(folder, plan)) if note]
    lines += [f"warning: {note}" for note in notes]
    for line in lines:
        print_text(escape(line), soft_wrap=True, highlight=False)
    return notes


@contextmanager
def _progress() -> Iterator[OnSweepProgress]:
    """Show one bar of the whole sweep on standard error; elsewhere a line for each point."""
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    from benchlab.cli.terminal.console import error_console
    from benchlab.display.progress import numbers_text
    from benchlab.display.results.sweep import point_text, progress_text

    out = error_console()
    shown: list[SweepPoint] = []
    columns = (BarColumn(bar_width=30), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=1)

        def show(progress: SweepProgress) -> None:
            last = progress.last
            if last is not None and last not in shown:
                shown[:] = [last]
                left = ""
                if not out.is_terminal and progress.left_s:
                    left = f" · about {format_time_s(progress.left_s)} left"
                finished = progress.skipped + progress.done
                text = f"{finished}/{progress.points} {point_text(last)}{left}"
                bar.console.print(Text(text), soft_wrap=True)
            text = progress_text(progress)
            if progress.run is not None:
                text = f"{text} · {progress.run.phase}, {numbers_text(progress.run)}"
            bar.update(task, completed=progress.done_ratio, description=text)

        yield show


def _print_outcome(found: Sweep, known: Sequence[str]) -> None:
    """Print how many points succeeded, what failed, and what has to be known beyond ``known``."""
    done, failed = len(found.points), found.failed
    print_line(f"{done - len(failed)} of {plural(found.planned, 'point')} succeeded")
    for point in failed:
        print_line(f"  {one_line(point.label, _LONGEST)}: {point.error}")
    for warning in found.warnings:
        if warning not in known:
            print_line(f"warning: {warning}")


def _failures(found: Sweep) -> list[int]:
    """The exit codes of what failed: points, or objectives of their runs."""
    codes = []
    for point in found.points:
        if point.error:
            codes.append(point.exit_code)
        elif any(run.broken_objective_count or run.verdict == "interrupted" for run in point.runs):
            codes.append(ExitCode.OBJECTIVE_BROKEN)
    return codes
