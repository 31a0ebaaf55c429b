from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.telemetry import IngestReport, PartialLine, follow

SpanLine = Callable[..., bytes]


def looks(store: Store, path: Path) -> Iterator[IngestReport]:
    return follow(store.connect, [path], wait=lambda _: None)


def test_appended_lines_are_read(closed_store: Store, span_line: SpanLine, tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(span_line(2))
    look = looks(closed_store, tmp_path)
    assert next(look).spans == 2
    assert next(look).files == 0  # nothing changed, so the store was not even opened
    line = span_line(3, first=10)
    with path.open("ab") as file:
        file.write(line[:100])
        file.flush()
        assert next(look).spans == 0
        file.write(line[100:])
    assert next(look).spans == 3
    (tmp_path / "more.jsonl").write_bytes(span_line(first=20))
    assert next(look).spans == 1


def test_a_file_that_cannot_be_read_ends_nothing(
    closed_store: Store, span_line: SpanLine, tmp_path: Path
) -> None:
    damaged, whole = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    damaged.write_bytes(b"BZh91AY")
    whole.write_bytes(span_line())
    look = looks(closed_store, tmp_path)
    report = next(look)
    assert report.spans == 1
    (error,) = report.unreadable
    assert f"{damaged} is compressed with bzip2" in str(error)
    assert next(look).unreadable == []  # it has not changed
    whole.write_bytes(span_line() + span_line(first=2))
    assert next(look).spans == 1


@pytest.mark.parametrize("named", [True, False])
def test_rotation_while_following(
    closed_store: Store, span_line: SpanLine, tmp_path: Path, named: bool
) -> None:
    """What was added just before the file was renamed is read, whether it was named or not."""
    path = tmp_path / "traces.jsonl"
    path.write_bytes(span_line())
    look = looks(closed_store, path if named else tmp_path)
    assert next(look).spans == 1
    with path.open("ab") as file:
        file.write(span_line(first=2))
    path.rename(tmp_path / "traces-2026-11-01T00-00-00.000.jsonl")
    path.write_bytes(span_line(5, first=3))
    assert next(look).spans == 6
    assert next(look).spans == 0


@pytest.mark.parametrize("named", [True, False])
def test_two_rotations_between_two_polls(
    closed_store: Store, span_line: SpanLine, tmp_path: Path, named: bool
) -> None:
    """What was there before is not taken when a file was named, and no other file ever."""
    path = tmp_path / "traces.jsonl"
    (tmp_path / "traces.jsonl.1").write_bytes(span_line(first=1))
    path.write_bytes(span_line(2, first=2))
    look = looks(closed_store, path if named else tmp_path)
    assert next(look).spans == (2 if named else 3)
    for number, first in ((3, 4), (2, 10)):
        with path.open("ab") as file:
            file.write(span_line(first=first))
        path.rename(tmp_path / f"traces.jsonl.{number}")
        path.write_bytes(span_line(first=first + 1))
        (tmp_path / f"traces.jsonl.{number}.gz").write_bytes(b"not for us")
    assert next(look).spans == 4
    with (tmp_path / "traces.jsonl.2").open("ab") as file:  # its writer has not noticed yet
        file.write(span_line(first=20))
    assert next(look).spans == 1
    assert next(look).spans == 0


@pytest.mark.parametrize("named", [True, False])
def test_copying_and_truncating_while_following(
    closed_store: Store, span_line: SpanLine, tmp_path: Path, named: bool
) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(span_line())
    look = looks(closed_store, path if named else tmp_path)
    assert next(look).spans == 1
    for first in (2, 5):
        with path.open("ab") as file:
            file.write(span_line(first=first))
            file.flush()
            shutil.copy(path, tmp_path / f"traces.jsonl-2026110{first}")
            os.truncate(path, 0)
            file.write(span_line(first=first + 1))
        assert next(look).spans == 2
        assert next(look).spans == 0
    assert closed_store.query_df("SELECT uniqExact(SpanId) AS n FROM otel_traces")["n"][0] == 5


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("finished", [True, False])
def test_the_partial_line_of_a_rotated_file_is_reported_once(
    closed_store: Store, span_line: SpanLine, tmp_path: Path, named: bool, finished: bool
) -> None:
    path, rotated = tmp_path / "traces.jsonl", tmp_path / "traces.jsonl.1"
    whole = span_line()
    path.write_bytes(whole + span_line(first=2)[:100])
    look = looks(closed_store, path if named else tmp_path)
    assert (report := next(look)).spans == 1
    assert report.partial == next(look).partial == []  # its writer may be about to go on
    path.rename(rotated)
    if finished:
        rotated.write_bytes(whole + span_line(first=2))
    path.write_bytes(span_line(first=3)[:50])
    report = next(look)
    assert report.partial == ([] if finished else [PartialLine(rotated, len(whole), 100)])
    assert next(look).partial == []
    path.unlink()
    assert [str(line) for line in next(look).partial] == [
        f"{path} ends in the middle of a line (50 bytes at byte 0):"
        " it will be read once it is complete"
    ]
    assert next(look).partial == []


def test_a_file_may_be_missing_for_a_while(
    closed_store: Store, span_line: SpanLine, tmp_path: Path
) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(span_line())
    look = looks(closed_store, path)
    assert next(look).spans == 1
    path.unlink()
    assert next(look).spans == 0
    path.write_bytes(span_line(2, first=2))
    assert next(look).spans == 2
    path.write_bytes(span_line(3, first=4))  # truncated, and written anew
    assert next(look).spans == 3


def test_missing_path_is_an_input_error(closed_store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        next(looks(closed_store, tmp_path / "no"))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_command(
    closed_store: Store, span_line: SpanLine, tmp_path: Path, end: signal.Signals
) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(span_line(7) + b"{broken\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchlab", "ingest", "--follow", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    broken, counts = process.stderr.readline(), process.stderr.readline()
    assert re.fullmatch(r"broken: .*traces\.jsonl, line at byte [\d,]+: is not JSON\n", broken)
    assert counts.startswith("7 spans and 0 metric points in 2 new lines of 1 file; 1 broken line")
    process.send_signal(end)
    _, rest = process.communicate(timeout=60)
    assert rest.startswith("total: 7 spans and 0 metric points")
    assert process.returncode == 0
    assert closed_store.query_df("SELECT count() AS n FROM otel_traces")["n"][0] == 7
