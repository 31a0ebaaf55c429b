"""A plan from plain values, as a command line or a notebook's parameters have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes import ClosedLoop, ConstantRate, Load, PoissonRate
from benchlab.plan.shapes.limits import check_arrivals
from benchlab.plan.shapes.notation import (
    parse_spike,
    parse_stages,
    parse_steps,
    parse_think_time,
)
from benchlab.plan.transport import Transport

__all__ = ["load_from_options", "plan_from_options", "with_content_type"]

_SHAPES: dict[str, Callable[[str, str], Load]] = {
    "stages": parse_stages,
    "steps": parse_steps,
    "spike": parse_spike,
}


def plan_from_options(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: str | bytes = b"",
    rate_rps: float = 0.0,
    arrivals: str = "constant",
    shape: str = "",
    connections: int = 64,
    think_time: str = "",
    duration_s: float = 10.0,
    request_count: int = 0,
    warmup_s: float = 2.0,
    timeout_s: float = 10.0,
    max_connections: int = 1000,
    workers: int = 1,
    driver: str = "http",
    trace_ratio: float = 0.0,
    seed: int = 1,
    name: str = "",
    slo: Sequence[str] = (),
    abort_on: Sequence[str] = (),
    transport: Mapping[str, Any] = MappingProxyType({}),
    scenario: Scenario | None = None,
    tags: Mapping[str, str] | Sequence[tuple[str, str]] = (),
) -> Plan:
    """A plan of one request: an open loop at ``rate_rps``, or a closed one when that is 0.

    A ``shape`` lets the rate vary: ``stages 30s:500,1m:500``, ``steps …`` or ``spike …`` (see
    `benchlab.plan.shapes.notation`, also for ``think_time``). With a ``duration_s`` of 0 a run is
    as long as its load says; a ``request_count`` above 0 ends it after so many requests. A body
    that looks like JSON gets that content type unless ``headers`` has another. ``transport`` has
    fields of `Transport`. A ``scenario`` is what is sent instead of the request.

    Raises:
        InputError: any value that cannot be used.
    """
    pairs = tuple(headers.items()) if isinstance(headers, Mapping) else tuple(headers)
    request = Request(method, url, headers=with_content_type(pairs, body), body=body)
    return Plan(
        requests=[request] if scenario is None else (),
        load=load_from_options(rate_rps, arrivals, connections, shape, think_time),
        duration_s=duration_s or None,  # type: ignore[arg-type]  # None: as long as the load
        request_count=request_count or None,
        warmup_s=warmup_s,
        timeout_s=timeout_s,
        max_connections=max_connections,
        workers=workers,
        driver=driver,
        trace_ratio=trace_ratio,
        seed=seed,
        name=name,
        slo=slo,
        abort_on=abort_on,
        transport=Transport.from_dict(transport),
        scenario=scenario,
        tags=tags,
    )


def with_content_type(
    headers: tuple[tuple[str, str], ...], body: str | bytes
) -> tuple[tuple[str, str], ...]:
    """``headers``, with the type of JSON for a body that looks like it and has no type yet."""
    start = body[:1] if isinstance(body, str) else body[:1].decode("latin-1")
    if start in ("{", "[") and "content-type" not in {key.lower() for key, _ in headers}:
        return (*headers, ("Content-Type", "application/json"))
    return headers


def load_from_options(
    rate_rps: float,
    arrivals: str = "constant",
    connections: int = 64,
    shape: str = "",
    think_time: str = "",
) -> Load:
    """An open loop of a ``shape`` or at ``rate_rps``, or a closed one without either.

    Raises:
        InputError: any value that cannot be used.
    """
    check_arrivals(arrivals)
    if shape:
        kind, _, text = shape.strip().partition(" ")
        if kind not in _SHAPES:
            raise InputError(
                "is unknown",
                field="shape",
                value=shape,
                remedy=f"use {', '.join(_SHAPES)}, such as 'stages 30s:500'",
            )
        try:
            return _SHAPES[kind](text.strip(), arrivals)
        except InputError as exc:
            raise exc.of("shape") from exc
    if rate_rps == 0:
        pause_s, spread = parse_think_time(think_time) if think_time else (0.0, "constant")
        return ClosedLoop(connections, pause_s, spread)
    return PoissonRate(rate_rps) if arrivals == "poisson" else ConstantRate(rate_rps)
