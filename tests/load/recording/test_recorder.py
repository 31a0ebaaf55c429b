"""The sample file has whole records, each once, even on a full disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab import spool
from benchlab.load.recording.recorder import Recorder
from benchlab.load.supervisor.rescue import rescue, share_memory
from benchlab.samples.samples import ErrorKind, Flag


def fill(recorder: Recorder, count: int, first: int = 0) -> None:
    for seq in range(first, first + count):
        at = 1_000 + seq * 10
        recorder.record(seq, at, at + 1, at + 2 if seq % 2 else 0, at + 3, 4, 200, 1, 0, 0, seq % 7)


def test_records_come_back_in_run_time(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "samples", warmup_ns=100)
    recorder.start_ns = 1_000
    fill(recorder, 3_000)
    recorder.close()
    records = spool.read_records(tmp_path / "samples")
    assert list(records["seq"]) == list(range(3_000))
    assert np.array_equal(records["intended_ns"], np.arange(3_000) * 10)
    assert np.array_equal(records["sent_ns"] - records["intended_ns"], np.full(3_000, 1))
    assert set(records["first_byte_ns"][::2]) == {0}
    assert ((records["flags"] & Flag.WARMUP) != 0).sum() == 10
    assert set(records["bytes_in"]) == {4}
    assert set(records["status"]) == {200}
    assert np.array_equal(records["connection"], np.arange(3_000) % 7)


@pytest.mark.parametrize("room", [0, 1, 55, 56, 57, 10_000])
def test_a_full_disk_neither_tears_nor_duplicates_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """The disk has room for ``room`` bytes, and for more after space was freed."""
    left = room
    real = os.write

    def write(fd: int, data: memoryview) -> int:
        nonlocal left
        if left == 0:
            raise OSError(28, "No space left on device")
        written = real(fd, data[:left])
        left -= written
        return written

    recorder = Recorder(tmp_path / "samples", warmup_ns=0)
    monkeypatch.setattr(os, "write", write)
    fill(recorder, 5_000)
    assert not recorder.flush()
    assert "No space left on device" in recorder.problem
    assert recorder.problem_kind == "disk_full"
    assert list(spool.read_records(tmp_path / "samples")["seq"]) == list(range(room // 56))
    assert (tmp_path / "samples").stat().st_size % 56 == 0
    assert recorder.pending == 5_000 - room // 56
    left = 10**9
    fill(recorder, 10, first=5_000)
    recorder.close()
    assert recorder.pending == 0
    assert list(spool.read_records(tmp_path / "samples")["seq"]) == list(range(5_010))


def test_a_torn_last_record_is_ignored(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "samples", warmup_ns=0)
    fill(recorder, 10)
    recorder.close()
    with (tmp_path / "samples").open("ab") as file:
        file.write(b"x" * 55)
    assert len(spool.read_records(tmp_path / "samples")) == 10


TIME_NS = st.integers(0, 2**40)
RECORDS = st.tuples(
    st.integers(0, 2**62),
    TIME_NS,
    TIME_NS,
    st.one_of(st.just(0), TIME_NS.filter(bool)),
    TIME_NS.filter(bool),
    st.integers(0, 2**62),
    st.integers(100, 999),
    st.integers(0, 2**16 - 1),
    st.integers(0, len(ErrorKind) - 1),
    st.sampled_from([0, 2, 4, 6]),
    st.integers(0, 2**16 - 1),
)


@given(
    records=st.lists(RECORDS, max_size=60, unique_by=lambda record: record[0]),
    flushes=st.sets(st.integers(0, 60)),
    start_ns=TIME_NS,
    warmup_ns=TIME_NS,
    killed=st.booleans(),
)
def test_recorded_samples_are_read_back(
    records: list[tuple[int, ...]],
    flushes: set[int],
    start_ns: int,
    warmup_ns: int,
    killed: bool,
) -> None:
    """In blocks of any size, also if the last block was never written."""
    memory = share_memory("test")
    assert memory is not None
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "samples"
        recorder = Recorder(path, warmup_ns, memory)
        recorder.start_ns = start_ns
        for index, record in enumerate(records):
            recorder.record(*record)
            if index in flushes:
                recorder.flush()
        if killed:
            rescue(memory, path, start_ns, warmup_ns)
        else:
            recorder.close()
        found = spool.read_records(path)
        if killed:
            recorder.close()
    os.close(memory)
    assert len(found) == len(records)
    for row, record in zip(found.tolist(), records, strict=True):
        seq, intended, sent, first, done, *rest, flags, connection = record
        assert row[:3] == (seq, intended - start_ns, sent - start_ns)
        assert row[3:5] == (first - start_ns if first else 0, done - start_ns)
        assert list(row[5:9]) == rest
        warm = intended - start_ns < warmup_ns
        assert row[9] == flags | (Flag.WARMUP if warm else 0)
        assert row[10] == connection
