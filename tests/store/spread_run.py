"""A run that several hosts made, as it lies on their disks: made of drawn numbers."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchlab import spool
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ConstantRate
from benchlab.plan.stream import Stream
from benchlab.runs.head import new_run_id
from benchlab.runs.health import WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.samples.records import SAMPLE_DTYPE, ErrorKind, Flag
from benchlab.samples.streams import EVENT_DTYPE, STREAM_DTYPE
from benchlab.samples.tries import TRY_DTYPE, TryReason
from benchlab.spool.record_files import RECORD_FILES

__all__ = ["HOSTS", "WORKERS", "SpreadRun", "spread_run"]

WORKERS = 3
HOSTS = ((0, 2), (1,))
STARTED_AT_NS = 1_795_460_064_981_497_375


@dataclass(frozen=True)
class SpreadRun:
    """The spool directory of the parent, without records, and one for each of `HOSTS`."""

    id: str
    plan: Plan
    parent: Path
    hosts: tuple[Path, ...]

    def gathered(self) -> Path:
        """The parent's spool, with all records of the hosts copied to it."""
        for workers, host in zip(HOSTS, self.hosts, strict=True):
            for worker in workers:
                for kind in RECORD_FILES:
                    shutil.copy(kind.path(host, worker), kind.path(self.parent, worker))
        return self.parent


def spread_run(
    directory: Path, count: int = 300, run_id: str = "", *, beside: bool = True
) -> SpreadRun:
    """Make the spools of a run of ``count`` samples, the hosts' below ``directory``.

    Without the records ``beside`` them, there are only connections.
    """
    rng = np.random.default_rng(7)
    plan = Plan(
        [
            Request("GET", "http://127.0.0.1:1/a"),
            Request("GET", "http://127.0.0.1:1/b", stream=Stream("events", rows=True)),
        ],
        ConstantRate(1000.0),
        duration_s=(count - count // 20) / 1000,
        warmup_s=count // 20 / 1000,
        workers=WORKERS,
        slo=["p99<1s", "error_ratio<50%"],
        name="spread",
    )
    run_id = run_id or new_run_id()
    samples = _records(count, rng)
    hosts = [directory / run_id / str(number) / run_id for number in range(len(HOSTS))]
    with spool.create(run_id, plan, {"host": "parent"}) as parent:
        spool.write_start(parent, STARTED_AT_NS)
        spool.forget_plan(parent)
        for workers, host in zip(HOSTS, hosts, strict=True):
            shutil.copytree(parent, host)
            for worker in workers:
                _write(host, worker, samples, rng, beside=beside)
                spool.write_health(parent, WorkerHealth(worker, clock="timerfd"))
                spool.write_health(host, WorkerHealth(worker, clock="timerfd"))
        spool.write_outcome(parent, None)
        spool.write_hosts(parent, host_records())
    return SpreadRun(run_id, plan, parent, tuple(hosts))


def host_records(lost: Sequence[int] = ()) -> list[HostRecord]:
    """What the parent knows of the hosts; those with the numbers ``lost`` are gone."""
    return [
        HostRecord(f"tcp://10.0.0.{n}:1", f"host-{n}", workers, lost="cut off" * (n in lost))
        for n, workers in enumerate(HOSTS)
    ]


def _records(count: int, rng: np.random.Generator) -> NDArray[np.void]:
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(count)
    records["intended_ns"] = np.arange(count) * 1_000_000
    records["sent_ns"] = records["intended_ns"] + rng.lognormal(11, 0.5, count).astype(np.int64)
    records["done_ns"] = records["sent_ns"] + rng.lognormal(14, 0.5, count).astype(np.int64)
    records["first_byte_ns"] = records["done_ns"] - rng.lognormal(9, 0.5, count).astype(np.int64)
    records["bytes_in"] = rng.integers(20, 30, count)
    records["status"] = 200
    records["endpoint"] = rng.integers(0, 2, count)
    records["connection"] = rng.integers(0, 2**16, count)
    records["error"][rng.random(count) < 0.05] = ErrorKind.RESET
    records["flags"][: count // 20] = Flag.WARMUP
    records["flags"][rng.random(count) < 0.1] |= np.uint8(Flag.FAILED_TRY)
    return records


def _write(
    directory: Path,
    worker: int,
    records: NDArray[np.void],
    rng: np.random.Generator,
    *,
    beside: bool,
) -> None:
    """Write what ``worker`` has of ``records``, in the order in which they were done."""
    own = records[records["seq"] % WORKERS == worker]
    own = own[np.argsort(own["done_ns"])]
    own.tofile(spool.samples_path(directory, worker))
    seqs = own["seq"][:40]

    connections = np.zeros(len(seqs), dtype=CONNECTION_DTYPE)
    connections["seq"] = seqs
    connections["seq"][:2] = -1
    connections["start_ns"] = np.arange(len(seqs)) * 1_000_003 + worker
    connections["connect_ns"] = rng.integers(0, 2_000_000, len(seqs))
    connections.tofile(spool.connections_path(directory, worker))

    seqs = seqs if beside else seqs[:0]
    tries = np.zeros(len(seqs), dtype=TRY_DTYPE)
    tries["seq"], tries["parent_seq"] = seqs, seqs - WORKERS
    tries["number"], tries["reason"] = 2, TryReason.RETRY
    tries.tofile(spool.tries_path(directory, worker))

    seqs = seqs[:5]
    streams = np.zeros(len(seqs), dtype=STREAM_DTYPE)
    streams["seq"], streams["events"] = seqs, 3
    streams["gaps"][:, 5], streams["gaps"][:, 17] = 1, 2
    streams.tofile(spool.streams_path(directory, worker))

    events = np.zeros(3 * len(seqs), dtype=EVENT_DTYPE)
    events["seq"], events["number"] = np.repeat(seqs, 3), np.tile([1, 2, 3], len(seqs))
    events["at_ns"] = np.arange(len(events)) * 1000
    events.tofile(spool.events_path(directory, worker))
