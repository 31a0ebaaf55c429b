"""Save a run from several hosts at once: each inserts the records that its own workers wrote.

The files of a worker only grow. So block b of a file is the same records whoever reads it and
whenever: those from b × the size of a block on. A block is inserted once it is full, and the last
one, which may be shorter, once its worker has ended. Before a block is sent the store is asked
whether it has its first record, and a token made of run, worker and block catches an insert whose
acknowledgement was lost: a host may stop anywhere and begin again.

When every host has sent its share, `complete` compares each worker's records in the store with what
its host counted, by number and by sum of their sequence numbers, repairs what differs, and only
then the run may exist (`benchlab.store.runs.write`). Worker w of n numbers its requests w, w + n,
w + 2n, …, so the store knows the worker of each record without a column for it.

A worker whose host does not report what it wrote is lost. What the store has of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import StoreError
from benchlab.inserts import once
from benchlab.runs.head import RunHead
from benchlab.samples.records import SAMPLE_DTYPE
from benchlab.spool.record_files import RECORD_FILES, RecordCount, RecordFileKind, count_of
from benchlab.spool.records import read_records
from benchlab.store.client.insert import Column
from benchlab.store.runs import write
from benchlab.store.runs.exactly_once import insert_exactly, insert_of_run
from benchlab.store.runs.streams import stream_columns
from benchlab.store.schema.replicated import stored

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["StoredShare", "complete"]

SendAgain = Callable[[str], object]
"""Has all hosts send what the store lacks of their shares, with this end of their tokens."""

_WORKER = "if(seq < 0, -1, seq % {workers:Int64})"

# The same sums as those of the view that fills the table.
_ROLL_UP = """
INSERT INTO endpoint_seconds
SELECT
    run_id,
    any(samples.started_at) AS started_at,
    endpoint,
    intDiv(intended_ns, 1000000000) AS second,
    bitTest(flags, 0) AS warmup,
    count() AS request_count,
    countIf(error != 0) AS error_count,
    sum(samples.bytes_in) AS bytes_in,
    max(lag_ns + service_ns) AS latency_max_ns,
    quantilesDDState(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(lag_ns + service_ns) AS latency
FROM samples
WHERE run_id = {run_id:String} AND NOT bitTest(flags, 6)
GROUP BY run_id, endpoint, second, warmup
"""


@dataclass(frozen=True, slots=True)
class _Table:
    """The table of a kind of records; no two records of a run have the same ``key``."""

    name: str
    key: tuple[str, ...]
    columns: Callable[[NDArray[np.void]], Mapping[str, Column]]


def _as_they_are(records: NDArray[np.void]) -> Mapping[str, Column]:
    return {name: records[name] for name in records.dtype.names or ()}


_ALL_OF_A_CONNECTION = ("seq", "start_ns", "dns_ns", "connect_ns", "tls_ns", "origin", "error")
_TABLES: Final = {
    "samples": _Table("samples", ("seq",), write.sample_columns),
    "connections": _Table("connections", _ALL_OF_A_CONNECTION, _as_they_are),
    "tries": _Table("tries", ("seq",), _as_they_are),
    "streams": _Table("streams", ("seq",), stream_columns),
    "events": _Table("stream_events", ("seq", "number"), _as_they_are),
}


class StoredShare:
    """What some workers of a run write to a spool directory, and how much of it is stored."""

    def __init__(
        self, head: RunHead, directory: Path, workers: Iterable[int], salt: str = ""
    ) -> None:
        self._head = head
        self._salt = salt
        self._files = [
            _File(kind, worker, kind.path(directory, worker))
            for worker in workers
            for kind in RECORD_FILES
        ]

    @property
    def counts(self) -> tuple[RecordCount, ...]:
        """What was found to be stored, or stored, of each file."""
        return tuple(file.stored for file in self._files)

    @property
    def unsent(self) -> int:
        """Records that are in the files by now, and not stored as far as is known."""
        return sum(file.unsent for file in self._files)

    def ready(self, *, ended: bool) -> bool:
        """Whether there is a block to send; the last ones only if the workers have ``ended``."""
        return any(file.ready(ended=ended) for file in self._files)

    def send_next(self, client: Client, *, ended: bool) -> bool:
        """Send the next block unless the store has it; returns whether there was one."""
        file = next((file for file in self._files if file.ready(ended=ended)), None)
        if file is None:
            return False
        records, table = file.next_block(), _TABLES[file.kind.name]
        if not _has(client, self._head.id, table, records[:1]):
            token = f"{table.name}:{self._head.id}:{file.worker}:{file.block}:{self._salt}"
            insert_of_run(client, table.name, self._head, table.columns(records), token)
        file.advance(records)
        return True


class _File:
    """A file of records, and how many of its blocks are stored."""

    def __init__(self, kind: RecordFileKind, worker: int, path: Path) -> None:
        self.kind = kind
        self.worker = worker
        self.block = 0
        self.stored = RecordCount(kind.name, worker)
        self._path = path
        # As many bytes as a block of samples has.
        whole = write.BLOCK_SAMPLES * SAMPLE_DTYPE.itemsize
        self._size = max(1, whole // kind.dtype.itemsize)

    @property
    def unsent(self) -> int:
        try:
            there = self._path.stat().st_size // self.kind.dtype.itemsize
        except FileNotFoundError:
            return 0
        return max(0, there - self.stored.total)

    def ready(self, *, ended: bool) -> bool:
        return self.unsent >= (1 if ended else self._size)

    def next_block(self) -> NDArray[np.void]:
        start = self.block * self._size
        return read_records(self._path, start, self.kind.dtype, self._size)

    def advance(self, records: NDArray[np.void]) -> None:
        self.stored += count_of(self.kind.name, self.worker, records)
        self.block += 1


def complete(
    client: Client, head: RunHead, counts: Sequence[RecordCount], send_again: SendAgain
) -> None:
    """Have the records of a run in the store as its hosts counted them, each once.

    Raises:
        StoreError: the store does not hold them, although they were sent again.
    """
    for kind, table in _TABLES.items():
        comparison = _Comparison(client, head, table, [c for c in counts if c.kind == kind])
        if not insert_exactly(
            client,
            lambda salt: _unless_first(salt, send_again),
            comparison.found,
            comparison.whole,
            comparison.remove,
        ):
            raise StoreError(
                f"run {head.id} could not be stored: the store does not hold the {table.name} that"
                " its hosts sent. Save it again: they keep what was measured until that succeeds"
            )
    _complete_rollups(client, head)


class _Comparison:
    """The records of a run in one table, beside what its hosts counted."""

    def __init__(
        self, client: Client, head: RunHead, table: _Table, counts: Sequence[RecordCount]
    ) -> None:
        self._client = client
        self._table = table.name
        known = {count.worker: count for count in counts}
        workers = head.plan.workers
        self._known = sorted(known)
        self._lost = [worker for worker in range(workers) if worker not in known]
        self._parameters = {"run_id": head.id, "workers": workers, "lost": self._lost}
        numbers = [n for w in self._known for n in (known[w].numbered, known[w].seq_sum)]
        # Nobody knows which of the others are a lost worker's.
        others = [] if self._lost else [sum(count.unnumbered for count in counts)]
        self.whole = tuple(numbers + others)

    def found(self) -> tuple[int, ...]:
        """What the store holds, in the form of ``whole``."""
        rows = self._client.query(
            f"SELECT {_WORKER} AS worker, count(), sum(toInt128(seq)) FROM {self._table}"  # noqa: S608  # constants
            " WHERE run_id = {run_id:String} GROUP BY worker",
            parameters=self._parameters,
        ).result_rows
        found = {int(worker): (int(count), int(seqs)) for worker, count, seqs in rows}
        numbers = [n for worker in self._known for n in found.get(worker, (0, 0))]
        others = [] if self._lost else [found.get(-1, (0, 0))[0]]
        return tuple(numbers + others)

    def remove(self) -> None:
        """Remove all that can be sent again, so all but the records of lost workers."""
        self._client.command(
            f"DELETE FROM {stored(self._client, self._table)}"  # noqa: S608  # constants
            f" WHERE run_id = {{run_id:String}} AND NOT has({{lost:Array(Int64)}}, {_WORKER})",
            parameters=self._parameters,
        )


def _complete_rollups(client: Client, head: RunHead) -> None:
    """Make the sums of a run's seconds those of its samples: what a view did may be incomplete."""
    parameters = {"run_id": head.id}
    ((requests,),) = client.query(
        "SELECT countIf(NOT bitTest(flags, 6)) FROM samples WHERE run_id = {run_id:String}",
        parameters=parameters,
    ).result_rows

    def roll_up(salt: str) -> None:
        if salt:  # the first time it was done by the view
            token = once(f"endpoint_seconds:{head.id}:{salt}")
            client.command(_ROLL_UP, parameters=parameters, settings=token)

    if not insert_exactly(
        client,
        roll_up,
        lambda: write.count_samples(client, head.id)[1:2],
        (int(requests),),
        lambda: write.remove_rollups(client, head.id),
    ):
        raise StoreError(
            f"run {head.id} could not be stored: the sums of its seconds are not those of its"
            f" {requests:,} requests. Save it again: its hosts keep what was measured"
        )


def _unless_first(salt: str, send_again: SendAgain) -> None:
    if salt:  # the first time the hosts have just sent everything
        send_again(salt)


def _has(client: Client, run_id: str, table: _Table, first: NDArray[np.void]) -> bool:
    """Whether the table has the ``first`` record of a block of the run, and so all of the block."""
    values = {name: int(first[name][0]) for name in table.key}
    conditions = " AND ".join(f"{name} = {{{name}:Int64}}" for name in table.key)
    found = client.query(
        f"SELECT count() FROM {table.name} WHERE run_id = {{run_id:String}} AND {conditions}",  # noqa: S608  # constants
        parameters={"run_id": run_id, **values},
    )
    return bool(found.result_rows[0][0])
