"""Commands in a pipe whose reader has left, as ``head`` does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchlab import spool
from benchlab.bundled import TargetProcess
from benchlab.cli.exit_codes import EXIT_CODES
from benchlab.store import Store
from tests.store.runs import make_run


@pytest.fixture
def unread() -> Iterator[int]:
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def benchlab(*arguments: str, stdout: int, stderr: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "benchlab", *arguments],
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("output", [(), ("--json", "-")], ids=["table", "json"])
def test_a_run_is_saved_though_nobody_reads_of_it(
    target: TargetProcess, unread: int, output: tuple[str, ...]
) -> None:
    done = benchlab(
        "run", f"{target.url}/health", "-r", "50", "--duration", "200ms", "--warmup", "0s", *output,
        stdout=unread, stderr=unread,
    )  # fmt: skip
    (verdict,) = Store().runs()["verdict"]
    assert done.returncode == EXIT_CODES[verdict]
    assert list(spool.pending()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["history"],
        ["show", "latest"],
        ["show", "latest", "--json"],
        ["query", "SELECT number FROM numbers(20000)", "--format", "csv"],
        ["query", "SELECT * FROM runs"],
        ["migrate"],
        ["prune", "--older-than", "1h"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_that_nobody_reads_is_no_failure(unread: int, arguments: list[str]) -> None:
    Store().save(make_run(10))
    done = benchlab(*arguments, stdout=unread, stderr=subprocess.PIPE)
    assert done.returncode == 0
    assert b"rror" not in done.stderr


def test_what_is_wrong_is_still_told(unread: int) -> None:
    done = benchlab("show", "deadbeefdeadbeef", stdout=unread, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"benchlab history" in done.stderr
