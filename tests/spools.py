"""Spools of runs of any length, as their workers leave them, without making any load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchlab import ClosedLoop, ConstantRate, Plan, Request, spool
from benchlab.runs.health import WorkerHealth
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag
from benchlab.units import NS_PER_S

__all__ = ["GOING_ON", "going_on", "make_spool", "make_wide_spool"]

RATE = 50_000
GOING_ON = Plan(
    Request("GET", "http://127.0.0.1:1/?token=s3cret"), ConstantRate(100), duration_s=3600
)


@contextmanager
def going_on(run_id: str) -> Iterator[Path]:
    """The spool directory of a run with 300 samples that goes on, as `benchlab.start` began it.

    It belongs to this process; when the block ends it has been stopped after 3 s.
    """
    with spool.create(run_id, GOING_ON, {}) as directory:
        records = np.zeros(300, dtype=SAMPLE_DTYPE)
        records["seq"] = np.arange(300)
        records["intended_ns"] = records["sent_ns"] = records["seq"] * NS_PER_S // 100
        records["done_ns"] = records["sent_ns"] + 5_000_000
        records["status"] = 200
        records.tofile(spool.samples_path(directory, 0))
        spool.write_start(directory, 1_795_460_064_000_000_000)
        spool.detached_log_path(directory).touch()
        yield directory
        spool.write_health(directory, WorkerHealth(0))
        spool.write_outcome(directory, 3 * NS_PER_S)


def make_spool(count: int, *, closed: bool = False, slo: tuple[str, ...] = ()) -> Path:
    """The directory of a run of ``count`` requests by two workers, each in the order of answers.

    In a ``closed`` loop one worker made more of them than the other, so that neither their numbers
    nor their warm-ups meet.
    """
    rng = np.random.default_rng(1)
    seconds = count / RATE
    plan = Plan(
        requests=[Request("GET", "http://127.0.0.1:1/a"), Request("GET", "http://127.0.0.1:1/b")],
        load=ClosedLoop(64) if closed else ConstantRate(RATE),
        duration_s=seconds,
        warmup_s=seconds / 10 if closed else 0,
        workers=2,
        slo=slo,
    )
    with spool.create(f"{count:016x}", plan, {}) as made:
        for worker in range(2):
            share = (0.45, 0.55)[worker] if closed else 0.5
            step = np.arange(round(count * share))
            seq = worker + 2 * step
            records = np.zeros(len(seq), dtype=SAMPLE_DTYPE)
            records["seq"] = seq
            between_ns = seconds * 1e9 / len(seq) if closed else 2e9 / RATE
            start_ns = 0 if closed else worker * 1e9 / RATE
            records["intended_ns"] = (start_ns + step * between_ns).astype(np.int64)
            lag, service = rng.lognormal(10.5, 0.4, len(seq)), rng.lognormal(14, 0.5, len(seq))
            records["sent_ns"] = records["intended_ns"] + (0 if closed else lag.astype(np.int64))
            records["done_ns"] = records["sent_ns"] + service.astype(np.int64)
            records["first_byte_ns"] = records["done_ns"] - rng.integers(5000, 50_000, len(seq))
            records["bytes_in"] = rng.integers(100, 120, len(seq))
            records["status"] = 200
            records["endpoint"] = rng.integers(0, 2, len(seq))
            records["error"][rng.random(len(seq)) < 0.001] = ErrorKind.TIMEOUT
            records["flags"][records["intended_ns"] < plan.warmup_ns] = Flag.WARMUP
            records[np.argsort(records["done_ns"])].tofile(spool.samples_path(made, worker))
            spool.write_health(made, WorkerHealth(worker))
        spool.write_start(made, 1_795_460_064_000_000_000)
        spool.write_outcome(made, None)
    return made


def make_wide_spool(workers: int, rate_rps: float, duration_s: float) -> Path:
    """The directory of a run by many workers, each of which sent ``rate_rps`` requests a second.

    Each has a file of its own, in the order in which responses came, as they have on many hosts.
    """
    rng = np.random.default_rng(1)
    count = round(rate_rps * duration_s)
    plan = Plan(
        requests=[Request("GET", "http://127.0.0.1:1/a"), Request("GET", "http://127.0.0.1:1/b")],
        load=ConstantRate(rate_rps * workers),
        duration_s=duration_s,
        workers=workers,
        max_connections=8 * workers,
    )
    with spool.create(f"{count * workers:016x}", plan, {}) as made:
        for worker in range(workers):
            records = np.zeros(count, dtype=SAMPLE_DTYPE)
            records["seq"] = worker + workers * np.arange(count)
            records["intended_ns"] = records["seq"] * NS_PER_S // round(rate_rps * workers)
            lag, service = rng.lognormal(10.5, 0.4, count), rng.lognormal(14, 0.5, count)
            records["sent_ns"] = records["intended_ns"] + lag.astype(np.int64)
            records["done_ns"] = records["sent_ns"] + service.astype(np.int64)
            records["first_byte_ns"] = records["done_ns"] - rng.integers(5000, 50_000, count)
            records["bytes_in"] = rng.integers(100, 120, count)
            records["status"] = 200
            records["endpoint"] = rng.integers(0, 2, count)
            records["error"][rng.random(count) < 0.001] = ErrorKind.TIMEOUT
            records["connection"] = rng.integers(1, 9, count)
            records[np.argsort(records["done_ns"])].tofile(spool.samples_path(made, worker))
            spool.write_health(made, WorkerHealth(worker, connections_opened=8))
        spool.write_start(made, 1_795_460_064_000_000_000)
        spool.write_outcome(made, None)
    return made
