"""Keeping a worker's first failed requests of each kind, on disk as they occur."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchlab.samples.examples import Quota, make_example
from benchlab.samples.samples import ErrorKind

__all__ = ["Examples"]


class Examples:
    """Takes what a driver knows of a failed request, in clock time, and writes what is wanted.

    Once the quota of a kind is full, asking costs a look into a table. A file that cannot be
    written takes no further examples: they explain a run, and it is complete without them.
    """

    def __init__(self, path: Path, endpoints: list[str], warmup_ns: int) -> None:
        """``endpoints`` are the names of the plan's requests; a scenario's steps are added to them.

        ``start_ns`` is set at the start.
        """
        self._path = path
        self.endpoints = endpoints
        self._warmup_ns = warmup_ns
        self._quota = Quota()
        self._broken = False
        self.start_ns = 0

    def wants(self, error: ErrorKind, endpoint: int, intended: int) -> bool:
        """Whether a failure of a request intended at the clock time ``intended`` would be kept."""
        warmup = intended - self.start_ns < self._warmup_ns
        return self._quota.wants(error.label, self.endpoints[endpoint], warmup)

    def settled(self, error: ErrorKind, endpoint: int, now: int) -> bool:
        """Whether no such failure will be wanted from ``now`` on."""
        in_warmup = now - self.start_ns < self._warmup_ns
        return not in_warmup and not self.wants(error, endpoint, now)

    def keep(
        self,
        error: ErrorKind,
        endpoint: int,
        seq: int,
        intended: int,
        status: int,
        words: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        body_bytes: int = 0,
    ) -> None:
        """Keep a failed request, if it is `wanted <wants>`."""
        if self._broken or not self.wants(error, endpoint, intended):
            return
        name, run_ns = self.endpoints[endpoint], intended - self.start_ns
        self._quota.take(error.label, name, run_ns < self._warmup_ns)
        example = make_example(
            error.label, name, seq, run_ns, status, words, headers, body, body_bytes
        )
        line = f"{json.dumps(example.to_dict())}\n".encode()
        try:
            with self._path.open("ab", buffering=0) as file:
                self._broken = file.write(line) != len(line)
        except OSError:
            self._broken = True
