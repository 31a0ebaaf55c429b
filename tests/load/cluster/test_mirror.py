"""The copy of a share is the share, however it is cut into pieces and interrupted."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchlab import spool
from benchlab.load.cluster.mirror import Mirror, StepTable
from benchlab.load.cluster.reading import read_files
from benchlab.runs.health import WorkerHealth
from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.samples.records import SAMPLE_DTYPE

WORKERS = (0, 3)


def copy(host: Path, mirror: Mirror, ended: tuple[int, ...] = WORKERS, limit: int = 4096) -> None:
    """Copy what is new at the moment, in pieces of ``limit`` bytes."""
    while True:
        chunks, is_complete = read_files(host, WORKERS, ended, mirror.offsets, limit)
        mirror.write(chunks)
        if is_complete:
            return


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def files(directory: Path) -> dict[str, bytes]:
    """The contents of all files that are not empty, by their names."""
    found = {path.name: path.read_bytes() for path in sorted(directory.iterdir())}
    return {name: content for name, content in found.items() if content}


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """The directories of a host's share and of the run."""
    host, run = tmp_path / "host", tmp_path / "run"
    host.mkdir()
    run.mkdir()
    return host, run


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), limit=st.integers(SAMPLE_DTYPE.itemsize, 5000))
def test_the_copy_is_the_same_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, seed: int, limit: int
) -> None:
    place = tmp_path_factory.mktemp("mirror")
    host, run = place / "host", place / "run"
    host.mkdir()
    run.mkdir()
    rng = random.Random(seed)
    mirror = Mirror(run, WORKERS)
    for _ in range(rng.randint(1, 6)):
        for worker in WORKERS:
            count = rng.randint(0, 40)
            append(spool.samples_path(host, worker), rng.randbytes(count * SAMPLE_DTYPE.itemsize))
            count = rng.randint(0, 5)
            path = spool.connections_path(host, worker)
            append(path, rng.randbytes(count * CONNECTION_DTYPE.itemsize))
        copy(host, mirror, (), limit)
        if rng.random() < 0.5:
            mirror = Mirror(run, WORKERS)  # the parent is another process
    for worker in WORKERS:
        append(spool.log_path(host, worker), b"said\n")
        spool.write_health(host, WorkerHealth(worker))
    copy(host, mirror, limit=limit)
    assert files(run) == files(host)


def test_a_record_that_is_not_whole_stays_on_the_host(places: tuple[Path, Path]) -> None:
    host, run = places
    append(spool.samples_path(host, 0), b"x" * (2 * SAMPLE_DTYPE.itemsize + 5))
    copy(host, Mirror(run, WORKERS))
    assert spool.samples_path(run, 0).stat().st_size == 2 * SAMPLE_DTYPE.itemsize


def test_a_parent_that_was_killed_while_it_wrote_goes_on_at_a_whole_record(
    places: tuple[Path, Path],
) -> None:
    host, run = places
    append(spool.samples_path(host, 0), random.Random(1).randbytes(5 * SAMPLE_DTYPE.itemsize))
    append(spool.samples_path(run, 0), spool.samples_path(host, 0).read_bytes()[:100])
    copy(host, Mirror(run, WORKERS))
    assert files(run) == files(host)


def test_logs_and_health_are_copied_once_the_worker_has_ended(places: tuple[Path, Path]) -> None:
    host, run = places
    append(spool.log_path(host, 3), b"Traceback\n")
    spool.write_health(host, WorkerHealth(3, cpu_ratio=0.5))
    mirror = Mirror(run, WORKERS)
    copy(host, mirror, ended=())
    assert files(run) == {}
    copy(host, mirror, ended=(3,))
    assert files(run) == files(host)


def test_of_a_worker_that_was_lost_this_stays_noted(places: tuple[Path, Path]) -> None:
    host, run = places
    spool.write_health(run, WorkerHealth(0, problem="was lost with its host", problem_kind="lost"))
    spool.write_health(host, WorkerHealth(0, cpu_ratio=0.5))
    copy(host, Mirror(run, WORKERS))
    found = json.loads(spool.health_path(run, 0).read_text())
    assert found["problem_kind"] == "lost"
    assert found["problem"] == "was lost with its host"
    assert found["cpu_ratio"] == 0.5


def test_steps_have_the_numbers_of_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    steps = StepTable(run)
    order = [("login", "buy"), ("buy", "search", "login")]
    for worker, names in enumerate(order):
        host = tmp_path / str(worker)
        host.mkdir()
        records = np.zeros(len(names) + 1, dtype=SAMPLE_DTYPE)
        records["endpoint"] = np.arange(len(records))
        records.tofile(spool.samples_path(host, worker))
        lines = "".join(json.dumps(name) + "\n" for name in names)
        append(spool.steps_path(host), lines.encode())
        mirror = Mirror(run, (worker,), steps)
        while True:  # the names come with the first record that has them, however few fit
            chunks, whole = read_files(host, (worker,), (), mirror.offsets, SAMPLE_DTYPE.itemsize)
            mirror.write(chunks)
            if whole:
                break
    known = [json.loads(line) for line in spool.steps_path(run).read_text().splitlines()]
    assert known == ["login", "buy", "search"]
    for worker, names in enumerate(order):
        found = spool.read_records(spool.samples_path(run, worker))["endpoint"]
        assert [known[number - 1] for number in found[1:]] == list(names)
        assert found[0] == 0
    assert StepTable(run).number_of("search") == 3  # of a parent that recovers the run
