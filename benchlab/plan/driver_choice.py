"""The driver of a plan: which one can send what it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS, SCENARIO_CLIENTS, drivers_for
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.transport import Transport
from benchlab.units import format_duration_s

__all__ = ["USUAL_DRIVER", "check_driver", "choose_driver"]

USUAL_DRIVER: Final = next(iter(DRIVERS))
"""The driver of plans that name none, if it can send their requests."""


def choose_driver(named: str, requests: Iterable[Request], scenario: Scenario | None) -> str:
    """The driver of a plan that names one, and what it has to send.

    That is the client of a scenario, or the named one; in place of the usual one, it is the first
    that can send requests to all URLs.

    Raises:
        InputError: no driver can, or not the named one, or the plan and its scenario name different
            ones.
    """
    if scenario is not None:
        return _of_scenario(named, scenario)
    schemes = sorted({request.parts.scheme for request in requests})
    able = drivers_for(*schemes)
    if not able:
        raise InputError(
            f"there are some for {' and some for '.join(f'{item}://' for item in schemes)}",
            field="requests",
            remedy="HTTP and gRPC need a plan each: run the two at the same time, in two processes",
        )
    if named not in (USUAL_DRIVER, *able):
        raise InputError(
            f"cannot send requests to {' and '.join(f'{item}://' for item in schemes)}",
            field="driver",
            value=named,
            remedy=f"leave it out, or choose {' or '.join(able)}",
        )
    return named if named in able else able[0]


def _of_scenario(named: str, scenario: Scenario) -> str:
    if named not in SCENARIO_CLIENTS:
        raise InputError(
            "cannot run a scenario",
            field="driver",
            value=named,
            remedy=f"use {' or '.join(SCENARIO_CLIENTS)}",
        )
    if USUAL_DRIVER not in (named, scenario.client) and named != scenario.client:
        raise InputError(
            f"is not the scenario's client, {scenario.client}",
            field="driver",
            value=named,
            remedy="leave one of them out",
        )
    return scenario.client if named == USUAL_DRIVER else named


def check_driver(
    driver: str,
    requests: Sequence[Request],
    scenario: Scenario | None,
    transport: Transport,
    *,
    streams: int,
    timeout_s: float,
) -> None:
    """Refuse what ``driver`` cannot do with a plan's requests, or users, under its settings.

    Raises:
        InputError: there is such a thing; the remedy names a driver that can, if there is one.
    """
    if streams > 1:
        _check_multiplexing(driver, requests, scenario, transport, streams)
    if transport.has_policies and not DRIVERS[driver].has_policies:
        raise InputError(
            "has no retries, hedges and circuit breakers",
            field="driver",
            value=driver,
            remedy="leave them out, or choose another driver",
        )
    for request in requests:
        _check_stream(driver, request, transport, timeout_s)


def _check_multiplexing(
    driver: str,
    requests: Sequence[Request],
    scenario: Scenario | None,
    transport: Transport,
    streams: int,
) -> None:
    """Refuse several ``streams`` on a connection where there is one request at a time."""
    schemes = {request.parts.scheme for request in requests}
    able = [name for name in drivers_for(*schemes) if DRIVERS[name].is_multiplexed]
    if scenario is not None:
        why, remedy = "each user of a scenario has connections of its own", "leave it out"
    elif driver not in able:
        why = f"need HTTP/2, and the driver {driver} has one request at a time on a connection"
        remedy = f"choose the driver {' or '.join(able)}"
    elif not transport.keep_alive:
        why = "keep_alive is off, which opens a connection for every request"
        remedy = "leave out one of the two"
    else:
        return
    raise InputError(why, field="streams", value=streams, remedy=remedy)


def _check_stream(driver: str, request: Request, transport: Transport, timeout_s: float) -> None:
    """Refuse a stream that ``driver`` cannot read, or not for as long as it is to be read."""
    stream = request.stream
    if stream is None:
        return
    if stream.kind not in DRIVERS[driver].reads_streams:
        able = [
            name
            for name in drivers_for(request.parts.scheme)
            if stream.kind in DRIVERS[name].reads_streams
        ]
        raise InputError(
            f"does not read {stream.kind} of a stream, as {request.name} asks for",
            field="driver",
            value=driver,
            remedy=f"use {' or '.join(able)}" if able else "read it as events",
        )
    limits = [(timeout_s, "timeout_s")]
    if isinstance(request, GrpcRequest) and request.deadline_s is not None:
        limits.append((request.deadline_s, "deadline_s"))
    limit_s, field = min(limits)
    if stream.max_s is not None and stream.max_s >= limit_s:
        raise InputError(
            f"ends the stream of {request.name}, which is read for"
            f" {format_duration_s(stream.max_s)}, as a failure",
            field=field,
            value=limit_s,
            remedy=f"give more than {format_duration_s(stream.max_s)}, for what comes before the"
            " stream too",
        )
    if transport.has_policies:
        raise InputError(
            f"{request.name} is read as a stream, and no part of a stream is sent again",
            field="transport",
            remedy="leave out retries, hedges and the circuit breaker, or the stream",
        )
