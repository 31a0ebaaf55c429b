"""The messages and exit codes of ``benchlab ingest``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import benchlab
from tests.telemetry.conftest import make_span_line


@pytest.fixture
def otlp(tmp_path: Path) -> Path:
    """A directory without the store in it."""
    directory = tmp_path / "otlp"
    directory.mkdir()
    return directory


def test_a_file_that_ends_in_the_middle_of_a_line_is_reported(otlp: Path) -> None:
    path = otlp / "traces.jsonl"
    line = make_span_line(3)
    path.write_bytes(line + make_span_line()[:100])
    done = benchlab("ingest", str(otlp))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"{path} ends in the middle of a line (100 bytes at byte {len(line)}): it will be read"
        " once it is complete\n3 spans and 0 metric points in 1 new line of 1 file\n"
    )
    path.write_bytes(line + make_span_line(first=10))
    assert benchlab("ingest", str(otlp)).stderr == (
        "1 span and 0 metric points in 1 new line of 1 file\n"
    )


def test_a_file_with_only_broken_lines_is_a_failure(otlp: Path) -> None:
    """Another kind of file, most likely."""
    path = otlp / "log.json"
    path.write_text('{"name":"x"}\n{"name":"y"}\nplain text\n')
    done = benchlab("ingest", str(path))
    assert done.returncode == 2
    *_, counts, hint = done.stderr.splitlines()
    assert counts.endswith("in 3 new lines of 1 file; 3 broken lines are stored in ingest_errors")
    assert hint.startswith("benchlab: none of these lines could be used: OTLP JSON files have")
    path.write_bytes(path.read_bytes() + make_span_line() + b"broken\n")
    done = benchlab("ingest", str(path))
    assert done.returncode == 0, done.stderr
    assert "1 broken line is stored" in done.stderr
    assert benchlab("ingest", str(path)).returncode == 0  # and nothing is new


def test_a_directory_without_such_files_is_an_input_error(otlp: Path) -> None:
    (otlp / "traces.log").write_bytes(b"")
    done = benchlab("ingest", str(otlp))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(
        f"benchlab: {otlp} has no .json, .jsonl or .ndjson file: name one"
    )
