"""Helpers for notebooks: a plan from parameters, and progress below the cell."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any

from benchlab.display.live import LiveView
from benchlab.display.live.ab import ab_view
from benchlab.display.live.capacity import capacity_view
from benchlab.display.live.run import run_view
from benchlab.display.live.sweep import sweep_view
from benchlab.errors import InputError
from benchlab.experiments.ab_progress import OnABProgress
from benchlab.experiments.capacity_progress import OnCapacityProgress
from benchlab.experiments.sweep_progress import OnSweepProgress
from benchlab.load.supervisor.progress import OnProgress, Progress
from benchlab.load.supervisor.stop_signal import request_stop
from benchlab.notebook import events
from benchlab.plan.files.recording import read_recording
from benchlab.plan.files.scenario import scenario
from benchlab.plan.plan import Plan
from benchlab.plan.recording import Recording
from benchlab.store import Store
from benchlab.watch.show import cell_watcher
from benchlab.watch.watcher import Watcher

__all__ = [
    "RECORDING_PARAMETERS",
    "plan_parameters",
    "show_ab_progress",
    "show_capacity_progress",
    "show_progress",
    "show_sweep_progress",
]

RECORDING_PARAMETERS = ("replay_log", "replay_service", "window", "log_format")
"""The variables that `plan_parameters` makes a recording of."""


def plan_parameters(variables: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Those of ``variables`` that `benchlab.Plan.from_options` takes, for the service at ``url``.

    In a notebook with parameters of these names, pass ``globals()``. A ``scenario`` given as text,
    ``FILE.py:FUNCTION``, is read from its file. The requests of a ``replay_log`` (with its
    ``log_format``), or of a ``replay_service`` by its spans in the store, become the
    ``recording``; of both, the part in the ``window``. Where these names are empty, they mean
    nothing.

    Raises:
        InputError: the scenario or the recording cannot be read.

    >>> plan_parameters({"rate_rps": 500.0, "report_dir": "out"}, "http://127.0.0.1:8000/")
    {'url': 'http://127.0.0.1:8000/', 'rate_rps': 500.0}
    """
    names = inspect.signature(Plan.from_options).parameters
    found = {"url": url, **{name: variables[name] for name in names if name in variables}}
    reference = found.get("scenario")
    if isinstance(reference, str):
        found["scenario"] = scenario(reference, url) if reference else None
    recording = _recording(variables)
    if recording is not None:
        found["recording"] = recording
    return {**found, "url": url}


def _recording(variables: Mapping[str, Any]) -> Recording | None:
    log, service, window, log_format = (
        str(variables.get(name) or "") for name in RECORDING_PARAMETERS
    )
    if log and service:
        raise InputError(
            "excludes replay_service", field="replay_log", value=log, remedy="give one of them"
        )
    if log:
        return read_recording(log, log_format, window)
    return Store().recording(service, window or None) if service else None


def show_progress() -> OnProgress:
    """Show a run as it goes on, for ``bl.run(plan, on_progress=show_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = _watcher()

    def show(progress: Progress) -> None:
        _draw(watch, run_view(progress), progress=progress.to_dict())

    return show


def show_capacity_progress() -> OnCapacityProgress:
    """Show how a capacity is found, for ``bl.capacity(…, on_progress=show_capacity_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = _watcher()
    return lambda progress: _draw(watch, capacity_view(progress))


def show_ab_progress() -> OnABProgress:
    """Show how the interval of an A/B closes, for ``bl.ab(…, on_progress=show_ab_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = _watcher()
    return lambda progress: _draw(watch, ab_view(progress))


def show_sweep_progress() -> OnSweepProgress:
    """Show how a sweep goes on, for ``bl.sweep(…, on_progress=show_sweep_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = _watcher()
    return lambda progress: _draw(watch, sweep_view(progress))


def _watcher() -> Watcher:
    """What shows progress, with a Stop button unless nobody is there to press it."""
    return cell_watcher(None if os.environ.get(events.VARIABLE) else request_stop)


def _draw(watch: Watcher, view: LiveView, **event: Any) -> None:
    """Show ``view``, and report to who runs the notebook headless that this process makes load."""
    events.write({"pid": os.getpid(), **event})
    if view.finished:
        watch.close(view)
    else:
        watch.update(view)
