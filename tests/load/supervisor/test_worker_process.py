"""What a worker process writes, and what its supervisor makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, run, spool
from benchlab.errors import WorkerError
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.load.supervisor.worker_process import WorkerProcess
from tests.load.servers import always, ok, serving


def test_a_line_of_others_on_standard_output_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('settings are loaded', flush=True)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        serving(always(ok())) as url,
        pytest.raises(WorkerError, match="worker 0 wrote 'settings are loaded'"),
    ):
        run(Plan([Request("GET", url)], ClosedLoop(1), duration_s=0.1))
    assert list(spool.pending()) == []


def forget(worker: WorkerProcess) -> None:
    """Renew its lease no more."""
    worker.tell("lease 0.5")
    while worker.events() is not None:
        pass


def leave(worker: WorkerProcess) -> None:
    """Be gone, as its supervisor's pipe says."""
    worker.close(grace_s=60)


@pytest.mark.parametrize(
    ("desert", "problem"),
    [
        (forget, "was lost: nobody watched it any more"),
        (leave, "was lost: the process that watched it has ended"),
    ],
)
def test_a_worker_with_a_lease_says_that_it_was_left(
    desert: Callable[[WorkerProcess], None], problem: str
) -> None:
    with serving(always(ok())) as url:
        plan = Plan([Request("GET", url)], ConstantRate(50), duration_s=3600)
        with spool.create("0" * 16, plan, {}) as directory:
            worker = WorkerProcess(0)
            worker.assign(directory)
            worker.await_ready(StopSignal())
            for _ in range(3):
                worker.tell("lease 60")
            spool.write_start(directory, time.time_ns())
            worker.tell(f"start {time.monotonic_ns()}")
            while not spool.count_records(directory, 1):
                time.sleep(0.05)
            desert(worker)
            worker.end(0, 0)
        (health,) = spool.read_run(directory).health.workers
    assert (health.problem, health.problem_kind) == (problem, "lost")
