"""Calibrate the hosts of a cluster: machines beside each other, hosts on one machine in turn."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchlab.decoding import convert
from benchlab.errors import BenchlabError, DamagedError, RunError
from benchlab.load.cluster.connect import ClusterConnection, HostUnreachableError
from benchlab.load.supervisor.environment import capture_environment
from benchlab.load.supervisor.floor_file import read_floor
from benchlab.runs.floor import Floor, mismatch

__all__ = ["HostFloor", "calibrate_cluster", "stored_floors"]

_REMEDY = "run benchlab calibrate --cluster"
_CALL_S = 30.0
_LONGEST_S = 300.0  # of one calibration, on a machine that is much too busy for it
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class HostFloor:
    """The floor of the host at ``address``, on the machine ``name``; or the ``problem`` with it.

    A stored floor that does not apply any more has both.
    """

    address: str
    name: str
    floor: Floor | None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "address": self.address,
            "name": self.name,
            "floor": None if self.floor is None else self.floor.to_dict(),
            "problem": self.problem or None,
        }


def calibrate_cluster(
    connection: ClusterConnection,
    *,
    quick: bool = False,
    on_done: Callable[[int, int], None] | None = None,
) -> list[HostFloor]:
    """Calibrate every host of a cluster; each stores its floor on its own disk for later runs.

    Hosts of the same machine are measured one after the other, since each would be the other's
    interference, and those that share their data directory and their limits only once. ``on_done``
    is called with the number of hosts that are done, and of all. A host that cannot be calibrated
    has a problem, and the others go on.

    Raises:
        KeyboardInterrupt: it was interrupted. What a host has begun it measures to its end.
    """
    machines = connection.call_each(machine_here, timeout_s=_CALL_S)
    found: dict[str, HostFloor] = {}
    by_machine: dict[str, list[str]] = defaultdict(list)
    for address, machine in machines.items():
        if isinstance(machine, Exception):
            found[address] = HostFloor(address, "", None, f"it does not respond ({machine})")
        else:
            by_machine[machine["boot"] or machine["name"]].append(address)

    async def on_one_machine(addresses: Sequence[str]) -> None:
        made: tuple[str, ...] = ()
        for address in addresses:
            name = str(_known(machines[address])["name"])
            try:
                data = await connection.call(
                    address, calibrate_here, quick, made, timeout_s=_LONGEST_S
                )
                floor = convert(data, Floor)
                made = (*made, floor.measured_at.isoformat())
                found[address] = HostFloor(address, name, floor)
            except (BenchlabError, HostUnreachableError) as exc:
                found[address] = HostFloor(address, name, None, str(exc))
            if on_done is not None:
                on_done(len(found), len(machines))

    async def on_all() -> None:
        await asyncio.gather(*map(on_one_machine, by_machine.values()))

    connection.wait(connection.submit(on_all()))
    return [found[address] for address in machines]


def stored_floors(connection: ClusterConnection) -> list[HostFloor]:
    """The floor that each host of a cluster has stored, and what is wrong with it."""
    found = []
    for address, stored in connection.call_each(stored_here, timeout_s=_CALL_S).items():
        if isinstance(stored, Exception):
            found.append(HostFloor(address, "", None, f"it does not respond ({stored})"))
        else:
            floor = None if stored["floor"] is None else convert(stored["floor"], Floor)
            found.append(HostFloor(address, stored["name"], floor, stored["problem"]))
    return found


def _known(machine: Mapping[str, Any] | Exception) -> Mapping[str, Any]:
    assert not isinstance(machine, Exception), "those that failed are calibrated nowhere"
    return machine


def machine_here() -> dict[str, str]:
    """The name of this machine, and the id of its boot, which its containers share; called on a
    host."""
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        boot = ""
    return {"name": socket.gethostname(), "boot": boot}


def calibrate_here(quick: bool, made: Sequence[str]) -> dict[str, Any]:
    """Calibrate this host and store it; called on a host.

    A stored floor that was measured at one of the moments ``made`` is that of a neighbour with the
    same data directory: if it applies here too, it is returned.

    Raises:
        RunError: it failed, or the result cannot be written.
    """
    from benchlab.calibration.measure import calibrate

    try:
        stored = read_floor()
    except (RunError, DamagedError):
        stored = None
    if (
        stored is not None
        and stored.measured_at.isoformat() in made
        and not mismatch(stored, capture_environment())
    ):
        return stored.to_dict()
    return calibrate(quick=quick).to_dict()


def stored_here() -> dict[str, Any]:
    """The stored floor of this host and what is wrong with it; called on a host."""
    environment = capture_environment()
    known = {"name": str(environment["host"]), "floor": None, "problem": ""}
    try:
        floor = read_floor()
    except (RunError, DamagedError) as exc:
        return {**known, "problem": str(exc)}
    if floor is None:
        return {**known, "problem": f"not calibrated: {_REMEDY}"}
    return {**known, "floor": floor.to_dict(), "problem": mismatch(floor, environment, _REMEDY)}
