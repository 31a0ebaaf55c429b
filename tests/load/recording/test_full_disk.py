"""A disk that fills up during a run: a real file system of a few megabytes, filled for real.

Mounting one takes root. Elsewhere these tests are skipped; `test_recorder` covers the writing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Store, run, spool
from benchlab.cli.recover import recover
from benchlab.errors import RunError
from benchlab.load.recording.recorder import Recorder
from benchlab.load.supervisor.progress import Progress
from benchlab.plan.shapes import LoadShape
from tests.disks import fill, mounted_disk
from tests.load.servers import always, ok, serving


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data directory on a disk of 24 MB."""
    place = tmp_path / "disk"
    with mounted_disk(place):
        monkeypatch.setenv("BENCHLAB_DATA_DIR", str(place / "data"))
        monkeypatch.setenv("BENCHLAB_DSN", f"chdb://{tmp_path}/store")
        yield place


@pytest.mark.parametrize("load", [ClosedLoop(8), ConstantRate(4000)])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_on_a_full_disk_ends_early_with_all_samples(
    small_disk: Path, load: LoadShape, workers: int
) -> None:
    responded: list[int] = []

    def fill_soon(progress: Progress) -> None:
        if progress.count > 100 and not (small_disk / "filler").exists():
            fill(small_disk)

    def count(connection: socket.socket, _request: bytes, number: int) -> bool:
        responded.append(number)
        connection.sendall(ok())
        return True

    with serving(count) as url:
        plan = Plan([Request("GET", url)], load, duration_s=60, workers=workers)
        result = run(plan, on_progress=fill_soon)

    assert result.verdict == "invalid", result.health
    assert "disk is full (No space left on device)" in str(result.invalid_reason)
    assert "lost" not in str(result.invalid_reason)
    assert "make room" in str(result.hint)
    assert result.stopped_ns is not None
    assert len(result.samples) == len(responded)
    assert result.summary.errors == {}
    assert len({*result.samples.column("seq").tolist()}) == len(responded)
    assert len(result.health.workers) == workers

    os.unlink(small_disk / "filler")
    done = CliRunner().invoke(recover, standalone_mode=False)
    assert done.return_value == 0, done.output
    assert list(spool.pending()) == []
    assert len(Store().load(result.id).samples) == len(responded)


def test_a_full_disk_is_reported_before_any_load(small_disk: Path) -> None:
    fill(small_disk)
    with serving(always(ok())) as url, pytest.raises(RunError, match=r"has 0\.0 MB left"):
        run(Plan([Request("GET", url)], ConstantRate(100), duration_s=1))


def test_reserved_space_holds_open_requests_and_is_freed(small_disk: Path) -> None:
    path = small_disk / "samples"
    recorder = Recorder(path, warmup_ns=0)
    recorder.reserve(70_000)
    assert path.stat().st_size == 0
    fill(small_disk)
    assert not recorder.problem
    for seq in range(80_000):
        recorder.record(seq, seq, seq, seq, seq, 0, 200, 0, 0, 0, 0)
    assert recorder.problem_kind == "disk_full"
    recorder.close()
    assert recorder.pending == 0
    assert list(spool.read_records(path)["seq"]) == list(range(80_000))
    assert path.stat().st_size == 80_000 * 56
    assert path.stat().st_blocks * 512 < 80_000 * 56 + 8192
