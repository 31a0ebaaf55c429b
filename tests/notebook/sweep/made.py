"""Notebooks and points that cost nothing: what a sweep does without any kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchlab.analysis.sweep import Sweep, SweepRun
from benchlab.experiments.sweep_progress import OnSweepProgress
from benchlab.load.supervisor.progress import Progress
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.notebook.sweep.grid import Grid
from benchlab.notebook.sweep.job import Job, Outcome
from benchlab.notebook.sweep.sweeping import measure_sweep, prepare_sweep

__all__ = ["PARAMETERS", "Points", "made_run", "notebook_of", "sweep_with"]

PARAMETERS = """
x: int = 1  # what is varied
mode: str = "fast"
duration_s: float = 5.0
warmup_s: float = 1.0
headers: dict = {}
token: str = ""
"""


def notebook_of(code: str, path: Path, parameters: str = PARAMETERS) -> Path:
    """A notebook with a cell of parameters and one of code."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": []}
        for source, tags in ((parameters, ["parameters"]), (code, []))
    ]
    for number, cell in enumerate(cells):
        cell |= {"execution_count": None, "id": f"cell{number}"}
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    whole = {"metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps({**whole, "cells": cells}))
    return path


def made_run(number: int, **options: Any) -> SweepRun:
    """A valid run of 1,000 requests."""
    known: dict[str, Any] = {
        "run_id": f"{number:016x}",
        "name": "GET /",
        "verdict": "valid",
        "count": 1000,
        "error_count": 0,
        "rate_rps": 100.0 * number,
        "p50_ns": 1_000_000,
        "p50_low_ns": 900_000,
        "p50_high_ns": 1_100_000,
        "p99_ns": 4_000_000,
        "p99_low_ns": 3_000_000,
    }
    return SweepRun(**{**known, **options})


@dataclass
class _Running:
    """A point that ends when it is asked for the second time; or is stopped before that."""

    outcome: Outcome
    polls: int = 0
    stopped: int = 0

    def poll(self) -> Outcome | None:
        self.polls += 1
        if self.stopped:
            return Outcome(interrupted=True)
        return self.outcome if self.polls > 1 else None

    def progress(self) -> Progress | None:
        return Progress("measuring", 1.0, 2.0)

    def stop(self) -> None:
        self.stopped += 1

    def kill(self) -> None:
        self.stopped += 1


@dataclass
class Points:
    """What starts points: ``outcomes`` by the value of x, and the jobs that were started.

    ``on_start`` is called with each job, before it starts.
    """

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    on_start: Callable[[Job], object] = lambda _: None
    jobs: list[Job] = field(default_factory=list)
    running: list[_Running] = field(default_factory=list)

    def start(self, job: Job, lock: int | None) -> _Running:
        assert lock is not None
        self.on_start(job)
        self.jobs.append(job)
        started = _Running(self.outcomes.get(job.parameters["x"], Outcome()))
        self.running.append(started)
        return started

    @property
    def swept(self) -> list[str]:
        """The values of x of the points that were started."""
        return [job.parameters["x"] for job in self.jobs]


def sweep_with(
    points: Points,
    notebook: Path,
    directory: Path | None,
    values: Sequence[str] = ("1", "2", "3"),
    stop: StopSignal | None = None,
    on_progress: OnSweepProgress | None = None,
    **options: Any,
) -> Sweep:
    """Sweep x over ``values``, with made points and without a store."""
    grid = Grid(axes={"x": list(values)})
    made = prepare_sweep(notebook, grid, directory=directory, **options)
    return measure_sweep(made, stop or StopSignal(), start=points.start, on_progress=on_progress)
