"""How faithfully a log is replayed, and how long a million recorded arrivals take to read.

``BENCHLAB_BENCH_SECONDS=5`` makes a short one of the minute that is replayed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import benchlab as bl
from benchlab.plan.shapes import Replay
from benchlab.runs.fidelity import TOLERANCE_NS
from benchlab.samples.summary import Distribution
from benchlab.statistics.kolmogorov_smirnov import ks_distance
from benchlab.units import NS_PER_MS, NS_PER_S
from tests.benchmarks.arrivals import arrival_server, read_arrivals
from tests.benchmarks.machine import GENERATOR, need_two_cores, on_cores
from tests.benchmarks.table import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

COUNT = 1_000_000
Rate = bl.ConstantRate | bl.PoissonRate
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


def write_log(file: Path, at_us: NDArray[np.int64]) -> None:
    """An access log with times in µs: requests to twenty routes, with ids in the paths."""
    with file.open("w") as log:
        for number, at in enumerate((1_700_000_000_000_000 + at_us).tolist()):
            path = f"/api/orders{number % 20}/{number % 977}?page={number % 7}"
            time = f"{at // 1_000_000}.{at % 1_000_000:06d}"
            log.write(f'10.0.{number % 50}.7 [{time}] "GET {path} HTTP/1.1" 200 0.004\n')


def even_us() -> NDArray[np.int64]:
    """A request every millisecond."""
    return np.arange(SECONDS * RATE_RPS) * 1_000


def random_us() -> NDArray[np.int64]:
    """Random arrivals at the same rate."""
    drawn = np.random.default_rng(1).uniform(0, SECONDS * 1e6, SECONDS * RATE_RPS)
    return np.sort(drawn).astype(np.int64)


class Sent(NamedTuple):
    """A run, when its requests arrived at the service, and how it kept the times between them."""

    run: bl.Run
    at_ns: NDArray[np.int64]
    distance: float
    tolerant: float

    @property
    def lag_ns(self) -> Distribution:
        """How late its requests were."""
        assert self.run.summary.lag_ns is not None
        return self.run.summary.lag_ns


def measure(directory: Path, load: Rate | NDArray[np.int64]) -> Sent:
    """An open loop, or the replay of a log with these times."""
    file, log = directory / "arrivals", directory / "access.log"
    with arrival_server(file) as url, on_cores(GENERATOR):
        if isinstance(load, Rate):
            plan = bl.Plan(bl.Request("GET", url), load, min(SECONDS, 20))  # enough for a p99
        else:
            write_log(log, load)
            plan = bl.Recording.from_access_log(log, FORMAT).plan(url)
        run = bl.run(plan.replace(trace_ratio=1.0))
    assert run.verdict == "valid", run.invalid_reason
    assert run.summary.errors == {}
    arrivals = read_arrivals(file)
    gaps = [np.diff(np.sort(run.measured.column(name))) for name in ("intended_ns", "sent_ns")]
    return Sent(
        run,
        arrivals.at_ns[arrivals.seq >= 0],
        ks_distance(*gaps),
        ks_distance(*gaps, TOLERANCE_NS),
    )


def check(sent: Sent, at_us: NDArray[np.int64]) -> None:
    """All of it was sent, in its mix, and in the time that it took."""
    fidelity = sent.run.fidelity
    assert fidelity is not None
    assert len(sent.at_ns) == fidelity.recorded_count == len(at_us)
    assert (fidelity.dropped_count, fidelity.mix_error_ratio) == (0, 0)
    assert fidelity.ks_distance_tolerant == sent.tolerant
    recorded_ns = int(at_us[-1] - at_us[0]) * 1_000
    assert abs(fidelity.recorded_span_ns - recorded_ns) < 1_000
    assert abs(fidelity.sent_span_ns - recorded_ns) < 10 * NS_PER_MS
    assert abs(int(sent.at_ns[-1] - sent.at_ns[0]) - recorded_ns) < 10 * NS_PER_MS


def test_a_minute_of_a_log(tmp_path: Path) -> None:
    need_two_cores()
    logs = {"even": even_us(), "random": random_us()}
    rows, ratios = [], []
    for name, rate in (("even", bl.ConstantRate(RATE_RPS)), ("random", bl.PoissonRate(RATE_RPS))):
        generated, replayed = measure(tmp_path, rate), measure(tmp_path, logs[name])
        check(replayed, logs[name])
        ratios.append(replayed.lag_ns.p99 / generated.lag_ns.p99)
        rows += [
            (
                label,
                f"{len(sent.at_ns):,}",
                f"{(sent.at_ns[-1] - sent.at_ns[0]) / NS_PER_S:.4f} s",
                f"{sent.lag_ns.p50 / NS_PER_MS:.3f} ms",
                f"{sent.lag_ns.p99 / NS_PER_MS:.3f} ms",
                f"{sent.lag_ns.p99 / generated.lag_ns.p99:.2f}",
                f"{sent.distance:.3f}",
                f"{sent.tolerant:.3f}",
            )
            for label, sent in ((f"{name}, by rate", generated), (f"{name}, replayed", replayed))
        ]
    show(
        f"Replay of {SECONDS} s at {RATE_RPS:,} requests/s, on one core",
        ["load", "arrived", "first to last", "lag p50", "lag p99", "ratio", "KS", "> 0.1 ms"],
        rows,
        "first to last: as the service saw it; ratio: of the p99 to that of the same load by its"
        " rate; KS: distance of the times between arrivals, intended and sent, and beyond 0.1 ms.",
    )
    assert max(ratios) < 2
