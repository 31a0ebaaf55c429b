"""Helpers for notebooks: start a service, show progress, write the report."""

from __future__ import annotations

import inspect
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.bundled import TargetProcess, start_target
from benchlab.display.live import LiveView
from benchlab.display.live.ab import ab_view
from benchlab.display.live.capacity import capacity_view
from benchlab.display.live.run import run_view
from benchlab.experiments.ab_progress import OnABProgress
from benchlab.experiments.capacity_progress import OnCapacityProgress
from benchlab.live.show import watcher
from benchlab.live.watcher import Watcher
from benchlab.load.supervisor.progress import OnProgress, Progress
from benchlab.load.supervisor.stop_signal import request_stop
from benchlab.notebook import events
from benchlab.paths import data_dir
from benchlab.plan.files.scenario import scenario
from benchlab.plan.plan import Plan
from benchlab.redact import public_url
from benchlab.runs.run import Run, check_run
from benchlab.store import Store
from benchlab.telemetry import IngestReport, ingest

__all__ = [
    "Service",
    "collect_telemetry",
    "finish",
    "plan_parameters",
    "service",
    "show_ab_progress",
    "show_capacity_progress",
    "show_progress",
]


class Service:
    """The service that a notebook measures: any service, or the bundled target.

    ``url`` is where requests go. ``otlp_dir`` is the directory of its telemetry files, or None;
    ``disposable`` says whether they are benchlab's own and complete.
    """

    def __init__(self, url: str, otlp_dir: Path | None, process: TargetProcess | None) -> None:
        self.url = url
        self.otlp_dir = otlp_dir
        self.disposable = False
        self._process = process

    def stop(self) -> None:
        """Stop the bundled target, which completes its telemetry; leave other services alone."""
        if self._process is not None:
            self._process.stop()
            self.disposable = self.otlp_dir is not None and data_dir() in self.otlp_dir.parents

    def __repr__(self) -> str:
        kind = "bundled target" if self._process is not None else "service"
        return f"<{kind} at {public_url(self.url)}>"


def service(url: str = "", otlp_dir: str = "", *, path: str = "/api/vector/add") -> Service:
    """The service at ``url``; with an empty ``url``, a freshly started bundled target.

    ``path`` is the path to measure of the bundled target.
    """
    if url:
        return Service(url, Path(otlp_dir) if otlp_dir else None, None)
    directory = Path(otlp_dir) if otlp_dir else data_dir() / "otlp" / f"{time.time_ns()}"
    process = start_target(otlp_dir=directory)
    return Service(process.url + path, directory, process)


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
    """Show a run as it goes on, for ``bl.run(plan, on_progress=show_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = watcher(request_stop)

    def show(progress: Progress) -> None:
        events.write({"progress": progress.to_dict(), "pid": os.getpid()})
        _draw(watch, run_view(progress))

    return show


def show_capacity_progress() -> OnCapacityProgress:
    """Show how a capacity is found, for ``bl.capacity(…, on_progress=show_capacity_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = watcher(request_stop)
    return lambda progress: _draw(watch, capacity_view(progress))


def show_ab_progress() -> OnABProgress:
    """Show how the interval of an A/B closes, for ``bl.ab(…, on_progress=show_ab_progress())``.

    In a notebook that is a view with a Stop button, which acts while the cell runs.
    """
    watch = watcher(request_stop)
    return lambda progress: _draw(watch, ab_view(progress))


def _draw(watch: Watcher, view: LiveView) -> None:
    if view.finished:
        watch.close(view)
    else:
        watch.update(view)


def collect_telemetry(store: Store, service: Service) -> IngestReport | None:
    """Ingest the service's telemetry files into the store; None where there are none.

    Files of the bundled target are removed once the store has them.
    """
    if service.otlp_dir is None or not service.otlp_dir.is_dir():
        return None
    with store.connect() as client:
        taken = ingest(client, [service.otlp_dir])
    if service.disposable:
        shutil.rmtree(service.otlp_dir, ignore_errors=True)
    return taken


def finish(store: Store, run: Run, directory: str = "") -> Path:
    """Write the report of a stored run, with the service's side; returns the path of the page.

    ``directory`` empty: ``reports/<run id>`` below the working directory.
    """
    check_run(run)
    place = Path(directory) if directory else Path("reports") / run.id
    from benchlab.report import write_report  # with matplotlib: only the kernel needs it

    page = write_report(run, place, server=store.server_side(run.id))
    events.write({"report": str(page.absolute()), "run_id": run.id})
    return page
