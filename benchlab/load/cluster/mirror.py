"""Copy what the workers of a host write into the run's spool, byte for byte.

A file of the parent's is always the beginning of the host's, so its size is where to go on: after a
lost response, a lost link or a lost parent. There is one exception: hosts number the steps of a
scenario each in their own order, and the samples of such a plan get the numbers of the run.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchlab import spool
from benchlab.decoding import decode, decode_file
from benchlab.runs.health import WorkerHealth
from benchlab.samples.records import SAMPLE_DTYPE
from benchlab.spool.share import share_files
from benchlab.spool.storage import open_private, replace_text

__all__ = ["Mirror", "StepTable"]


class StepTable:
    """The names of a scenario's steps in the order of the run, in its spool ``directory``.

    All mirrors of a run share one. Number 0 is the iteration itself.
    """

    def __init__(self, directory: Path) -> None:
        self._path = spool.steps_path(directory)
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        with suppress(FileNotFoundError):
            for line in self._path.read_bytes().splitlines():
                self._numbers[decode(line, str, where=str(self._path))] = len(self._numbers) + 1

    def number_of(self, name: str) -> int:
        """The number of the step ``name`` in the run, whose file gets it if it is new."""
        with self._lock:
            number = self._numbers.get(name)
            if number is None:
                _append(self._path, json.dumps(name).encode() + b"\n")
                number = self._numbers[name] = len(self._numbers) + 1
            return number


class Mirror:
    """The copy of the share of one host, in the run's spool ``directory``.

    ``steps`` is the run's table if the plan has a scenario. With ``direct`` the host sends its
    records to a store, and has sums of them for the parent.
    """

    def __init__(
        self,
        directory: Path,
        workers: Sequence[int],
        steps: StepTable | None = None,
        *,
        direct: bool = False,
    ) -> None:
        self._directory = directory
        self._workers = tuple(workers)
        self._steps = steps
        self._numbers = np.zeros(1, dtype=np.uint16)  # of the run, by those of the host
        self._rest = b""  # of a line of the host's steps
        self._steps_name = spool.steps_path(directory).name
        self._samples = {spool.samples_path(directory, worker).name for worker in workers}
        self._health = {spool.health_path(directory, worker).name for worker in workers}
        self.offsets: dict[str, int] = {}
        self._direct = direct
        for path, size in self._files():
            if path.name in (self._steps_name, *self._health):
                continue  # read anew
            with suppress(FileNotFoundError):
                there = path.stat().st_size
                if there % size:  # the parent was killed while it wrote
                    os.truncate(path, there - there % size)
                self.offsets[path.name] = there - there % size

    def write(self, chunks: Mapping[str, bytes]) -> None:
        """Append the next bytes of files, which follow `offsets`.

        Raises:
            OSError: the parent's disk is full or cannot be written. Nothing is lost: `offsets` says
                what is there.
        """
        if self._steps_name in chunks:
            self._take_steps(chunks[self._steps_name])
            self._note(self._steps_name, chunks[self._steps_name])
        for name, data in chunks.items():
            if name in self._health:
                self._take_health(name, data)
            elif name != self._steps_name:
                _append(self._directory / name, self._in_the_run(name, data))
            if name != self._steps_name:
                self._note(name, data)

    def sync(self) -> None:
        """Wait until all of it is on the disk."""
        paths = [path for path, _ in self._files()]
        for path in (*paths, self._directory):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def _files(self) -> Iterator[tuple[Path, int]]:
        return share_files(self._directory, self._workers, self._workers, direct=self._direct)

    def _in_the_run(self, name: str, data: bytes) -> bytes:
        """``data`` of the file ``name`` as the run has it: its steps by their numbers there."""
        if self._steps is None or name not in self._samples:
            return data
        records = np.frombuffer(data, dtype=SAMPLE_DTYPE).copy()
        records["endpoint"] = self._numbers[records["endpoint"]]
        return records.tobytes()

    def _note(self, name: str, data: bytes) -> None:
        self.offsets[name] = self.offsets.get(name, 0) + len(data)

    def _take_health(self, name: str, data: bytes) -> None:
        """Write a worker's health; of one that was lost, what the parent had noted stays."""
        path = self._directory / name
        health = decode(data, WorkerHealth, where=name)
        with suppress(FileNotFoundError):
            known = decode_file(path, WorkerHealth)
            if known.problem_kind == "lost" and not health.problem:
                lost = replace(health, problem=known.problem, problem_kind="lost")
                spool.write_health(self._directory, lost)
                return
        replace_text(path, data.decode(), private=True)

    def _take_steps(self, data: bytes) -> None:
        if self._steps is None:
            return
        *lines, rest = (self._rest + data).split(b"\n")
        found = [self._steps.number_of(decode(line, str, where="a step")) for line in lines]
        self._rest = rest
        self._numbers = np.append(self._numbers, np.array(found, dtype=np.uint16))


def _append(path: Path, data: bytes) -> None:
    """Append all of ``data`` to a file, or nothing.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except BaseException:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
