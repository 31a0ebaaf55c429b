"""Ended by others: SIGTERM, SIGHUP and a closed terminal are a Ctrl-C from someone in a hurry."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil
import pytest

from benchlab import ConstantRate, Plan, Request, Store, run, spool
from benchlab.bundled import TargetProcess
from benchlab.load.supervisor import stop_signal
from benchlab.load.supervisor.progress import Progress
from benchlab.load.supervisor.stop_signal import StopSignal, request_stop, stop_on_signal
from benchlab.signals import ENDING_SIGNALS
from tests.load.servers import always, ok, serving

COMMAND = [sys.executable, "-m", "benchlab", "run"]
LONG = ["--rate", "100", "--duration", "60s", "--warmup", "0s"]
ON_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that a handler of this process got."""
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in ENDING_SIGNALS}
    yield received
    for number, handler in before.items():
        signal.signal(number, handler)


def await_samples(own_data: Path, names: set[str]) -> None:
    """Wait until the runs with these names have samples on disk."""
    deadline = time.monotonic() + 60
    while names:
        assert time.monotonic() < deadline, f"{names} did not start"
        time.sleep(0.05)
        for path in (own_data / "spool").glob("*/samples-0.bin"):
            with suppress(FileNotFoundError):  # saved meanwhile
                if path.stat().st_size:
                    head = (path.parent / "run.json").read_text()
                    names = {name for name in names if f'"name": "{name}"' not in head}


@pytest.mark.timeout(120)
def test_commands_end_as_after_ctrl_c_and_save_their_run(
    target: TargetProcess, own_data: Path
) -> None:
    """All at once: starting is what takes long."""
    run_it = [*COMMAND, f"{target.url}/health", *LONG]
    expected = {
        signal.SIGINT: 130,
        signal.SIGTERM: 143,
        signal.SIGHUP: 129,
    }
    commands = {
        number: subprocess.Popen(
            [*run_it, "--name", number.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in expected
    }
    short = ["--rate", "100", "--duration", "5s", "--warmup", "0s", "--name", "nohup"]
    deaf = subprocess.Popen(
        ["nohup", *COMMAND, f"{target.url}/health", *short],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    terminal, inner = pty.openpty()
    on_terminal = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *run_it, "--name", "terminal"],
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    await_samples(own_data, {*(number.name for number in expected), "nohup", "terminal"})
    started = time.monotonic()
    os.close(terminal)
    deaf.send_signal(signal.SIGHUP)
    for number, process in commands.items():
        process.send_signal(number)
    for number, process in commands.items():
        _, errors = process.communicate(timeout=60)
        assert process.returncode == expected[number], errors
        assert "Traceback" not in errors
    assert on_terminal.wait(60) == 129
    assert deaf.wait(60) in (0, 1)  # 1 if a busy machine made the run invalid
    assert time.monotonic() - started < 60
    rows = Store().runs().set_index("name")
    verdicts = dict(rows["verdict"])
    assert verdicts.pop("nohup") in ("valid", "invalid")
    names = [*(number.name for number in expected), "terminal"]
    assert verdicts == dict.fromkeys(names, "interrupted")
    assert (rows["error_count"] == 0).all(), "open requests were waited for"
    assert list(spool.pending()) == []


def test_a_script_is_ended_after_its_run_is_whole_on_disk(own_data: Path) -> None:
    with serving(always(ok())) as url:
        script = f"""
import benchlab as bl
plan = bl.Plan(bl.Request("GET", "{url}"), bl.ConstantRate(100), duration_s=60, name="script")
bl.run(plan)
print("went on")
"""
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        await_samples(own_data, {"script"})
        # systemd sends it to every process of a service
        workers = [worker.pid for worker in psutil.Process(process.pid).children(recursive=True)]
        assert workers
        for pid in (*workers, process.pid):
            os.kill(pid, signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM, errors
    assert (output, errors) == ("", "")
    (directory,) = spool.pending()
    found = spool.read_run(directory)
    assert (found.verdict, found.summary.error_count) == ("interrupted", 0)


def test_who_handled_the_signal_before_gets_it_after_the_run(handled: list[int]) -> None:
    def end(progress: Progress) -> None:
        if progress.count and not handled and not sent:
            sent.append(signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGHUP)

    sent: list[int] = []
    with serving(always(ok())) as url:
        plan = Plan(Request("GET", url), ConstantRate(100), duration_s=60)
        result = run(plan, on_progress=end)
    assert result.verdict == "interrupted"
    assert handled == [signal.SIGHUP]


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("patience_ns", [0, pytest.param(None, marks=pytest.mark.soak)])
def test_responses_are_not_waited_for_longer_than_the_grace(
    monkeypatch: pytest.MonkeyPatch, patience_ns: int | None
) -> None:
    if patience_ns is not None:
        monkeypatch.setattr(stop_signal, "_PATIENCE_NS", patience_ns)

    def end(_progress: Progress) -> None:
        if not sent and received:
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGTERM)

    def silent(_connection: object, _request: bytes, number: int) -> bool:
        received.append(number)
        return True

    sent: list[float] = []
    received: list[int] = []
    with serving(silent) as url:
        plan = Plan(Request("GET", url), ConstantRate(50), duration_s=60, timeout_s=50)
        result = run(plan, on_progress=end)
    assert time.monotonic() - sent[0] < 10
    assert set(result.summary.errors) == {"abandoned"}


def test_the_second_signal_aborts(handled: list[int]) -> None:
    stop = StopSignal()
    with stop_on_signal(stop):
        signal.raise_signal(signal.SIGTERM)
        assert (stop.level, stop.number) == (1, signal.SIGTERM)
        stop.abort_when_due()
        assert stop.level == 1
        signal.raise_signal(signal.SIGINT)
        assert (stop.level, stop.number) == (2, signal.SIGTERM)
        stop.pass_on()
        assert handled == [], "the run is not over"
    stop.pass_on()
    assert handled == [signal.SIGTERM]


def test_a_signal_that_was_ignored_at_the_start_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = StopSignal()
        with stop_on_signal(stop):
            signal.raise_signal(signal.SIGHUP)
        assert stop.level == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_button_stops_every_run_once_from_any_thread() -> None:
    here, elsewhere = StopSignal(), StopSignal()
    with ThreadPoolExecutor(1) as thread, stop_on_signal(here):
        other = stop_on_signal(elsewhere)
        thread.submit(other.__enter__).result()
        thread.submit(request_stop).result()
        request_stop()
        thread.submit(other.__exit__, None, None, None).result()
    for stop in (here, elsewhere):
        assert (stop.level, stop.cause) == (1, "the Stop button")
    request_stop()
    assert here.level == 1  # it is not under way any more


def test_a_stop_requested_through_the_spool_is_like_ctrl_c() -> None:
    """It ends what Ctrl-C would: an experiment, and a command with the code of an interrupt."""
    stop = StopSignal()
    for level in (0, 1, 1, 2):
        stop.reach(level)
        assert stop.level == level
    assert (stop.number, stop.cause) == (signal.SIGINT, "a request to stop")
