"""Commands whose output is a closed pipe, as with ``head``, or a full disk."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchlab import spool
from benchlab.bundled import TargetProcess
from benchlab.cli.exit_codes import EXIT_CODES
from benchlab.store import Store
from tests.store.stored_runs import make_run

pytestmark = pytest.mark.usefixtures("closed_store")


@pytest.fixture
def unread() -> Iterator[int]:
    """The writing end of a closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


_MOST_BYTES = 1 << 36


@pytest.fixture
def full(tmp_path: Path) -> Iterator[int]:
    """A file with space for 10 bytes more, if none may be longer than `_MOST_BYTES`.

    It takes no room itself: all before is a hole.
    """
    with (tmp_path / "full").open("wb") as file:
        os.lseek(file.fileno(), _MOST_BYTES - 10, os.SEEK_SET)
        yield file.fileno()
        assert os.fstat(file.fileno()).st_size == _MOST_BYTES, "it was filled to its end"


def benchlab(*arguments: str, stdout: int, stderr: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "benchlab", *arguments],
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_BYTES, _MOST_BYTES)),
    )  # fmt: skip


@pytest.mark.parametrize("output", [(), ("--json", "-")], ids=["table", "json"])
def test_a_run_is_saved_when_its_output_is_a_closed_pipe(
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
def test_a_closed_pipe_is_not_a_failure(unread: int, arguments: list[str]) -> None:
    Store().save(make_run(10))
    done = benchlab(*arguments, stdout=unread, stderr=subprocess.PIPE)
    assert done.returncode == 0
    assert b"rror" not in done.stderr


def test_errors_are_still_reported(unread: int) -> None:
    done = benchlab("show", "deadbeefdeadbeef", stdout=unread, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"benchlab history" in done.stderr


@pytest.mark.parametrize("output", [(), ("--json", "-")], ids=["table", "json"])
def test_a_run_is_saved_when_its_output_is_on_a_full_disk(
    target: TargetProcess, full: int, output: tuple[str, ...]
) -> None:
    done = benchlab(
        "run", f"{target.url}/health", "-r", "50", "--duration", "200ms", "--warmup", "0s", *output,
        stdout=full, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(b"benchlab: cannot write standard output (File")
    assert list(Store().runs()["count"]) == [10]
    assert list(spool.pending()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["history"],
        ["show", "latest", "--json"],
        ["query", "SELECT number FROM numbers(20000)", "--format", "csv"],
        ["export", "latest", "-o", "-"],
        ["export", "latest", "-o", "-", "--format", "parquet"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_output_on_a_full_disk_is_reported_in_one_line(full: int, arguments: list[str]) -> None:
    Store().save(make_run(10))
    done = benchlab(*arguments, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (
        1,
        b"benchlab: cannot write standard output (File too large): it is incomplete, everything"
        b" else was done; redirect it to a disk with free space\n",
    )


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a full disk."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    try:
        (place / "all of it").write_bytes(bytes(4096))
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("output", [("--json", "result.json"), ("--csv", ".")], ids=" ".join)
@pytest.mark.parametrize("save", [True, False])
def test_a_run_is_kept_when_its_files_are_on_a_full_disk(
    target: TargetProcess, full_disk: Path, output: tuple[str, str], save: bool
) -> None:
    option, name = output
    done = benchlab(
        "run", f"{target.url}/health", "-r", "50", "--duration", "200ms", "--warmup", "0s",
        option, str(full_disk / name), *([] if save else ["--no-save"]),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert f"cannot write {'' if option == '--json' else 'to '}{full_disk}" in line
    assert "No space left on device" in line
    if save:
        (run_id,) = Store().runs()["run_id"]
        assert line.endswith(f"; run {run_id} was measured and saved")
        assert list(spool.pending()) == []
    else:
        (directory,) = spool.pending()
        assert line.endswith(
            f"; run {directory.name} was measured and not saved: benchlab recover saves it"
        )
