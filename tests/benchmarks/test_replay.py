"""How faithfully a log is replayed, and how long a million recorded arrivals take to read.

``BENCHLAB_BENCH_SECONDS=5`` makes a short one of the minute that is replayed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import benchlab as bl
from benchlab.plan.shapes import Replay
from benchlab.units import NS_PER_MS, NS_PER_S
from tests.benchmarks.arrivals import arrival_server, read_arrivals
from tests.benchmarks.machine import GENERATOR, need_two_cores, on_cores
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

COUNT = 1_000_000
SECONDS = int(os.environ.get("BENCHLAB_BENCH_SECONDS", "60"))
RATE_RPS = 1_000
FORMAT = '$remote_addr [$msec] "$request" $status $request_time'


def cpu_s(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


@pytest.mark.parametrize("rest", ["", ",/path,200"])
def test_a_million_arrivals(rest: str) -> None:
    text = "\n".join(f"{1.7e9 + k / 1000:.3f}{rest}" for k in range(COUNT))
    loop_s = cpu_s(lambda: [float(line.partition(",")[0]) for line in text.splitlines()])
    read_s = cpu_s(lambda: Replay.parse(text))
    show(
        f"Reading {COUNT:,} arrivals, such as {text.partition(chr(10))[0]}",
        ("", "s of CPU"),
        [("plain loop", f"{loop_s:.2f}"), ("Replay.parse", f"{read_s:.2f}")],
    )
    assert read_s < 8 * loop_s


def write_log(file: Path, at_ms: NDArray[np.int64]) -> None:
    """An access log of nginx with times in ms: requests to twenty routes, with ids in the paths."""
    with file.open("w") as log:
        for number, at in enumerate(at_ms.tolist()):
            path = f"/api/orders{number % 20}/{number % 977}?page={number % 7}"
            client = f"10.0.{number % 50}.{number % 200}"
            log.write(
                f'{client} [{1_700_000_000 + at / 1000:.3f}] "GET {path} HTTP/1.1" 200 0.004\n'
            )


def even_ms() -> NDArray[np.int64]:
    """A request every millisecond."""
    return np.arange(SECONDS * RATE_RPS)


def random_ms() -> NDArray[np.int64]:
    """Poisson arrivals of the same number, to the millisecond."""
    drawn = np.random.default_rng(1).uniform(0, SECONDS * 1000, SECONDS * RATE_RPS)
    return np.sort(drawn).astype(np.int64)


def test_a_minute_of_a_log(tmp_path: Path) -> None:
    need_two_cores()
    rows, lag_p99_ns = [], {}
    for name, at_ms in (
        ("constant rate", None),
        ("even log", even_ms()),
        ("Poisson log", random_ms()),
    ):
        file = tmp_path / "arrivals"
        with arrival_server(file) as url, on_cores(GENERATOR):
            if at_ms is None:
                plan = bl.Plan(bl.Request("GET", url), bl.ConstantRate(RATE_RPS), SECONDS)
            else:
                log = tmp_path / "access.log"
                write_log(log, at_ms)
                plan = bl.Recording.from_access_log(log, FORMAT).plan(url)
            run = bl.run(plan.replace(trace_ratio=1.0))
        assert run.verdict == "valid", run.invalid_reason
        assert run.summary.errors == {}
        assert run.summary.lag_ns is not None
        lag_p99_ns[name] = run.summary.lag_ns.p99
        arrivals = read_arrivals(file)
        at_ns = arrivals.at_ns[arrivals.seq >= 0]
        seen_ns = int(at_ns[-1] - at_ns[0])
        found = run.fidelity
        rows.append(
            (
                name,
                f"{len(at_ns):,}",
                f"{seen_ns / NS_PER_S:.4f}",
                f"{run.summary.lag_ns.p50 / NS_PER_MS:.3f}",
                f"{run.summary.lag_ns.p99 / NS_PER_MS:.3f}",
                f"{lag_p99_ns[name] / lag_p99_ns['constant rate']:.2f}",
                f"{found.ks_distance:.3f}" if found else "",
                f"{found.ks_distance_tolerant:.3f}" if found else "",
            )
        )
        if found is None or at_ms is None:
            continue
        assert len(at_ns) == found.recorded_count == len(at_ms)
        assert (found.dropped_count, found.mix_error_ratio) == (0, 0)
        recorded_ns = int(at_ms[-1] - at_ms[0]) * NS_PER_MS
        assert found.recorded_span_ns == pytest.approx(recorded_ns, abs=1_000)
        assert abs(found.sent_span_ns - recorded_ns) < 10 * NS_PER_MS
        assert abs(seen_ns - recorded_ns) < 10 * NS_PER_MS
        assert found.faithful, found.problems
    show(
        f"Replay of {SECONDS} s at {RATE_RPS:,} requests/s, on one core",
        [
            "load",
            "arrived",
            "first to last, s",
            "lag p50, ms",
            "p99",
            "÷ constant",
            "KS",
            "> 0.1 ms",
        ],
        rows,
        "first to last as the service saw it; KS: distance of the times between arrivals, sent and"
        " recorded, and beyond 0.1 ms. Times in the logs are whole milliseconds.",
    )
    for name in ("even log", "Poisson log"):
        assert lag_p99_ns[name] < 2 * lag_p99_ns["constant rate"]
