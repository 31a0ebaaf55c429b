"""Print the progress of an A/B."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from benchlab.cli.terminal.console import error_console
from benchlab.display.progress import ab_text
from benchlab.experiments.ab_progress import ABProgress, OnABProgress
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.experiments.ab_design import ABDesign

__all__ = ["ab_bar", "saving_bar"]


@contextmanager
def ab_bar(design: ABDesign) -> Iterator[OnABProgress | None]:
    """Show on standard error what is about to run, and on a terminal how the interval closes."""
    out = error_console()
    for arm, plan in design.plans.items():
        out.print(Text(f"{arm.upper()}: {plan.describe_requests()} · {plan.load.describe()}"))
    out.print(
        Text(
            f"{plural(design.blocks, 'block')} of A and B, {design.block_s:g} s each after"
            f" {design.washout_s:g} s of wash-out: about {design.total_s:,.0f} s"
            f" · seed {design.seed}"
        )
    )
    with _bar(design.blocks) as advance:

        def show(progress: ABProgress) -> None:
            advance(progress.done, ab_text(progress))

        yield show if out.is_terminal else None


@contextmanager
def saving_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many of the runs are saved."""
    with _bar(total) as advance:
        yield lambda done: advance(done, f"saving run {done:,} of {total:,}")


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int, str], None]]:
    from rich.progress import BarColumn, Progress, TextColumn

    out = error_console()
    columns = (BarColumn(bar_width=30), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, text: bar.update(task, completed=done, description=text)
