"""Every response of the corpus has its verdict, wherever TCP cut it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from benchlab.load.drivers.checking import Checker
from benchlab.load.drivers.wire.connection import Connection
from benchlab.load.drivers.wire.encoding import Encoder
from benchlab.load.drivers.wire.head import ProtocolError
from benchlab.load.drivers.wire.head_cache import HeadCache
from benchlab.load.drivers.wire.response import Response
from benchlab.load.recording.outcome import Outcome
from benchlab.samples.samples import ErrorKind
from tests.load.drivers.corpus import CASES, Case, Verdict

SHORT = 1000
"""Cases up to this length are cut at every byte, longer ones near their ends and in between."""


class Read(NamedTuple):
    """What was made of a response; of one that is not valid only the verdict counts."""

    verdict: Verdict
    status: int = 0
    body_bytes: int = 0
    reused: bool = False


def expected(case: Case) -> Read:
    if case.verdict is Verdict.PROTOCOL:
        return Read(case.verdict)
    return Read(case.verdict, case.status, len(case.body), case.reused)


def splits(data: bytes) -> Iterator[list[bytes]]:
    """Every way to cut ``data`` in two, and byte by byte; for long data a part of these."""
    size = len(data)
    if size <= SHORT:
        cuts: Iterator[int] | range = range(1, size)
        yield [data[i : i + 1] for i in range(size)]
    else:
        ends = [*range(1, 20), *range(size - 20, size)]
        cuts = iter([*ends, *range(20, size - 20, size // 10)])
        yield [data[i : i + 997] for i in range(0, size, 997)]
    for cut in cuts:
        yield [data[:cut], data[cut:]]


def read(case: Case, pieces: list[bytes]) -> Read:
    """The result of a `Response` that is given all pieces."""
    response = Response(head_only=case.method == "HEAD", body_limit=1 << 20)
    try:
        for piece in pieces:
            response.feed(piece)
    except ProtocolError:
        return Read(Verdict.PROTOCOL)
    complete, ended = response.complete, response.end()
    verdict = Verdict.UNFINISHED
    if ended:
        verdict = Verdict.OK if complete else Verdict.UNTIL_CLOSE
    assert response.body == case.body
    return Read(verdict, response.status, response.body_bytes, complete and response.reusable)


class Pool:
    """Keeps what a connection reports to its driver."""

    def __init__(self, case: Case, *, explained: bool = True) -> None:
        head_only = case.method == "HEAD"
        self.heads = [HeadCache(head_only=head_only)]
        self.known_heads = [cache.known for cache in self.heads]
        self.encoders: list[Encoder] = []
        self.checkers: list[Checker | None] = [None]
        self.head_only = [head_only]
        self.body_limits = [0]
        self.keep_alive = [True]
        self.timeout_ns = 1 << 62
        self.in_flight = 0
        self.recording = self
        self.reused = False
        self.results: list[tuple[ErrorKind, int, int]] = []
        self._explained = explained

    def record(
        self,
        seq: int,
        intended: int,
        sent: int,
        first_byte: int,
        done: int,
        bytes_in: int,
        status: int,
        endpoint: int,
        error: int,
        flags: int,
        connection: int,
    ) -> None:
        self.results.append((ErrorKind(error), status, bytes_in))

    def finish(self, outcome: Outcome) -> None:
        self.record(*outcome[:11])

    def explained(self, error: ErrorKind, endpoint: int, now: int) -> bool:
        return self._explained

    def free(self, connection: Connection, now: int) -> None:
        self.reused = True

    def lost(self, connection: Connection) -> None:
        self.reused = False

    def read(self, pieces: list[bytes]) -> Read:
        """The result of a connection that receives ``pieces``; at the end it may be closed."""
        self.results.clear()
        self.reused = False
        connection = Connection(self, 0, 1)  # type: ignore[arg-type]
        connection.assign(0, 0, 1, 1, 0)
        for piece in pieces:
            connection.data_received(piece)
        closed = not self.results
        if closed:
            connection.connection_lost(None)
        ((error, status, body_bytes),) = self.results
        if error is ErrorKind.PROTOCOL:
            return Read(Verdict.PROTOCOL)
        if error is ErrorKind.CLOSED:
            return Read(Verdict.UNFINISHED, status, body_bytes)
        assert error is (ErrorKind.STATUS if status >= 400 else ErrorKind.OK)
        verdict = Verdict.UNTIL_CLOSE if closed else Verdict.OK
        return Read(verdict, status, body_bytes, self.reused)


def identity(case: Case) -> str:
    return f"{case.rfc}: {case.name}"


def test_names_are_unique() -> None:
    names = {(case.name, case.data, case.method) for case in CASES}
    assert len(names) == len(CASES) >= 300


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_a_response_has_its_verdict_in_every_split(case: Case) -> None:
    wanted = expected(case)
    pool = Pool(case)
    for pieces in ([case.data], *splits(case.data)):
        assert read(case, pieces) == wanted, pieces
        assert pool.read([piece for piece in pieces if piece]) == wanted, pieces
    assert Pool(case, explained=False).read([case.data]) == wanted
