"""Runs on disk: read as far as they got, and never taken from a live process."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchlab import ConstantRate, Feed, Plan, Request, spool
from benchlab.errors import DamagedError, RunError
from benchlab.load.recording.recorder import Recorder
from benchlab.paths import spool_root
from benchlab.plan.redacted import redacted_plan
from benchlab.runs.health import WorkerHealth
from benchlab.samples.examples import make_example
from benchlab.samples.records import BLOCK_RECORDS
from benchlab.samples.samples import SAMPLE_DTYPE
from benchlab.spool import records as records_module
from benchlab.spool import storage as room

PLAN = Plan([Request("GET", "http://127.0.0.1:1/")], ConstantRate(10), duration_s=1, workers=2)
ID = "00112233445566ff"
HEAD = {"format": 1, "id": ID, "plan": PLAN.to_dict(), "environment": {}}


def make(*, started: bool = True, records: int = 5) -> Path:
    with spool.create(ID, PLAN, {"python": "3"}) as directory:
        if started:
            spool.write_start(directory, 1_700_000_000_123_456_789)
            for worker in range(2):
                recorder = Recorder(spool.samples_path(directory, worker), warmup_ns=0)
                for seq in range(worker, records, 2):
                    recorder.record(seq, seq, seq, seq, seq + 1, 0, 200, 0, 0, 0, 0)
                recorder.close()
    return directory


def test_a_run_is_read_as_far_as_it_got() -> None:
    directory = make()
    spool.write_health(directory, WorkerHealth(0, cpu_ratio=0.5))
    spool.log_path(directory, 1).write_text("Traceback\nMemoryError: no more\n")
    run = spool.read_run(directory)
    assert run.id == ID
    assert run.plan == PLAN
    assert run.started_at_ns == 1_700_000_000_123_456_789
    assert run.started_at.microsecond == 123_456
    assert list(run.samples.column("seq")) == [0, 1, 2, 3, 4]
    assert run.health.workers[0].cpu_ratio == 0.5
    assert "MemoryError: no more" in run.health.workers[1].problem
    assert run.health.workers[1].problem_kind == "failed"
    spool.log_path(directory, 1).write_text("")
    assert spool.read_run(directory).health.workers[1].problem_kind == "killed"
    assert run.stopped_ns == 5  # no outcome: stopped when its last sample was done
    spool.write_outcome(directory, None)
    assert spool.read_run(directory).stopped_ns is None


def test_samples_are_read_completely_and_in_order() -> None:
    directory = make()
    rng = np.random.default_rng(1)
    whole = np.frombuffer(rng.bytes(300 * SAMPLE_DTYPE.itemsize), dtype=SAMPLE_DTYPE).copy()
    whole["seq"], whole["error"], whole["endpoint"] = np.arange(300), 0, 0
    shuffled = rng.permutation(whole)
    for worker, part in enumerate((shuffled[:100], shuffled[100:])):
        torn = b"torn" * worker
        spool.samples_path(directory, worker).write_bytes(part.tobytes() + torn)
    records = spool.read_run(directory).samples.records
    for name in SAMPLE_DTYPE.names or ():
        assert np.array_equal(records[name], whole[name]), name


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (range(0, 200, 2), range(1, 121, 2)),  # one worker was faster
        (range(0, 400, 2), range(0)),  # and the other one never came
        (range(2, 90, 2), range(1, 33, 2)),  # the first record is missing
        ([*range(0, 90, 2), 8, 10], [*range(1, 91, 2), 8]),  # some have two
        ([5_000, 0, 2], [1, 3]),  # numbers are few and far between
        (range(0, 900, 2), range(1, 61, 2)),  # one worker was much faster
        ([-4, 0, 2], [1, 3]),
        ([-(2**63), *range(0, 90, 2)], [*range(1, 41, 2), 2**63 - 1]),
    ],
    ids=["holes", "every other", "no first", "repeated", "sparse", "fast", "negative", "far"],
)
@pytest.mark.parametrize("block", [BLOCK_RECORDS, 8], ids=["whole", "in blocks"])
def test_numbers_need_not_be_dense(
    own: Sequence[int], other: Sequence[int], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records_module, "BLOCK_RECORDS", block)
    monkeypatch.setattr(records_module, "_LEAST_IN_TURN", 3)
    directory = make()
    rng = np.random.default_rng(1)
    whole = []
    for worker, seqs in enumerate((own, other)):
        part = rng.integers(0, 255, len(seqs) * SAMPLE_DTYPE.itemsize, dtype=np.uint8)
        records = part.view(SAMPLE_DTYPE)
        records["seq"], records["error"], records["endpoint"] = rng.permutation(seqs), 0, 0
        records.tofile(spool.samples_path(directory, worker))
        whole.append(records)
    expected = np.concatenate(whole, dtype=SAMPLE_DTYPE)
    expected = expected[np.argsort(expected["seq"], kind="stable")]
    found = spool.read_run(directory).samples.records
    for name in SAMPLE_DTYPE.names or ():
        assert np.array_equal(found[name], expected[name]), name


def test_a_long_run_is_in_a_mapped_file_or_in_memory_if_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    directory = make(records=500)
    before = spool.read_run(directory).samples.records
    monkeypatch.setattr(room, "_MOST_IN_MEMORY_BYTES", 100 * SAMPLE_DTYPE.itemsize)
    run = spool.read_run(directory)
    assert isinstance(run.samples.records.base, np.memmap)
    assert run.samples.records.tobytes() == before.tobytes()
    assert not [path for path in directory.iterdir() if path.name.startswith("tmp")]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    assert spool.read_run(directory).samples.records.tobytes() == before.tobytes()
    spool.remove(directory)
    assert run.samples.records.tobytes() == before.tobytes(), "it outlives its spool"


def test_examples_are_read_in_order_without_an_incomplete_one() -> None:
    directory = make()
    found = [make_example("status", "a", seq, seq, 500, "no") for seq in range(4)]
    for worker in range(2):
        lines = "".join(f"{json.dumps(item.to_dict())}\n" for item in found[worker::2])
        spool.examples_path(directory, worker).write_text(lines + '{"kind": "st')
    assert spool.read_run(directory).examples == tuple(found)


def test_a_run_that_never_started_cannot_be_read() -> None:
    with pytest.raises(RunError, match="does not hold a run that was started"):
        spool.read_run(make(started=False))


@pytest.mark.parametrize(
    ("file", "content", "shown"),
    [
        ("run.json", "", "run.json: it is not JSON"),
        ("run.json", "{}", "run.json: format=None is unknown"),
        ("run.json", json.dumps({"format": 99}), "run.json: format=99 is unknown"),
        ("run.json", json.dumps({**HEAD, "id": "../x"}), "run.json: '../x' is not a run id"),
        ("run.json", json.dumps({**HEAD, "environment": 5}), "run.json: environment=5 expected"),
        ("start.json", "[]", "start.json: expected object, got array"),
        ("start.json", '{"started_at_ns": Infinity}', "start.json: started_at_ns=inf is not a"),
        ("outcome.json", "5", "outcome.json: expected object, got int"),
        ("health-1.json", '{"worker": null}', "health-1.json: worker=None expected int"),
        ("samples-0.bin", "garbage " * 70, "the samples in "),
        ("examples-0.jsonl", "garbage\n", "examples-0.jsonl:1: it is not JSON"),
    ],
)
def test_damage_names_the_file_the_field_and_the_value(file: str, content: str, shown: str) -> None:
    directory = make()
    (directory / file).write_text(content)
    with pytest.raises(DamagedError) as caught:
        spool.read_run(directory)
    assert shown in str(caught.value)
    assert caught.value.where.startswith(("the samples in", str(directory / file)))


def test_endpoints_that_the_plan_does_not_have_are_damage() -> None:
    directory = make()
    records = np.fromfile(spool.samples_path(directory, 0), dtype=SAMPLE_DTYPE)
    records["endpoint"][0] = 7
    records.tofile(spool.samples_path(directory, 0))
    with pytest.raises(DamagedError, match="endpoint=7 is above 0, the highest known"):
        spool.read_run(directory)


def test_a_directory_that_was_deleted_is_called_that() -> None:
    directory = make()
    spool.remove(directory)
    with pytest.raises(RunError, match=f"the spool {directory} was deleted"):
        spool.read_run(directory, PLAN)


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o777], ids=["usual", "open", "closed"])
def test_everything_is_private_to_its_user(own_data: Path, umask: int) -> None:
    earlier = spool_root() / "0000000000000001"
    earlier.mkdir(parents=True)
    (earlier / "run.json").write_text("{}")
    for path in (own_data, spool_root(), earlier):
        path.chmod(0o755)
    (earlier / "run.json").chmod(0o644)
    before = os.umask(umask)
    try:
        directory = make()
        spool.write_health(directory, WorkerHealth(0))
        with spool.own_worker(directory, 0):
            found = {path: path.stat().st_mode & 0o777 for path in own_data.rglob("*")}
    finally:
        os.umask(before)
    assert len(found) > 8
    assert {path: oct(mode) for path, mode in found.items()} == {
        path: oct(0o700 if path.is_dir() else 0o600) for path in found
    }
    assert own_data.stat().st_mode & 0o777 == 0o755, "it is the user's own"


def test_secrets_are_on_disk_only_until_the_workers_have_them() -> None:
    feed = Feed([{"user": "SECRET"}])
    request = Request(
        "GET", "http://127.0.0.1:1/{{user}}?token=SECRET", {"X-Api-Key": "SECRET"}, data=feed
    )
    plan = PLAN.replace(requests=[request])
    with spool.create(ID, plan, {}) as directory:
        assert spool.read_plan(directory) == plan
        spool.forget_plan(directory)
        content = b"".join(path.read_bytes() for path in directory.iterdir())
        assert b"SECRET" not in content
        spool.write_start(directory, 1)
        spool.write_outcome(directory, None)
    assert spool.read_run(directory, plan).plan == plan
    recovered = spool.read_run(directory).plan
    assert recovered.to_dict() == redacted_plan(plan.to_dict())


def test_secrets_of_a_run_that_was_killed_before_its_start_go_with_the_next_run() -> None:
    directory = make(started=False)
    assert (directory / "plan.json").exists()
    with spool.create("00112233445566fe", PLAN, {}) as other:
        assert not (directory / "plan.json").exists()
        assert (other / "plan.json").exists()


def test_a_lock_that_cannot_be_opened_does_not_hide_other_runs() -> None:
    directory = make()
    (directory / "worker-0.lock").mkdir()
    assert list(spool.pending()) == [directory]


def test_runs_owned_by_live_processes_are_not_pending() -> None:
    with spool.create(ID, PLAN, {}) as directory:
        assert list(_pending_elsewhere()) == []
    assert list(_pending_elsewhere()) == [ID]
    with spool.own_worker(directory, 1):
        assert list(_pending_elsewhere()) == []
    assert list(_pending_elsewhere()) == [ID]
    spool.remove(directory)
    assert list(spool.pending()) == []


def _pending_elsewhere() -> list[str]:
    """What another process finds pending: a process is not excluded by its own locks."""
    script = "from benchlab import spool; print(*(path.name for path in spool.pending()))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_anybody_requests_a_stop_or_an_abort(tmp_path: Path) -> None:
    directory = make()
    assert spool.requested_stop(directory) == 0
    for _ in range(2):
        spool.request_stop(directory)
        assert spool.requested_stop(directory) == 1
    spool.request_stop(directory, abort=True)
    assert spool.requested_stop(directory) == 2
    with pytest.raises(RunError, match=r"cannot be stopped through .* \(No such file"):
        spool.request_stop(tmp_path / "gone")
    spool.remove(directory)
    assert spool.requested_stop(directory) == 1, "a run that nobody could find would go on"


def test_asking_who_uses_it_disturbs_nobody() -> None:
    """Two may ask at the same time, and what they ask about is not made by asking."""
    directory = make()
    with (directory / "owner.lock").open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert not spool.is_in_use(directory)
    (directory / "owner.lock").unlink()
    assert not spool.is_in_use(directory)
    assert not (directory / "owner.lock").exists()
    with spool.own_worker(directory, 1):
        assert spool.is_in_use(directory), "a worker still writes"
    assert not spool.is_in_use(directory)
    (directory / "owner.lock").symlink_to("owner.lock")  # which cannot be opened
    assert spool.is_in_use(directory), "nobody can tell"


def test_what_is_removed_is_gone_at_once_and_completely() -> None:
    directory = make()
    half_removed = directory.with_name(f".{ID}.removed")
    directory.rename(half_removed)  # as it is when the process is killed then
    assert list(spool.runs()) == list(spool.pending()) == []
    assert make() == directory
    assert not half_removed.exists()
    spool.remove(directory)
    assert list(spool_root().iterdir()) == []
    spool.remove(directory)  # by another process before
