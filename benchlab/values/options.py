"""A plan from plain values, as a command line or a notebook's parameters have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchlab.errors import InputError
from benchlab.values.load import ClosedLoop, ConstantRate, Load, PoissonRate
from benchlab.values.plan import Plan
from benchlab.values.request import Request

__all__ = ["ARRIVALS", "load_from_options", "plan_from_options", "with_content_type"]

ARRIVALS: dict[str, type[ConstantRate] | type[PoissonRate]] = {
    "constant": ConstantRate,
    "poisson": PoissonRate,
}


def plan_from_options(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: str | bytes = b"",
    rate_rps: float = 0.0,
    arrivals: str = "constant",
    connections: int = 64,
    duration_s: float = 10.0,
    warmup_s: float = 2.0,
    timeout_s: float = 10.0,
    max_connections: int = 1000,
    workers: int = 1,
    driver: str = "http",
    trace_ratio: float = 0.0,
    seed: int = 1,
    name: str = "",
    slo: Sequence[str] = (),
    tags: Mapping[str, str] | Sequence[tuple[str, str]] = (),
) -> Plan:
    """A plan of one request: an open loop at ``rate_rps``, or a closed one when that is 0.

    A body that looks like JSON gets that content type unless ``headers`` has another.

    Raises:
        InputError: any value that cannot be used.
    """
    pairs = tuple(headers.items()) if isinstance(headers, Mapping) else tuple(headers)
    return Plan(
        requests=[Request(method, url, headers=with_content_type(pairs, body), body=body)],
        load=load_from_options(rate_rps, arrivals, connections),
        duration_s=duration_s,
        warmup_s=warmup_s,
        timeout_s=timeout_s,
        max_connections=max_connections,
        workers=workers,
        driver=driver,
        trace_ratio=trace_ratio,
        seed=seed,
        name=name,
        slo=slo,
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


def load_from_options(rate_rps: float, arrivals: str, connections: int) -> Load:
    """An open loop at ``rate_rps``, or a closed one when that is 0.

    Raises:
        InputError: any value that cannot be used.
    """
    if arrivals not in ARRIVALS:
        raise InputError(f"arrivals={arrivals!r} is unknown: use {' or '.join(ARRIVALS)}")
    if rate_rps == 0:
        return ClosedLoop(connections)
    return ARRIVALS[arrivals](rate_rps)
