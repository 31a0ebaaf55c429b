"""A run that a cluster made, of arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchlab.runs.cluster import with_machines
from benchlab.runs.health import WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.runs.run import Run
from tests.runs.floors import ENVIRONMENT, make_floor
from tests.runs.synthetic import make_run

__all__ = ["HOSTS", "LOST", "make_clustered_run"]

HOSTS = (
    HostRecord("tcp://10.0.0.1:4000", "alpha", (0, 2), 3_600 * 10**9, 120_000, -80_000, 150_000),
    HostRecord("tcp://10.0.0.2:4001", "beta", (1, 3), -5 * 10**9, 90_000, 20_000, 70_000),
)
LOST = (HOSTS[0], replace(HOSTS[1], clock_drift_ns=None, lost="its connection was reset"))


def make_clustered_run(hosts: tuple[HostRecord, ...] = HOSTS, **changes: Any) -> Run:
    """`make_run` by four workers on two calibrated hosts, of which those may be lost."""
    calibration = {"floor": make_floor().to_dict()}
    machines = [
        {**ENVIRONMENT, "host": host.name, "cpu_count": 4, "calibration": calibration}
        for host in HOSTS
    ]
    lost = {worker for host in hosts if host.lost for worker in host.workers}
    workers = [
        WorkerHealth(worker, problem="was lost", problem_kind="lost")
        if worker in lost
        else WorkerHealth(worker, 0.2)
        for host in hosts
        for worker in host.workers
    ]
    environment = with_machines({"host": "laptop", "cpu_count": 2}, machines)
    known = {"environment": environment, "workers": sorted(workers, key=lambda w: w.worker)}
    run = make_run(**{**known, **changes})
    return replace(run, plan=run.plan.replace(workers=4), hosts=hosts)
