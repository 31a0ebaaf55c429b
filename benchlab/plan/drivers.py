"""The drivers that a plan may name, and how they differ.

Their code is in `benchlab.load.drivers`; a new driver is a package there and one line here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from benchlab.plan.stream import STREAM_KINDS

__all__ = ["DRIVERS", "SCENARIO_CLIENTS", "DriverTraits", "describe_drivers", "drivers_for"]


class DriverTraits(NamedTuple):
    """How a driver differs from others.

    ``package`` has its code, in `benchlab.load.drivers`. ``help`` says in a word what it is good
    for. ``shared_cap``: an open loop's ``max_connections`` bounds the connections to all services
    together; otherwise it bounds those to each. ``cheaper`` is a driver that uses much less CPU for
    the same requests. ``is_calibrated``: `benchlab calibrate` measures what it can send.
    ``is_multiplexed``: a connection carries several requests at a time. ``has_policies``: it
    retries, hedges and breaks circuits. ``schemes`` are those of the URLs it can send requests to.
    ``users`` is the module, in `benchlab.load.drivers`, that makes the clients of a scenario's
    users; empty if there are none. ``reads_streams``: what it can read a response as
    (`benchlab.plan.stream`).
    """

    package: str
    help: str
    shared_cap: bool = False
    cheaper: str = ""
    is_calibrated: bool = False
    is_multiplexed: bool = False
    has_policies: bool = True
    schemes: tuple[str, ...] = ("http", "https")
    users: str = ""
    reads_streams: tuple[str, ...] = ()


DRIVERS: Final = {
    "http": DriverTraits(
        "wire",
        "fast",
        shared_cap=True,
        is_calibrated=True,
        users="scenario.http_users",
        reads_streams=STREAM_KINDS,
    ),
    "http2": DriverTraits(
        "http2", "fast, HTTP/2", shared_cap=True, is_multiplexed=True, has_policies=False
    ),
    "httpx": DriverTraits(
        "httpx",
        "through httpx",
        cheaper="http",
        users="scenario.httpx_users",
        reads_streams=("events",),
    ),
    "grpc": DriverTraits(
        "grpc",
        "gRPC",
        shared_cap=True,
        is_multiplexed=True,
        has_policies=False,
        schemes=("grpc", "grpcs"),
        users="scenario.grpc_users",
        reads_streams=("events",),
    ),
}

SCENARIO_CLIENTS: Final = tuple(name for name, traits in DRIVERS.items() if traits.users)
"""The drivers that serve a scenario's users, the usual one first."""


def describe_drivers() -> str:
    """What each driver is good for: the help of an option, or of a notebook's parameter."""
    return "; ".join(f"{name}: {traits.help}" for name, traits in DRIVERS.items())


def drivers_for(*schemes: str) -> list[str]:
    """The names of the drivers that can send requests to URLs of all these ``schemes``."""
    return [name for name, traits in DRIVERS.items() if set(schemes) <= set(traits.schemes)]
