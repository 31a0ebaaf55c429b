"""Warnings: circumstances to know when reading a run's numbers, which they do not make wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchlab.plan.checks import StatusIn
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan
from benchlab.plan.recorded import SESSION
from benchlab.runs.cluster import (
    clock_warnings,
    cores_of,
    cores_text,
    machines_of,
    shared_cores,
    size_of,
)
from benchlab.runs.floor import floor_of
from benchlab.runs.health import Health
from benchlab.runs.host_record import HostRecord
from benchlab.runs.verdict import BUSY_RATIO, LAG_P99_LIMIT_NS, held_rate, without_cap_wait
from benchlab.samples.percentiles import percentile_of
from benchlab.samples.samples import ErrorKind, Flag, Samples
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_ns

__all__ = ["LAG_NOTICED_NS", "LAG_SHARE_RATIO", "REDIRECTS", "SLOW_CLOCKS", "warnings_of"]

SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "pit")
"""Clock sources of the kernel that take about a microsecond to read, or are coarse."""

REDIRECTS = (301, 302, 303, 307, 308)
"""Statuses that lead to another address (RFC 9110, section 15.4)."""

_LOST = (ErrorKind.RESET, ErrorKind.CLOSED)

LAG_NOTICED_NS = 1 * NS_PER_MS
LAG_SHARE_RATIO = 0.25
"""An open loop's own p99 lag above both of these, the second as a share of its p99 latency, is a
visible part of its percentiles."""


def warnings_of(
    plan: Plan,
    samples: Samples,
    health: Health,
    environment: Mapping[str, Any],
    hosts: Sequence[HostRecord] = (),
) -> Iterator[str]:
    """The warnings of a run, a sentence each."""
    yield from _of_import(environment.get("imported", {}))
    if plan.load.is_imported:
        return
    yield from _of_responses(plan, samples.measured)
    if plan.load.has_schedule:
        yield from _of_open_loop(plan, samples.measured, health)
    filled = {SESSION} if plan.recorded is not None else set()
    for request in plan.requests:
        if names := sorted(request.unfilled_names - filled):
            yield (
                f"{request.name} sends {{{{{names[0]}}}}} unchanged: it has no feed (data) to"
                " fill it"
            )
        if written := request.malformed_fields:
            yield (
                f"{request.name} sends {written[0]} unchanged: a field has no blanks, and ASCII"
                " letters, digits, _ . and - in its name"
            )
        if problem := request.body_problem:
            yield f"the body of {request.name} is not the JSON that its type says: {problem}"
    machines = machines_of(environment)
    if hosts:
        yield from clock_warnings(hosts)
        yield from _of_machines(plan, hosts, machines)
    else:
        yield from _of_cores(plan, environment)
        yield from _of_rate(plan, environment)
    each = {machine.get("host"): machine for machine in machines}  # several hosts may be on one
    for machine in each.values() or [environment]:
        yield from _of_machine(machine, f" {machine.get('host')}" if machines else "")


def _of_machine(environment: Mapping[str, Any], name: str) -> Iterator[str]:
    """Warnings about a machine that made load; its ``name`` is empty if it is the only one."""
    load = (environment.get("load_average_before") or [0.0])[0]
    count = environment.get("cpu_count")
    if count and load > count:
        yield (
            f"the machine{name} was busy before the run: its load average was {load:.1f} on"
            f" {count} cores"
        )
    clock = environment.get("clock_source")
    if clock in SLOW_CLOCKS:
        on = f" on{name}" if name else ""
        yield (
            f"the kernel's clock source{on} is {clock}, which is slow to read: times are less exact"
        )


def _of_machines(
    plan: Plan, hosts: Sequence[HostRecord], machines: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Warnings about a cluster whose machines had too few cores, or too few workers."""
    for name, workers, cores in shared_cores(hosts, machines):
        yield (
            f"{plural(workers, 'worker')} on {name} shared {cores_text(cores)}: they took time from"
            " each other"
        )
    size = size_of(plan, machines)
    if size.rate_rps and size.worker_rps and size.rate_rps / size.workers > size.worker_rps:
        yield size.problem


