"""Proxies before the services of a plan, and the faults of the network on them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import cast

from benchlab.errors import BenchlabError, FaultError
from benchlab.faults.proxy.effects import Effect, NetworkFault
from benchlab.faults.proxy.proxy import Proxy
from benchlab.faults.proxy.upstream import Upstream
from benchlab.plan.faults import Fault
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin
from benchlab.processes.open_files import allow_open_files

__all__ = ["ProxyInjector", "effect_of"]

_OTHER_FILES = 64  # open in addition to the connections


class ProxyInjector:
    """Makes the faults of the network, by a proxy before each service that one of them names.

    Nothing but the run's own connections goes through them. They end with this process, and with
    them the connections that go through them.
    """

    def __init__(self, plan: Plan, faults: Sequence[Fault]) -> None:
        self._plan = plan
        self._faults = faults
        self._proxies: dict[Origin, Proxy] = {}

    @property
    def resolve(self) -> Mapping[str, str]:
        """The addresses of the proxies by the ``host:port`` of the services."""
        return {
            f"{origin.host}:{origin.port}": proxy.address for origin, proxy in self._proxies.items()
        }

    async def prepare(self) -> None:
        """Start the proxies.

        Raises:
            FaultError: one cannot be started, or this process may not have enough open files.
        """
        origins = self._origins()
        _check_open_files(2 * len(origins) * self._plan.most_connections)
        for origin in origins:
            proxy = Proxy(Upstream(origin, self._plan.transport))
            try:
                await proxy.start()
            except BenchlabError as exc:
                raise FaultError(
                    f"a proxy before {origin} cannot be started ({exc.problem})", remedy=exc.remedy
                ) from exc
            self._proxies[origin] = proxy

    async def set(self, fault: Fault, lease_s: float) -> None:
        """Set ``fault``, on open connections too. It needs no lease: it ends with the proxy."""
        self._proxies[self._origin(fault)].set(fault, effect_of(fault, self._plan.seed))

    async def renew(self, fault: Fault, lease_s: float) -> None:
        """Nothing: the proxy is in this process."""

    async def lift(self, fault: Fault) -> None:
        """Lift ``fault``, and release what it holds back."""
        self._proxies[self._origin(fault)].lift(fault)

    async def close(self) -> None:
        """Stop the proxies and close their connections."""
        for proxy in self._proxies.values():
            await proxy.close()

    def _origins(self) -> list[Origin]:
        """The services that need a proxy: behind a Unix socket all, since it serves all of them."""
        if self._plan.transport.unix_socket:
            return list(self._plan.origins)
        return list(dict.fromkeys(map(self._origin, self._faults)))

    def _origin(self, fault: Fault) -> Origin:
        return fault.origin or self._plan.origins[0]


def effect_of(fault: Fault, seed: int) -> Effect:
    """What ``fault`` does in a proxy; ``seed`` is used if it has none."""
    own = zlib.crc32(str(fault).encode())  # faults of the same seed hit other exchanges
    return Effect(
        cast(NetworkFault, fault.kind),
        fault.amount_value,
        spread=fault.spread,
        distribution=fault.distribution,
        ratio=fault.ratio,
        seed=own ^ (seed if fault.seed is None else fault.seed),
    )


def _check_open_files(needed: int) -> None:
    allowed = allow_open_files()
    if needed + _OTHER_FILES > allowed:
        raise FaultError(
            f"proxies of as many connections need {needed:,} open files, and this system allows"
            f" {allowed:,} per process",
            remedy="lower the plan's connections, or raise the limit (ulimit -Hn)",
        )
