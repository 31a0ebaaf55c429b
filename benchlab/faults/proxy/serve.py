"""A proxy without a run: its faults count from when it listens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from benchlab.errors import InputError
from benchlab.faults.proxy.injector import effect_of
from benchlab.faults.proxy.proxy import Proxy
from benchlab.faults.proxy.upstream import Upstream
from benchlab.plan.faults import Fault, FaultSchedule
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport
from benchlab.processes.event_loop import loop_factory
from benchlab.processes.open_files import allow_open_files
from benchlab.signals import ENDING_SIGNALS, handle_signals

__all__ = ["serve"]

_SEED = 1


def serve(
    origin: Origin,
    port: int,
    faults: FaultSchedule,
    on_ready: Callable[[str], None],
    on_change: Callable[[Fault, bool], None],
) -> int:
    """Stand before ``origin`` until a signal ends it; returns the signal's number.

    ``on_ready`` gets the address, and ``on_change`` each fault that begins (true) or ends.

    Raises:
        InputError: a fault that no proxy makes, or a port that is in use.
        TargetError: the service's name cannot be resolved.
    """
    for fault in faults:
        if fault.where != "proxy" or fault.origin not in (None, origin):
            raise InputError(
                f"is not made by a proxy before {origin}", field="fault", value=str(fault)
            )
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        proxy = Proxy(Upstream(origin, Transport()), port)
        return runner.run(_serve(proxy, faults, on_ready, on_change))


async def _serve(
    proxy: Proxy,
    faults: FaultSchedule,
    on_ready: Callable[[str], None],
    on_change: Callable[[Fault, bool], None],
) -> int:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int, _frame: object) -> None:
        if not stopped.done():
            stopped.set_result(number)

    def begin(fault: Fault) -> None:
        proxy.set(fault, effect_of(fault, _SEED))
        on_change(fault, True)

    def end(fault: Fault) -> None:
        proxy.lift(fault)
        on_change(fault, False)

    allow_open_files()
    restore = handle_signals((signal.SIGINT, *ENDING_SIGNALS), stop)
    try:
        await proxy.start()
        on_ready(proxy.address)
        for fault in faults:
            if fault.at_s:
                loop.call_later(fault.at_s, begin, fault)
            else:
                begin(fault)
            if fault.for_s is not None:
                loop.call_later(fault.at_s + fault.for_s, end, fault)
        return await stopped
    finally:
        await proxy.close()
        restore()
