"""The machines of a cluster that made a run: what they are, and whether they suffice for a plan.

``environment["hosts"]`` of such a run has what `benchlab.load.supervisor.environment` captured on
each host, in the order of `RunHead.hosts`; the rest of the environment is the parent's, which made
no load. The floor in ``environment["calibration"]`` is that of the host which adds the most.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan
from benchlab.runs.floor import Floor, floor_note_of, floor_of
from benchlab.runs.host_record import HostRecord
from benchlab.runs.verdict import HELD_RATIO
from benchlab.text import listed, plural
from benchlab.units import NS_PER_MS, format_ns

__all__ = [
    "CLOCK_LIMIT_NS",
    "ClusterSize",
    "clock_warnings",
    "cores_of",
    "cores_text",
    "machines_of",
    "shared_cores",
    "size_of",
    "with_machines",
]

CLOCK_LIMIT_NS = 10 * NS_PER_MS
"""What the clock of a host may drift during a run, and how late it may start, without a warning.
The limit of a generator's lag is the same."""

_LEFT_OUT = ("git_commit", "git_dirty")  # of a host's working directory, where no one works


def machines_of(environment: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The machines of the cluster that made a run in ``environment``; none without a cluster."""
    found = environment.get("hosts")
    if not isinstance(found, list | tuple):
        return ()
    return tuple(item for item in found if isinstance(item, Mapping))


def with_machines(
    environment: Mapping[str, Any], machines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """``environment``, the parent's, with those of the hosts and the floor that is theirs.

    Each of ``machines`` was captured on a host, and has its ``calibration``. Of the floors the one
    with the highest 99th percentile is kept: no host adds more. A host without one leaves the run
    without, since its part of the latencies has an unknown floor.
    """
    kept, floors, without = [], [], []
    for machine in machines:
        floor = floor_of(machine)
        own = {name: value for name, value in machine.items() if name not in _LEFT_OUT}
        if floor is None:
            without.append(str(machine.get("host")))
            own["calibration"] = {"note": floor_note_of(machine)}
        else:
            floors.append(floor)
            own["calibration"] = _short(floor)
        kept.append(own)
    return {**environment, "hosts": kept, "calibration": _worst(floors, without)}


def _short(floor: Floor) -> dict[str, Any]:
    """What is kept of each host's floor: a whole one for each of hundreds would be megabytes."""
    return {
        "measured_at": floor.measured_at.isoformat(),
        "p50_ns": floor.latency_ns.p50,
        "p99_ns": floor.latency_ns.p99,
        "max_rate_rps": floor.max_rate_rps,
        "max_rate_is_bound": floor.max_rate_is_bound,
    }


def _worst(floors: Sequence[Floor], without: Sequence[str]) -> dict[str, Any]:
    if without or not floors:
        of = f"{len(without)} of {plural(len(without) + len(floors), 'host')}"
        return {
            "note": f"no calibration that holds on {of} of the cluster ({_names(without)}):"
            " run benchlab calibrate --cluster"
        }
    return {"floor": max(floors, key=lambda floor: floor.latency_ns.p99).to_dict()}


class ClusterSize(NamedTuple):
    """How many workers a plan needs: ``rate_rps``, at ``worker_rps`` for each.

    ``worker_rps`` is what a worker of ``slowest`` can send, the host that can send the least, by
    its calibration; None if that is not known of any host, or nothing of the plan says how much
    will be sent. ``workers`` are those that the plan has, ``cores`` what the hosts have for them.
    ``uncalibrated`` are the hosts of which nothing is known.
    """

    rate_rps: float | None
    worker_rps: float | None
    slowest: str
    workers: int
    cores: float | None
    uncalibrated: tuple[str, ...]

    @property
    def needed(self) -> int | None:
        """The workers that hold the rate with a part of their cores to spare; None if unknown."""
        if self.rate_rps is None or self.worker_rps is None:
            return None
        return max(1, math.ceil(self.rate_rps / (self.worker_rps * HELD_RATIO)))

    @property
    def suffices(self) -> bool:
        """Whether nothing is known that speaks against it."""
        return self.needed is None or self.needed <= self.workers

    def describe(self) -> str:
        """``this plan needs about 6 workers: 120,000 requests/s at 25,000 per worker by …``.

        Empty if nothing is known.
        """
        if self.rate_rps is None or self.worker_rps is None or self.needed is None:
            return ""
        return (
            f"this plan needs about {plural(self.needed, 'worker')}: {self.rate_rps:,.0f}"
            f" requests/s at {self.worker_rps:,.0f} per worker by calibration"
        )

    @property
    def problem(self) -> str:
        """What speaks against it, with the remedy; empty if nothing does."""
        needed = self.needed
        if needed is None or self.suffices:
            return ""
        use = f"use --workers {needed}"
        if self.cores is not None and needed > self.cores:
            use = f"use more machines (these have {cores_text(self.cores)} in all)"
        return (
            f"{self.describe()} (with {HELD_RATIO:.0%} of a core; {self.slowest} is the slowest),"
            f" and it has {self.workers}: {use}, or a lower rate"
        )

    @property
    def note(self) -> str:
        """Which hosts are not calibrated, with the remedy; empty if all are."""
        count = len(self.uncalibrated)
        if not count or self.rate_rps is None:
            return ""
        names = _names(self.uncalibrated)
        which = (
            f"{plural(count, 'host')} of the cluster {'is' if count == 1 else 'are'} not calibrated"
            f" ({names}): run benchlab calibrate --cluster"
        )
        if self.needed is not None:
            return f"that is by the other hosts: {which}"
        return f"how many workers this plan needs is not known, since {which}"


def size_of(plan: Plan, machines: Sequence[Mapping[str, Any]]) -> ClusterSize:
    """How many workers ``plan``, with all of its workers, needs on ``machines`` by calibration.

    ``machines`` are those of `with_machines`. All workers get the same share of the schedule, so
    the slowest host decides. Closed loops, scenarios and drivers that are not calibrated have no
    rate that could be compared with that of a calibration.
    """
    known = {}
    for machine in machines:
        calibration = machine.get("calibration") or {}
        if calibration.get("max_rate_rps"):
            known[str(machine.get("host"))] = calibration
    unbound = {
        name: float(calibration["max_rate_rps"])
        for name, calibration in known.items()
        if not calibration.get("max_rate_is_bound")
    }
    slowest = min(unbound, key=lambda name: unbound[name], default="")
    names = [str(machine.get("host")) for machine in machines]
    comparable = plan.scenario is None and DRIVERS[plan.driver].is_calibrated
    return ClusterSize(
        rate_rps=plan.load.highest_rps if comparable else None,
        worker_rps=unbound.get(slowest),
        slowest=slowest,
        workers=plan.workers,
        cores=_all_cores(machines),
        uncalibrated=tuple(name for name in names if name not in known),
    )


def cores_of(environment: Mapping[str, Any]) -> float | None:
    """The cores that a process may keep busy on the machine of ``environment``."""
    known = [environment.get(name) for name in ("cpu_count", "cpu_usable", "cpu_quota")]
    return min((float(count) for count in known if count), default=None)


def cores_text(cores: float) -> str:
    """``2 cores``; a quota may allow a part of one: ``1.5 cores``."""
    return "1 core" if cores == 1 else f"{cores:g} cores"


def _all_cores(machines: Sequence[Mapping[str, Any]]) -> float | None:
    """The cores of all machines; several hosts on one machine have the same."""
    each = {str(machine.get("host")): cores_of(machine) for machine in machines}
    found = [cores for cores in each.values() if cores is not None]
    return sum(found) if len(found) == len(each) and found else None


def clock_warnings(hosts: Sequence[HostRecord]) -> Iterator[str]:
    """Warnings of hosts that started late, or whose clocks are not known well enough."""
    late = {host: host.start_late_ns for host in hosts}
    drift = {host: abs(host.clock_drift_ns or 0) for host in hosts}
    error = {host: host.clock_error_ns for host in hosts}
    limit = f"limit {format_ns(CLOCK_LIMIT_NS)}"
    if worst := _above(late):
        yield (
            f"{worst} started late, by up to {format_ns(max(late.values()))} ({limit}): until then"
            " the service got less load than planned"
        )
    if worst := _above(drift):
        yield (
            f"the clock of {worst} drifted during the run, by up to"
            f" {format_ns(max(drift.values()))} ({limit}): over time its requests are shown by that"
            " much too early or too late; latencies are not affected; let NTP or PTP set the clocks"
        )
    if worst := _above(error):
        yield (
            f"the clock of {worst} was read across a slow network, within"
            f" {format_ns(max(error.values()))} ({limit}): over time its requests may be shown by"
            " that much too early or too late; latencies are not affected"
        )


def _above(values: Mapping[HostRecord, int]) -> str:
    """The hosts whose value is above the limit, the worst first; empty if there is none."""
    found = sorted(
        (host for host, value in values.items() if value > CLOCK_LIMIT_NS),
        key=lambda host: -values[host],
    )
    return _names([host.name for host in found])


def _names(hosts: Sequence[str]) -> str:
    """The names of ``hosts``, of which several may be on one machine."""
    return listed(list(dict.fromkeys(hosts)))


def shared_cores(
    hosts: Sequence[HostRecord], machines: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, int, float]]:
    """Machines with more workers than cores: name, workers, cores."""
    cores = {str(machine.get("host")): cores_of(machine) for machine in machines}
    workers: Counter[str] = Counter()
    for host in hosts:
        workers[host.name] += len(host.workers)
    for name, count in workers.items():
        have = cores.get(name)
        if have is not None and count > have:
            yield name, count, have
