"""Points in processes and kernels of their own: how they fail, and how a sweep ends and resumes."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchlab import Store, spool
from benchlab.experiments.sweep import runs_of_rows
from benchlab.notebook.sweep.point_process import _was_stopped
from benchlab.notebook.sweep.process import PointProcess
from benchlab.units import NS_PER_S
from tests.notebook.sweep.made import Points, notebook_of, sweep_with
from tests.spools import going_on
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]

PARAMETERS = "x: int = 1\nplace: str = ''"
WAITS = """
import pathlib, time
pathlib.Path(place, f"started-{x}").touch()
while x == 2 and not pathlib.Path(place, "go-on").exists():
    time.sleep(0.1)
"""


def test_a_failed_point_has_the_error_and_one_that_was_killed_its_exit_status(
    tmp_path: Path,
) -> None:
    code = "import os\nif x == 1:\n    raise ValueError('no\\nwhatever')\nos.kill(os.getppid(), 9)"
    notebook = notebook_of(code, tmp_path / "x.ipynb", PARAMETERS)
    points = Points()
    points.start = PointProcess  # type: ignore[method-assign, assignment]
    found = sweep_with(points, notebook, tmp_path / "sweep", ["1", "2"], jobs=2)
    failed, killed = found.points
    executed = tmp_path / "sweep" / "point-001" / "report.ipynb"
    assert failed.error == f"ValueError: no\nwhatever (executed notebook: {executed})"
    assert failed.exit_code == 1
    assert killed.error == "exit status -9"


def test_a_sweep_that_was_ended_or_killed_does_the_rest_later(tmp_path: Path) -> None:
    """Ctrl-C, then kill -9: no process is left, and what was finished is not measured again."""
    notebook = notebook_of(WAITS, tmp_path / "x.ipynb", PARAMETERS)
    place, started = tmp_path / "sweep", tmp_path / "started-2"
    command = [sys.executable, "-P", "-m", "benchlab", "sweep", str(notebook), "-g", "x=1,2"]
    command += ["-p", "place", str(tmp_path), "-o", str(place)]
    for number in (signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.05)
        left = psutil.Process(process.pid).children(recursive=True)
        assert len(left) >= 2  # the point and its kernel
        process.send_signal(number)
        _, errors = process.communicate(timeout=90)
        assert psutil.wait_procs(left, timeout=90)[1] == []
        started.unlink()
        if number == signal.SIGINT:
            assert process.returncode == 130, errors
            assert "stopped after 1 of 2 points" in errors
    first = (place / "point-001" / "point.json").stat().st_mtime_ns
    (tmp_path / "go-on").touch()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "point 1: x=1: finished before" in done.stderr
    assert "2 of 2 points succeeded" in done.stderr
    assert done.stdout == f"sweep: {place / 'index.html'}\n"
    assert (place / "point-001" / "point.json").stat().st_mtime_ns == first
    with (place / "sweep.csv").open(newline="") as file:
        assert [row["point"] for row in csv.DictReader(file)] == ["1", "2"]


def test_a_run_that_somebody_stopped_is_told_from_one_that_its_plan_stopped(
    closed_store: Store,
) -> None:
    found = []
    for run_id, reason in (("01a2000000000000", ""), ("01b3000000000000", "p99 was above 5 ms")):
        with going_on(run_id) as directory:
            pass
        spool.write_outcome(directory, NS_PER_S, reason)
        found.append(spool.read_run(directory))
        closed_store.save(found[-1])
    rows = [row for run in found for row in closed_store.rows() if row["run_id"] == run.id]
    assert [_was_stopped(run) for run in runs_of_rows(closed_store, rows)] == [True, False]
