"""The drivers that a plan may name, and how they differ.

Their code is in `benchlab.load.drivers`; a new driver is a package there and one line here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from benchlab.plan.stream import STREAM_KINDS

__all__ = ["DRIVERS", "SCENARIO_DRIVER", "DriverTraits"]


class DriverTraits(NamedTuple):
    """How a driver differs from others.

    ``package`` has its code, in `benchlab.load.drivers`. ``help`` says in a word what it is good
    for. ``shared_cap``: an open loop's ``max_connections`` bounds the connections to all services
    together; otherwise it bounds those to each. ``cheaper`` is a driver that uses much less CPU for
    the same requests. ``is_calibrated``: `benchlab calibrate` measures what it can send.
    ``runs_scenarios``: it serves a scenario's users. ``streams``: what it can read a response as
    (`benchlab.plan.stream`).
    """

    package: str
    help: str
    shared_cap: bool = False
    cheaper: str = ""
    is_calibrated: bool = False
    runs_scenarios: bool = False
    streams: tuple[str, ...] = ()


DRIVERS: Final = {
    "http": DriverTraits("wire", "fast", shared_cap=True, is_calibrated=True, streams=STREAM_KINDS),
    "httpx": DriverTraits(
        "httpx", "HTTP/2 and scenarios", cheaper="http", runs_scenarios=True, streams=("events",)
    ),
}

SCENARIO_DRIVER: Final = next(name for name, traits in DRIVERS.items() if traits.runs_scenarios)
"""The driver of a plan with a scenario, unless the one that it names can run scenarios too."""
