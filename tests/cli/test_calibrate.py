"""``benchlab calibrate`` as a user types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest
from rich.console import Console

from benchlab import Floor, spool
from benchlab.cli.terminal.run import print_run
from benchlab.decoding import decode
from benchlab.display.result_terminal import result_summary
from benchlab.display.values.floor import view
from benchlab.load.supervisor.floor_file import floor_path, read_floor, write_floor
from benchlab.paths import spool_root
from benchlab.store import Store
from tests.cli.test_cli import benchlab
from tests.runs.floors import make_floor
from tests.runs.synthetic import make_run


def test_quick_calibration_end_to_end() -> None:
    done = benchlab("calibrate", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    floor = decode(done.stdout, Floor, where="")
    assert floor == read_floor()
    assert floor.quick
    assert floor.latency_ns.min > 0
    assert f"saved in {floor_path()}" in done.stderr
    shown = benchlab("calibrate", "--show", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout) == floor.to_dict()


def test_show_warns_without_a_floor_of_this_machine() -> None:
    nothing = benchlab("calibrate", "--show")
    assert nothing.returncode == 1
    assert nothing.stderr == "benchlab: not calibrated on this host: run benchlab calibrate\n"
    write_floor(make_floor())
    elsewhere = benchlab("calibrate", "--show")
    assert elsewhere.returncode == 1
    assert "noise floor of bench-1" in elsewhere.stdout
    assert "host bench-1, here" in elsewhere.stderr


def test_an_unwritable_data_directory_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCHLAB_DATA_DIR", "/proc/nope")
    done = benchlab("calibrate", "--quick")
    assert done.returncode == 1
    assert "/proc/nope" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def calibrating() -> subprocess.Popen[str]:
    """A process that is calibrating and has begun to measure."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchlab", "calibrate"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not any(path.stat().st_size > 1000 for path in spool_root().glob("*/samples-*.bin")):
        assert process.poll() is None, "it ended before it measured anything"
        time.sleep(0.05)
    return process


def test_ctrl_c_stores_nothing_and_leaves_no_process() -> None:
    process = calibrating()
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 2  # the server and a worker
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.strip() == "benchlab: interrupted"
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert not floor_path().exists()
    assert list(spool.pending()) == []


def test_a_killed_calibration_is_not_recovered_as_a_run() -> None:
    process = calibrating()
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(children, timeout=30)[1]
    (left,) = spool.pending()
    listed = benchlab("recover", "--list")
    assert listed.stdout == f"{left.name}: part of an interrupted calibration\n"
    assert list(spool.pending()) == [left]
    done = benchlab("recover")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{left.name}: part of an interrupted calibration, removed\n"
    assert list(spool.pending()) == []
    assert Store().runs().empty


def test_the_printed_floor_has_every_number() -> None:
    out = Console(width=120, record=True, highlight=False)
    floor = make_floor(warnings=("other processes used 1.0 of 2 cores",))
    out.print(result_summary(view(floor)))
    text = out.export_text()
    for expected in (
        "noise floor of bench-1, 2026-11-01 09:30 UTC",
        "1,000 requests of one worker, Poisson arrivals at 500 requests/s; server alone on core 1",
        "warning: other processes used 1.0 of 2 cores",
        "maximum rate of a worker 61,234 requests/s (closed loop; it used 99% of a core)",
        "timerfd, late by 0.050 ms at p50 and 0.090 ms at p99",
    ):
        assert expected in text, text
    (row,) = [line.split() for line in text.splitlines() if line.strip().startswith("to latency")]
    assert row == ["to", "latency", "0.600", "0.100", "0.600", "1.000", "1.050", "1.090", "1.099",
                   "1.099"]  # fmt: skip


def test_the_summary_of_a_run_has_hint_warnings_and_floor() -> None:
    environment = {"clock_source": "hpet", "calibration": {"floor": make_floor().to_dict()}}
    out = Console(width=200, record=True, highlight=False)
    print_run(make_run(lag_ns=15_000_000, environment=environment), out)
    print_run(make_run(environment={}), out)
    text = out.export_text()
    for expected in (
        "verdict invalid: the generator fell behind its schedule",
        "hint: leave a core free for the generator",
        "warning: the kernel's clock source is hpet",
        "p50 16.8 ms, floor 0.600 ms; p99 26.5 ms, floor 1.09 ms (calibrated 2026-11-01)",
        "not calibrated on this host: run benchlab calibrate",
    ):
        assert expected in text, text
