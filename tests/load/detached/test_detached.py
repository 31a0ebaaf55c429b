"""A run in a process of its own: whoever started it may die, and it leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from benchlab import live, spool, start
from benchlab.bundled import TargetProcess
from benchlab.cli.recover import recover
from benchlab.errors import InputError, RunError, TargetError, WorkerError
from benchlab.load.detached.start import start_detached
from benchlab.runs.experiment import TAGS_VARIABLE
from tests.load.detached.processes import long_plan, soon, supervisor_of
from tests.load.servers import always, ok, serving

SECRET = "s3cret-0f-the-caller"

STARTER = """
import os, signal, sys
import benchlab as bl

async def where(client, ctx):
    place = f"{os.path.basename(os.getcwd())} {os.environ['OF_THE_CALLER']}"
    async with ctx.step(place):
        await client.get("/health", headers={"Authorization": KEY})

KEY = sys.stdin.readline().strip()
plan = bl.Plan(load=bl.ConstantRate(20), duration_s=3600, scenario=bl.scenario(where, sys.argv[1]))
print(bl.start(plan).id, flush=True)
signal.pause()
"""


@pytest.mark.timeout(180)
def test_it_outlives_its_starter_and_can_be_stopped_from_anywhere(
    target: TargetProcess, tmp_path: Path, own_data: Path
) -> None:
    """Its starter defines the scenario, as a notebook does, and is killed with its terminal."""
    place = tmp_path / "where it was started"
    place.mkdir()
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, target.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=place,
        env={**os.environ, "OF_THE_CALLER": "of the caller"},
        start_new_session=True,
    )
    with starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        starter.stdin.write(f"{SECRET}\n")
        starter.stdin.flush()
        run_id = starter.stdout.readline().strip()
        process = supervisor_of(run_id)
        assert os.getsid(process.pid) != os.getsid(starter.pid)
        os.killpg(starter.pid, signal.SIGHUP)  # its terminal is closed
        starter.kill()
    process.send_signal(signal.SIGHUP)
    (found,) = live()
    assert (found.id, found.state, found.by_start) == (run_id, "running", True)
    assert found.plan.scenario is not None
    assert not found.plan.scenario.code, "the spool has the plan only as it may be stored"
    seen = found.progress().count
    soon(lambda: found.progress().count > seen + 20)
    assert found.progress().series is not None
    workers = process.children()
    for reader in (process, *workers):
        assert SECRET not in " ".join(reader.cmdline())
    for path in (own_data / "spool" / run_id).iterdir():
        assert SECRET.encode() not in path.read_bytes(), path
    CliRunner().invoke(recover, standalone_mode=False)
    assert found.state == "running", "recover leaves it alone"
    found.stop(abort=True)
    run = found.wait()
    psutil.wait_procs([process, *workers], timeout=60)
    assert not any(reader.is_running() for reader in (process, *workers))
    assert run.verdict == "interrupted"
    assert run.samples.endpoints[1:] == ("where it was started of the caller",)
    assert run.spool == own_data / "spool" / run_id
    assert live()[run_id].state == "done", "until it is saved"


@pytest.mark.timeout(180)
def test_the_supervisor_is_killed(target: TargetProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TAGS_VARIABLE, '{"repeat": "7"}')
    started = start(long_plan(f"{target.url}/health"))
    assert dict(started.plan.tags) == dict(live()[0].plan.tags) == {"repeat": "7"}
    process = supervisor_of(started.id)
    workers = process.children()
    assert workers
    soon(lambda: started.progress().count)
    process.kill()
    with pytest.raises(RunError, match="benchlab recover saves what it measured"):
        started.wait()
    psutil.wait_procs([process, *workers], timeout=60)
    assert not any(worker.is_running() for worker in workers), "nobody is left behind"
    assert started.state == "failed"
    progress = started.progress()
    assert progress.phase == "failed"
    assert progress.count > 0
    assert [run.id for run in live()] == [started.id]
    done = CliRunner().invoke(recover, ["--list"], standalone_mode=False)
    assert f"{progress.count:,} requests" in done.output


def test_errors_are_raised_where_it_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the checks before anything is started, and those of the process."""
    with serving(always(ok())) as url:
        plan = long_plan(url)
        data = tmp_path / "a file"
        data.touch()
        monkeypatch.setenv("BENCHLAB_DATA_DIR", str(data))
        with pytest.raises(RunError, match="set BENCHLAB_DATA_DIR to a directory"):
            start_detached(plan)
    with pytest.raises(TargetError, match="is the service running"):
        start_detached(plan)
    assert not data.read_bytes()


DETACHED = "benchlab.load.detached"
AT_PYTHONS_START = """
import os, signal, sys
if {module!r} in sys.orig_argv:
    {deed}
"""


@pytest.fixture
def python_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Let the processes of a module do something before anything else."""

    def arrange(module: str, deed: str) -> None:
        code = AT_PYTHONS_START.format(module=module, deed=deed)
        (tmp_path / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return arrange


def test_no_process_is_started_for_what_cannot_be_asked_of_a_cluster() -> None:
    plan = long_plan("http://127.0.0.1:1/")
    with pytest.raises(InputError, match="samples='dirct' is unknown: use parent or direct"):
        start_detached(plan, "tcp://scheduler:8786", "dirct")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="ends with this process, which the run outlives"):
        start_detached(plan, object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("module", "error", "problem"),
    [
        (DETACHED, RunError, "ended before it had started it: no such luck"),
        ("benchlab.load.worker", WorkerError, "worker 0 could not start: no such luck"),
    ],
)
def test_a_process_that_cannot_start_says_why(
    module: str, error: type[RunError], problem: str, python_does: Callable[[str, str], None]
) -> None:
    python_does(module, "os.write(2, b'no such luck'); os._exit(3)")
    with serving(always(ok())) as url, pytest.raises(error, match=problem) as raised:
        start_detached(long_plan(url))
    assert type(raised.value) is error
    assert not list(spool.runs())


def test_an_interrupt_before_the_start_leaves_nothing(
    python_does: Callable[[str, str], None],
) -> None:
    python_does(DETACHED, "os.read(0, 1); os.kill(os.getppid(), signal.SIGINT); signal.pause()")
    before = psutil.Process().children(recursive=True)
    with serving(always(ok())) as url, pytest.raises(KeyboardInterrupt):
        start_detached(long_plan(url))
    assert psutil.Process().children(recursive=True) == before
    assert not list(spool.runs())
