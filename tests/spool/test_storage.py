from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchlab.exchange import export_run
from benchlab.spool.storage import replace_text, replacing
from tests.store.stored_runs import make_run

MOST_BYTES = 1_000_000

IMPORT = """
import sys
from benchlab.errors import RunError
from benchlab.exchange import import_file
try:
    import_file(sys.argv[1])
except RunError as exc:
    print(exc)
"""


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_full_disk_while_a_file_is_read_is_a_run_error(tmp_path: Path, form: str) -> None:
    path = export_run(make_run(100_000), tmp_path / f"run.{form}")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES)),
    )
    assert done.stderr == ""
    assert done.stdout == (
        f"cannot keep the samples in {tempfile.gettempdir()} while the file is read"
        " (File too large): make room there, or set TMPDIR to a directory on a larger disk\n"
    )


def test_an_error_while_replacing_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_text(path, "größer\n")
    with pytest.raises(TypeError), replacing(path) as file:
        file.write("text, where bytes must be")  # type: ignore[call-overload]
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_writers_the_last_one_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as first:
        first.write(b"first")
        replace_text(path, "second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_text(path, "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)
    assert path.is_fifo()


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    replace_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link", "target", "there"]
