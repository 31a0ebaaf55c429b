"""One table of exit codes, for runs, errors, ``--help`` and the documentation."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import get_args

import pytest

from benchlab import errors
from benchlab.cli.exit_codes import EXIT_CODES, MEANINGS, ExitCode, exit_code
from benchlab.cli.main import cli
from benchlab.errors import BenchlabError
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.run import Run
from benchlab.runs.verdict import Verdict
from tests.docs.pages import DOCS
from tests.runs.synthetic import make_run

BROKEN, MET = "p99<1ns", "p99<1s"
NOT_LIFTED = FaultRecord(0, "drop", "drop", 10**9, error="cannot be lifted")
LATE_NS = 50_000_000  # sent too late for a valid run


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (make_run(), 0),
        (make_run(slo=[MET]), 0),
        (make_run(errors=True), 0),
        (make_run(slo=[MET, BROKEN]), 3),
        (make_run(lag_ns=LATE_NS), 1),
        (make_run(lag_ns=LATE_NS, slo=[BROKEN]), 1),
        (make_run(stopped_ns=5 * 10**9), 130),
        (make_run(stopped_ns=5 * 10**9, slo=[BROKEN]), 130),
        (replace(make_run(stopped_ns=5 * 10**9), stop_reason="stopped by abort_on"), 3),
        (replace(make_run(stopped_ns=5 * 10**9), stop_reason="no", faults=(NOT_LIFTED,)), 1),
        (replace(make_run(stopped_ns=5 * 10**9), faults=(NOT_LIFTED,)), 130),
    ],
    ids=[
        "valid",
        "objective met",
        "failed requests",
        "objective broken",
        "invalid",
        "invalid and broken",
        "stopped by the user",
        "stopped by the user and broken",
        "stopped by the plan",
        "ended by a fault",
        "stopped, with a fault that was not lifted",
    ],
)
def test_exit_code_of_a_run(run: Run, code: int) -> None:
    assert exit_code(run) == code


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_exit_code_of_a_run_that_a_signal_stopped(number: int) -> None:
    stopped = make_run(stopped_ns=5 * 10**9)
    assert exit_code(stopped, number) == 128 + number
    assert exit_code(make_run(), number) == 0, "it came after the end"
    assert exit_code(replace(stopped, stop_reason="stopped by abort_on"), number) == 3


def test_every_verdict_has_a_code() -> None:
    assert set(EXIT_CODES) == set(get_args(Verdict))


def test_codes_of_errors_are_in_the_table() -> None:
    kinds = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, BenchlabError)
    }
    assert set(kinds.values()) == {1, 2, 4}
    assert {name for name, code in kinds.items() if code == ExitCode.NO_STORE} == {
        "StoreError",
        "StoreBusyError",
        "StoreUnavailableError",
        "SchemaError",
    }


def test_codes_of_signals_are_those_of_a_shell() -> None:
    assert [128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)] == [
        ExitCode.HANGUP,
        ExitCode.INTERRUPTED,
        ExitCode.TERMINATED,
    ]


def test_every_code_is_documented() -> None:
    page = (DOCS / "cli.md").read_text()
    for code, meaning in MEANINGS.items():
        assert f"  {code:>3}  {meaning}" in (cli.epilog or "")
        assert f"| {code} | " in page
    assert set(MEANINGS) == set(ExitCode)
