"""The drivers that a plan may name, and how they differ.

Their code is in `benchlab.load.drivers`; a new driver is a package there and one line here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["DRIVERS", "SCENARIO_DRIVER", "DriverTraits", "drivers_for"]


class DriverTraits(NamedTuple):
    """How a driver differs from others.

    ``package`` has its code, in `benchlab.load.drivers`. ``help`` says in a word what it is good
    for. ``shared_cap``: an open loop's ``max_connections`` bounds the connections to all services
    together; otherwise it bounds those to each. ``cheaper`` is a driver that uses much less CPU for
    the same requests. ``is_calibrated``: `benchlab calibrate` measures what it can send.
    ``is_multiplexed``: a connection carries several requests at a time. ``has_policies``: it
    retries, hedges and breaks circuits. ``runs_scenarios``: it serves a scenario's users.
    ``schemes`` are those of the URLs it can send requests to.
    """

    package: str
    help: str
    shared_cap: bool = False
    cheaper: str = ""
    is_calibrated: bool = False
    is_multiplexed: bool = False
    has_policies: bool = True
    runs_scenarios: bool = False
    schemes: tuple[str, ...] = ("http", "https")


DRIVERS: Final = {
    "http": DriverTraits("wire", "fast", shared_cap=True, is_calibrated=True),
    "http2": DriverTraits(
        "http2", "fast, HTTP/2", shared_cap=True, is_multiplexed=True, has_policies=False
    ),
    "httpx": DriverTraits("httpx", "scenarios", cheaper="http", runs_scenarios=True),
    "grpc": DriverTraits(
        "grpc",
        "gRPC",
        shared_cap=True,
        is_multiplexed=True,
        has_policies=False,
        schemes=("grpc", "grpcs"),
    ),
}


def drivers_for(*schemes: str) -> list[str]:
    """The names of the drivers that can send requests to URLs of all these ``schemes``."""
    return [name for name, traits in DRIVERS.items() if set(schemes) <= set(traits.schemes)]


SCENARIO_DRIVER: Final = next(name for name, traits in DRIVERS.items() if traits.runs_scenarios)
"""The driver of a plan with a scenario, unless the one that it names can run scenarios too."""
