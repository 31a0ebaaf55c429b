"""Interrupted, killed or orphaned: no measured sample is lost, and the run reports what happened.

A server counts the responses it has sent. One that was in transit when a worker was killed is not
measured, so a killed worker may miss up to one response per connection.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Run, Store, run, spool
from benchlab.cli.recover import recover
from benchlab.errors import RunError
from benchlab.load.recording.recorder import Recorder
from benchlab.load.supervisor.progress import Progress
from benchlab.load.supervisor.rescue import rescue, share_memory
from benchlab.paths import spool_root
from benchlab.samples.samples import ErrorKind
from tests.load.servers import always, ok, serving


class Counting:
    """A server's behaviour: respond, and count requests."""

    def __init__(self) -> None:
        self.responded: list[int] = []

    def __call__(self, connection: socket.socket, _request: bytes, number: int) -> bool:
        connection.sendall(ok())
        self.responded.append(number)
        return True


def silent(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return True


@pytest.fixture
def no_child_stays() -> Iterator[None]:
    """The test leaves no process behind."""
    before = children()
    yield
    assert children() == before


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def recovered(run_id: str) -> Run:
    """The run as ``benchlab recover`` stored it, once."""
    for _ in range(2):
        done = CliRunner().invoke(recover, standalone_mode=False)
        assert done.return_value == 0, done.output
    assert list(spool.pending()) == []
    return Store().load(run_id)


@pytest.mark.usefixtures("no_child_stays")
def test_ctrl_c_once_lets_open_requests_finish() -> None:
    server = Counting()

    def slowly(connection: socket.socket, request: bytes, number: int) -> bool:
        time.sleep(0.3)
        return server(connection, request, number)

    def interrupt(progress: Progress) -> None:
        if progress.elapsed_s > 0.5 and not interrupted_s:
            interrupted_s.append(progress.elapsed_s)
            os.kill(os.getpid(), signal.SIGINT)

    interrupted_s: list[float] = []
    with serving(slowly) as url:
        result = run(Plan([Request("GET", url)], ConstantRate(100), 60), on_progress=interrupt)
    assert result.verdict == "interrupted"
    assert result.summary.errors == {}
    assert len(result.samples) == len(server.responded)
    assert result.stopped_ns is not None
    # At once, if the machine has time for it; in any case long before the 60 s that were planned.
    assert result.samples.column("intended_ns").max() <= result.stopped_ns + 20_000_000_000
    assert (result.samples.column("done_ns") > result.stopped_ns).any()
    assert len(recovered(result.id).samples) == len(result.samples)


@pytest.mark.usefixtures("no_child_stays")
def test_ctrl_c_twice_waits_for_nothing() -> None:
    def interrupt(progress: Progress) -> None:
        if progress.elapsed_s > 0.3:
            os.kill(os.getpid(), signal.SIGINT)

    with serving(silent) as url:
        plan = Plan([Request("GET", url)], ConstantRate(50), duration_s=60, timeout_s=50)
        result = run(plan, on_progress=interrupt)
    assert result.verdict == "interrupted"
    assert set(result.summary.errors) == {"abandoned"}
    assert result.summary.count >= 15
    assert len(recovered(result.id).samples) == len(result.samples)


@pytest.mark.usefixtures("no_child_stays")
def test_a_run_whose_spool_is_deleted_makes_no_more_load() -> None:
    def delete(progress: Progress) -> None:
        if progress.count:
            spool.remove(spool_root() / progress.run_id)

    with serving(always(ok())) as url, pytest.raises(RunError, match="was deleted, and what"):
        run(Plan([Request("GET", url)], ConstantRate(50), duration_s=3600), on_progress=delete)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("no_child_stays")
def test_a_killed_worker_loses_no_measured_sample(workers: int) -> None:
    before = children()
    killed: list[int] = []
    server = Counting()

    def kill(progress: Progress) -> None:
        if progress.count > 500 and not killed:
            killed.extend(children() - before)
            os.kill(killed[0], signal.SIGKILL)

    with serving(server) as url:
        plan = Plan([Request("GET", url)], ClosedLoop(4), duration_s=1.5, workers=workers)
        result = run(plan, on_progress=kill)
    assert killed
    assert result.verdict == "invalid"
    assert "killed" in str(result.invalid_reason)
    assert len(server.responded) - 4 <= len(result.samples) <= len(server.responded)
    assert len(np.unique(result.samples.column("seq"))) == len(result.samples)
    assert result.summary.errors == {}
    assert (result.samples.service_ns > 0).all()
    again = recovered(result.id)
    assert len(again.samples) == len(result.samples)
    assert again.verdict == "invalid"


def test_a_killed_parent_leaves_no_worker_and_all_samples(own_data: Path) -> None:
    server = Counting()
    with serving(server) as url:
        script = f"""
import benchlab as bl
plan = bl.Plan([bl.Request("GET", "{url}")], bl.ConstantRate(200), duration_s=60)
bl.run(plan, on_progress=lambda look: print(look.count, flush=True))
"""
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert parent.stdout is not None
        for line in parent.stdout:
            if int(line) > 50:
                break
        workers = psutil.Process(parent.pid).children()
        parent.kill()
        parent.wait()
        parent.stdout.close()
        gone, alive = psutil.wait_procs(workers, timeout=10)
        assert gone
        assert not alive
    (directory,) = spool.pending()
    result = recovered(directory.name)
    assert result.verdict == "interrupted"
    # Responses that the worker had not read yet are abandoned, and on a busy machine they are many.
    assert len(result.samples) >= len(server.responded)
    assert set(result.samples.errors) <= {"abandoned"}


def records(recorder: Recorder, first: int, count: int) -> None:
    for seq in range(first, first + count):
        recorder.record(seq, 1_000 + seq, 1_001, 0, 1_002 + seq, 3, 200, 0, 0, 0, 0)


@pytest.mark.parametrize("count", [0, 1, 700, 1024, 1500, 2048, 2100])
def test_unwritten_records_of_a_killed_worker_are_rescued(tmp_path: Path, count: int) -> None:
    memory = share_memory("test")
    assert memory is not None
    recorder = Recorder(tmp_path / "samples", 10, memory)
    recorder.start_ns = 1_000
    records(recorder, 0, count)
    written = len(spool.read_records(tmp_path / "samples"))
    assert rescue(memory, tmp_path / "samples", 1_000, 10) == count - written
    rescued = spool.read_records(tmp_path / "samples")
    recorder.close()
    os.close(memory)
    assert list(rescued["seq"]) == list(range(count))
    assert list(rescued["intended_ns"]) == list(range(count))
    assert list(rescued["flags"][:12]) == ([1] * 10 + [0] * 2)[:count]


def test_rescue_neither_tears_nor_duplicates_records(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    memory = share_memory("test")
    assert memory is not None
    recorder = Recorder(path, 0, memory)
    records(recorder, 0, 100)
    before = os.pread(memory, 100 * 56, 0)
    recorder.flush()
    os.pwrite(memory, before, 0)  # it died after writing, before clearing its buffer
    assert rescue(memory, path, 0, 0) == 0
    with path.open("ab") as file:
        file.write(before[:30])  # it died in the middle of writing
    os.pwrite(memory, struct.pack("<qqqqqqq", 100, 1, 1, 1, 2, 0, 0), 100 * 56)
    assert rescue(memory, path, 0, 0) == 0  # it died in the middle of making a record
    records(recorder, 100, 5)
    assert rescue(memory, path, 0, 0) == 5
    assert list(spool.read_records(path)["seq"]) == list(range(105))
    recorder.close()
    os.close(memory)


def test_a_run_in_a_thread_ends_when_its_worker_is_killed() -> None:
    """Without signals, and with its only worker killed at once, the run ends and reports that."""
    before = children()
    results: list[Run] = []

    def kill(progress: Progress) -> None:
        for pid in children() - before:
            os.kill(pid, signal.SIGKILL)

    with serving(silent) as url:
        plan = Plan([Request("GET", url)], ConstantRate(50), duration_s=30)
        thread = threading.Thread(target=lambda: results.append(run(plan, on_progress=kill)))
        thread.start()
        thread.join(timeout=20)
    (result,) = results
    assert result.verdict == "invalid"
    assert ErrorKind.OK not in result.samples.column("error")
