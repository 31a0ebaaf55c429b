from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.telemetry import IngestReport, follow

SpanLine = Callable[..., bytes]


def looks(store: Store, path: Path) -> Iterator[IngestReport]:
    return follow(store.connect, [path], wait=lambda _: None)


def test_what_is_added_is_read(closed_store: Store, span_line: SpanLine, tmp_path: Path) -> None:
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


def test_a_file_that_is_gone_for_a_while(
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


def test_a_path_that_is_not_there_is_the_users_input(closed_store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        next(looks(closed_store, tmp_path / "no"))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_when_asked_to(
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
    assert rest.startswith("in all 7 spans and 0 metric points")
    assert process.returncode == 0
    assert closed_store.query_df("SELECT count() AS n FROM otel_traces")["n"][0] == 7