def _of_import(imported: Mapping[str, Any]) -> Iterator[str]:
    if missing := imported.get("not_in_the_file"):
        yield f"not in the file: {', '.join(missing)}"
    yield from imported.get("notes", ())


def _of_responses(plan: Plan, measured: Samples) -> Iterator[str]:
    unchecked = [
        index
        for index, request in enumerate(plan.requests)
        if not any(isinstance(check, StatusIn) for check in request.checks)
    ]
    redirected = lost = 0
    for block in measured.blocks():
        records = block.records
        found = (records["error"] == ErrorKind.OK) & np.isin(records["status"], REDIRECTS)
        if plan.scenario is None:
            found &= np.isin(records["endpoint"], unchecked)
        redirected += int(np.count_nonzero(found))
        unanswered = np.isin(records["error"], _LOST) & (records["first_byte_ns"] == 0)
        reused = (records["flags"] & Flag.NEW_CONNECTION) == 0
        lost += int(np.count_nonzero(unanswered & reused))
    if redirected:
        yield (
            f"{plural(redirected, 'response')} redirected: redirects are not followed and count as"
            " good; request the address they lead to, or check the status"
        )
    if lost:
        yield (
            f"errors on reused connections: {lost:,}, closed or reset before a response came, as"
            " when a service closes an idle connection just then; most clients repeat such a"
            f" request{_as_benchlab(plan)}"
        )


def _as_benchlab(plan: Plan) -> str:
    return ", and so does benchlab with --retry-reused" if DRIVERS[plan.driver].has_policies else ""


def _of_open_loop(plan: Plan, measured: Samples, health: Health) -> Iterator[str]:
    for worker in health.workers:
        if worker.cpu_ratio > BUSY_RATIO:
            yield (
                f"worker {worker.worker} used {worker.cpu_ratio:.0%} of a core: responses may"
                f" have waited to be read, and that wait counts as latency{_as_in_locust(plan)};"
                f" use more workers, or at most {held_rate(plan, measured, worker)}"
            )
    lag_p99 = percentile_of(without_cap_wait(measured).in_blocks("lag_ns"), 0.99)
    latency_p99 = percentile_of(measured.in_blocks("latency_ns"), 0.99)
    if lag_p99 is None or latency_p99 is None or lag_p99 > LAG_P99_LIMIT_NS:
        return  # the verdict reports more than that
    if lag_p99 > LAG_NOTICED_NS and lag_p99 > LAG_SHARE_RATIO * latency_p99:
        yield (
            f"the generator's own lag, {format_ns(lag_p99)} at p99, is a visible part of the"
            f" latency ({format_ns(latency_p99)} at p99); see the service time as well"
        )


def _as_in_locust(plan: Plan) -> str:
    return "" if plan.scenario is None else " (Locust warns of it as high CPU usage)"


def _of_cores(plan: Plan, environment: Mapping[str, Any]) -> Iterator[str]:
    cores = cores_of(environment)
    if cores is None:
        return
    workers = plural(plan.workers, "worker")
    have = cores_text(cores)
    hosts = [origin[1] for origin in plan.origins]
    local = plan.transport.unix_socket or any(_is_this_host(host, environment) for host in hosts)
    if local and cores < plan.workers + 1:
        yield f"the service and {workers} shared {have}: they took time from each other"
    elif cores < plan.workers:
        yield f"{workers} shared {have}: they took time from each other"


def _of_rate(plan: Plan, environment: Mapping[str, Any]) -> Iterator[str]:
    floor, load = floor_of(environment), plan.load
    if floor is None or floor.max_rate_is_bound or not DRIVERS[plan.driver].is_calibrated:
        return
    if load.highest_rps is None or plan.scenario is not None:
        return
    each_rps = load.highest_rps / plan.workers
    if each_rps > floor.max_rate_rps:
        yield (
            f"{each_rps:,.0f} requests/s of each worker are more than the"
            f" {floor.max_rate_rps:,.0f} that one can send on this machine; use more workers"
        )


def _is_this_host(host: str, environment: Mapping[str, Any]) -> bool:
    if host.rstrip(".") in ("localhost", environment.get("host")):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
