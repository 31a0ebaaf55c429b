"""Measure this host's noise floor: run the engine against a server of known latency."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab import spool
from benchlab.calibration.latency_server import hold_path, read_holds
from benchlab.calibration.latency_server_process import start_latency_server
from benchlab.errors import RunError
from benchlab.load.run import run
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import write_floor
from benchlab.load.supervisor.progress import OnProgress, Progress
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, PoissonRate
from benchlab.runs.floor import CALIBRATION_TAGS, Floor, Probe, Timer, fingerprint
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.samples.summary import Distribution
from benchlab.units import NS_PER_MS

__all__ = ["OTHERS_LIMIT_CORES", "calibrate"]

HOLDS_NS = (0, 1 * NS_PER_MS, 5 * NS_PER_MS, 20 * NS_PER_MS)
"""Hold times of the probes."""

RATE_RPS = 500.0
CONNECTIONS = 64

OTHERS_LIMIT_CORES = 0.25
"""The result has a warning if other processes used more cores than this."""

_LOAD_LIMIT_PER_CORE = 0.5
_TOP_PROCESSES = 3


class _Lengths(NamedTuple):
    """Lengths of warm-up and measured window, for the probes and for the maximum rate."""

    probe_warmup_s: float
    probe_s: float
    rate_warmup_s: float
    rate_s: float


_FULL = _Lengths(1.0, 15.0, 0.5, 2.0)
_QUICK = _Lengths(0.25, 2.0, 0.25, 1.0)


def calibrate(
    *, quick: bool = False, save: bool = True, on_progress: OnProgress | None = None
) -> Floor:
    """Measure the latency that this host adds, and store it for later runs.

    Takes about 20 s, or 5 s and fewer requests with ``quick``. With two cores or more, the server
    has one core to itself and the generator the others. If interrupted, it stores nothing.

    Raises:
        RunError: the server or a worker failed, or the result cannot be written.
        KeyboardInterrupt: the calibration was interrupted.
    """
    lengths = _QUICK if quick else _FULL
    environment = capture_environment()
    others = _OtherProcesses()
    core = _server_core()
    with tempfile.TemporaryDirectory(prefix="benchlab-") as directory:
        holds = Path(directory) / "holds.bin"
        with _away_from(core), start_latency_server(holds, core) as server:
            plans = _plans(server.url, lengths)
            probed, fastest = _carry_out(plans, on_progress)
        cores_busy, names = others.usage()
        floor = _floor(
            probed,
            read_holds(holds),
            host=fingerprint(environment),
            quick=quick,
            max_rate_rps=round(fastest.summary.rate_rps, 1),
            max_rate_cpu_ratio=fastest.health.workers[0].cpu_ratio,
            timer=Timer(**server.timer),
            cores=_describe_cores(core),
            warnings=tuple(interference(environment, core, cores_busy, names, probed)),
        )
    if save:
        write_floor(floor)
    return floor


def _plans(url: str, lengths: _Lengths) -> tuple[Plan, Plan]:
    probes = Plan(
        [
            Request("GET", url + hold_path(hold), name=f"held {hold / NS_PER_MS:g} ms")
            for hold in HOLDS_NS
        ],
        PoissonRate(RATE_RPS),
        duration_s=lengths.probe_s,
        warmup_s=lengths.probe_warmup_s,
        trace_ratio=1.0,  # the server identifies requests by their trace context
        name="calibration: noise floor",
        tags=CALIBRATION_TAGS,
    )
    fastest = Plan(
        [Request("GET", url + hold_path(0))],
        ClosedLoop(CONNECTIONS),
        duration_s=lengths.rate_s,
        warmup_s=lengths.rate_warmup_s,
        name="calibration: maximum rate",
        tags=CALIBRATION_TAGS,
    )
    return probes, fastest


def _carry_out(plans: tuple[Plan, Plan], on_progress: OnProgress | None) -> tuple[Run, Run]:
    lengths_s = [plan.warmup_s + plan.length_s for plan in plans]
    runs = []
    for index, (plan, phase) in enumerate(zip(plans, ("floor", "max rate"), strict=True)):
        report = _part(on_progress, phase, sum(lengths_s[:index]), sum(lengths_s))
        finished = run(plan, on_progress=report)
        if finished.spool is not None:
            spool.remove(finished.spool)
        if finished.stopped_ns is not None:
            raise KeyboardInterrupt
        if finished.summary.error_count or finished.summary.count == 0:
            errors = finished.summary.errors or "no request was measured"
            raise RunError(f"requests to the known-latency server failed: {errors}")
        runs.append(finished)
    return runs[0], runs[1]


def _part(
    on_progress: OnProgress | None, phase: str, before_s: float, total_s: float
) -> OnProgress | None:
    if on_progress is None:
        return None

    def report(progress: Progress) -> None:
        on_progress(
            replace(
                progress,
                phase=progress.phase if progress.phase == "stopping" else phase,
                elapsed_s=before_s + progress.elapsed_s,
                total_s=total_s,
            )
        )

    return report


def _floor(probed: Run, holds: NDArray[np.int64], **known: Any) -> Floor:
    samples, held_ns = join_holds(probed, holds)
    probes = []
    for endpoint, hold_ns in enumerate(HOLDS_NS):
        chosen = samples.column("endpoint") == endpoint
        part, held = samples.where(chosen), held_ns[chosen]
        probes.append(
            Probe(
                hold_ns=hold_ns,
                count=len(part),
                missed_ns=_distribution(held - hold_ns),
                latency_ns=_distribution(part.latency_ns - held),
                service_ns=_distribution(part.service_ns - held),
            )
        )
    return Floor(
        measured_at=datetime.now(UTC).replace(microsecond=0),
        rate_rps=RATE_RPS,
        count=len(samples),
        latency_ns=_distribution(samples.latency_ns - held_ns),
        service_ns=_distribution(samples.service_ns - held_ns),
        lag_ns=_distribution(samples.lag_ns),
        probes=tuple(probes),
        **known,
    )


def join_holds(probed: Run, holds: NDArray[np.int64]) -> tuple[Samples, NDArray[np.int64]]:
    """The measured samples of a run, and the time for which the server held each, in ns.

    ``holds`` is the result of `read_holds`.

    Raises:
        RunError: a request has no recorded hold, or its hold is longer than its service time.
    """
    samples = probed.measured
    ours = holds[holds[:, 0] == int(probed.id, 16)]
    ours = ours[np.argsort(ours[:, 1], kind="stable")]
    seqs = samples.column("seq")
    place = np.searchsorted(ours[:, 1], seqs)
    if len(ours) == 0 or not np.array_equal(ours[np.minimum(place, len(ours) - 1), 1], seqs):
        raise RunError(
            "the known-latency server did not record every request: this is a bug in benchlab;"
            " please report it"
        )
    held_ns: NDArray[np.int64] = ours[place, 3] - ours[place, 2]
    if (samples.service_ns < held_ns).any():
        raise RunError(
            "a request took less time than the server held it: the clocks of this host's cores"
            " disagree, so no measurement on it can be trusted"
        )
    return samples, held_ns


def _distribution(values_ns: NDArray[np.int64]) -> Distribution:
    distribution = Distribution.of(values_ns)
    if distribution is None:
        raise RunError(
            "too few requests for a calibration: this is a bug in benchlab; please report it"
        )
    return distribution


def _server_core() -> int | None:
    """The core for the server; None if there is only one, or this system cannot choose."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1] if len(cores) > 1 else None


