"""The names of steps, numbered alike by all workers of a run as they first occur."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from benchlab.plan.scenario import MOST_STEPS

__all__ = ["StepNames"]

_MOST_BY_PATH = 200


class StepNames:
    """Gives each name its number, from 1 on, the same in every worker.

    The names stand in a file of the run's spool, a line each, to which workers append under a
    lock. That happens once per name; after that it is a lookup. Number 0 is the iteration.
    """

    def __init__(self, path: Path, names: list[str]) -> None:
        """``names`` is extended by what comes up; its first is that of number 0."""
        self._path = path
        self._names = names
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The number of the step ``name``.

        Raises:
            ValueError: there are too many names.
        """
        known = self._numbers.get(name)
        return self._learn(name) if known is None else known

    def number_of_request(self, method: str, path: str) -> int:
        """The number of a request outside of a step; past 200 paths, all others are one."""
        name = f"{method} {path}"
        if name not in self._numbers and len(self._numbers) >= _MOST_BY_PATH:
            name = f"{method} (other paths)"
        return self.number(name)

    def _learn(self, name: str) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = os.pread(file, os.fstat(file).st_size, 0).splitlines()
            known = [json.loads(line) for line in lines]
            if name not in known:
                if len(known) >= MOST_STEPS:
                    raise ValueError(
                        f"the scenario has more than {MOST_STEPS:,} different steps: name a step by"
                        " what it does, not by its data"
                    )
                os.write(file, json.dumps(name).encode() + b"\n")
                known.append(name)
        finally:
            os.close(file)
        self._names[1:] = known
        self._numbers = {each: index for index, each in enumerate(known, 1)}
        return self._numbers[name]
