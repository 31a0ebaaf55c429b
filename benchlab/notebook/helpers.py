"""Helpers for notebooks: a plan from parameters, and progress below the cell."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from html import escape
from typing import Any

from benchlab.display.progress import ab_text, done_text, numbers_text
from benchlab.display.results.capacity import progress_text
from benchlab.experiments.ab_progress import ABProgress, OnABProgress
from benchlab.experiments.capacity_progress import CapacityProgress, OnCapacityProgress
from benchlab.load.supervisor.progress import OnProgress, Progress
from benchlab.notebook import events
from benchlab.plan.files.scenario import scenario
from benchlab.plan.plan import Plan

__all__ = [
    "plan_parameters",
    "show_ab_progress",
    "show_capacity_progress",
    "show_progress",
]


def plan_parameters(variables: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Those of ``variables`` that `benchlab.Plan.from_options` takes, for the service at ``url``.

    In a notebook with parameters of these names, pass ``globals()``. A ``scenario`` given as text,
    ``FILE.py:FUNCTION``, is read from its file.

    Raises:
        InputError: the scenario cannot be read.

    >>> plan_parameters({"rate_rps": 500.0, "report_dir": "out"}, "http://127.0.0.1:8000/")
    {'url': 'http://127.0.0.1:8000/', 'rate_rps': 500.0}
    """
    names = inspect.signature(Plan.from_options).parameters
    found = {"url": url, **{name: variables[name] for name in names if name in variables}}
    reference = found.get("scenario")
    if isinstance(reference, str):
        found["scenario"] = scenario(reference, url) if reference else None
    return {**found, "url": url}


def show_progress() -> OnProgress:
    """Show a progress line below the cell, for ``bl.run(plan, on_progress=show_progress())``."""
    update = _line_below_cell()

    def show(progress: Progress) -> None:
        events.write({"progress": asdict(progress), "pid": os.getpid()})
        numbers = f"{done_text(progress)} · {numbers_text(progress)}"
        update(progress.done_ratio, f"{escape(progress.phase)} {numbers}")

    return show


def show_capacity_progress() -> OnCapacityProgress:
    """Show how the bracket of a capacity closes, for ``bl.capacity(…, on_progress=…)``."""
    update = _line_below_cell()

    def show(progress: CapacityProgress) -> None:
        events.write({"pid": os.getpid()})
        update(progress.done_ratio, escape(progress_text(progress)))

    return show


def show_ab_progress() -> OnABProgress:
    """Show how the interval of an A/B closes, for ``bl.ab(…, on_progress=show_ab_progress())``."""
    update = _line_below_cell()

    def show(progress: ABProgress) -> None:
        events.write({"pid": os.getpid()})
        update(progress.done / progress.blocks, escape(ab_text(progress)))

    return show


def _line_below_cell() -> Callable[[float, str], None]:
    """A progress bar below the cell: pass it the share that is done, and HTML beside it."""
    from IPython import display

    handle: Any = display.display(display.HTML(""), display_id=True)  # type: ignore[no-untyped-call]

    def update(done_ratio: float, text: str) -> None:
        if handle is not None:
            bar = f'<progress value="{done_ratio:.3f}" max="1" style="width:16em"></progress>'
            handle.update(display.HTML(f"{bar} {text}"))  # type: ignore[no-untyped-call]

    return update


