"""Number the names of steps as they first occur, the same in all workers of a run."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from benchlab.decoding import decode
from benchlab.plan.scenario import MOST_STEPS
from benchlab.spool.storage import open_private

__all__ = ["StepNames"]

_MOST_BY_PATH = 200


class StepNames:
    """Numbers step names from 1, the same in every worker; ``numbers`` has those known so far.

    The names are in a file of the run's spool, one per line; workers append to it under a lock.
    That happens once per name, later it is a lookup. Number 0 is the iteration itself.
    """

    def __init__(self, path: Path, names: list[str]) -> None:
        """``names`` has the name of number 0; new names are appended to it."""
        self._path = path
        self._names = names
        self.numbers: dict[str, int] = {}
        self._size = 0  # of the part of the file that was read

    def number_of(self, name: str, by_path: bool = False) -> int:
        """The number of the step ``name``.

        If it is that of a request outside of steps, all names after the first 200 share one.

        Raises:
            ValueError: there are too many names.
        """
        if by_path and len(self.numbers) >= _MOST_BY_PATH:
            name = f"{name.partition(' ')[0]} (other paths)"
        known = self.numbers.get(name)
        return self._add(name) if known is None else known

    def _add(self, name: str) -> int:
        file = open_private(self._path, os.O_RDWR | os.O_APPEND)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._read(os.pread(file, os.fstat(file).st_size - self._size, self._size))
            if name not in self.numbers:
                if len(self.numbers) >= MOST_STEPS:
                    raise ValueError(
                        f"the scenario has more than {MOST_STEPS:,} different step names: name a"
                        " step by its purpose, not by its data"
                    )
                line = json.dumps(name).encode() + b"\n"
                os.write(file, line)
                self._read(line)
        finally:
            os.close(file)
        return self.numbers[name]

    def _read(self, data: bytes) -> None:
        """Number the names in ``data``, which comes next in the file."""
        for line in data.splitlines():
            self._names.append(decode(line, str, where=str(self._path), exact=True))
            self.numbers[self._names[-1]] = len(self._names) - 1
        self._size += len(data)