@contextmanager
def _away_from(core: int | None) -> Iterator[None]:
    """In the block, this thread and the processes it starts do not run on ``core``."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _describe_cores(core: int | None) -> str:
    if core is not None:
        return f"server alone on core {core}, generator on the others"
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) == 1:
        return "server and generator shared the only core"
    return "this system cannot give the server a core of its own"


def interference(
    environment: Mapping[str, Any],
    core: int | None,
    cores_busy: float,
    names: list[str],
    probed: Run,
) -> Iterator[str]:
    """Warnings about other load, or the lack of a core, that may have distorted a calibration.

    ``core`` is the server's own core, if it had one. Other processes used ``cores_busy`` cores
    during the calibration; ``names`` are the busiest ones.
    """
    load = (environment.get("load_average_before") or [0.0])[0]
    cores = environment.get("cpu_count") or 1
    again = "calibrate again when the machine is idle"
    if cores_busy > OTHERS_LIMIT_CORES:
        who = f" ({', '.join(names)})" if names else ""
        yield f"other processes used {cores_busy:.1f} of {cores} cores{who}: {again}"
    elif load > _LOAD_LIMIT_PER_CORE * cores:
        yield f"the load average was {load:.1f} on {cores} cores: {again}"
    if core is None:
        yield f"{_describe_cores(core)}: a service with cores of its own has another floor"
    if probed.verdict != "valid":
        yield f"{probed.invalid_reason}: {again}"


class _OtherProcesses:
    """Measures the CPU use of processes other than ours, from now on."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._busy_s = _busy_s()
        self._own_s = _own_s()
        self._each_s = _cpu_s_by_process()

    def usage(self) -> tuple[float, list[str]]:
        """The average number of cores they used, and the names of the busiest processes."""
        wall_s = time.monotonic() - self._start_s
        others_s = (_busy_s() - self._busy_s) - (_own_s() - self._own_s)
        used = {
            key: used_s - self._each_s.get(key, 0.0) for key, used_s in _cpu_s_by_process().items()
        }
        busiest = sorted(used.items(), key=lambda item: -item[1])[:_TOP_PROCESSES]
        names = [name for (pid, name), used_s in busiest if used_s > 0.05 * wall_s]
        return max(0.0, others_s / wall_s), list(dict.fromkeys(names))


def _busy_s() -> float:
    import psutil

    times = psutil.cpu_times()._asdict()
    # Guest time is already part of user time.
    idle = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(value for name, value in times.items() if name not in idle))


def _own_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _cpu_s_by_process() -> dict[tuple[int, str], float]:
    import psutil

    used_s = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        kernel = process.info["name"].startswith("kworker")
        if times is not None and process.pid != os.getpid() and not kernel:
            used_s[process.pid, process.info["name"]] = times.user + times.system
    return used_s
