"""The parent of a run whose hosts send their samples to a store by themselves.

It waits until all hosts have sent everything, lets the run exist in the store, and then has them
delete what they keep. A host that is lost meanwhile keeps its share on its disk, for
``benchlab recover --cluster``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from benchlab import spool
from benchlab.errors import BenchlabError, InputError, StoreUnavailableError
from benchlab.load.cluster.connect import ClusterConnection, HostUnreachableError
from benchlab.load.cluster.delivery import DeliveryState, Sink
from benchlab.load.cluster.timing import Patience
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.plan.plan import Plan
from benchlab.runs.run import Run
from benchlab.spool.record_files import RecordCount
from benchlab.text import plural

__all__ = ["DeliveringHost", "check_direct", "deliver"]

_ASK_EVERY_S = 0.2
_KEEP_EVERY_S = 1.0


class DeliveringHost(Protocol):
    """A host that sends its share, as its parent sees it; called in the connection's thread."""

    @property
    def name(self) -> str:
        """The name of its machine."""

    async def delivery_state(self) -> DeliveryState:
        """How far it has come; this also says that its parent is there.

        Raises:
            HostUnreachableError: it does not respond.
        """

    async def send_again(self, salt: str) -> None:
        """Have it send what the store lacks.

        Raises:
            HostUnreachableError: it does not respond.
        """

    def lose(self, why: str) -> None:
        """Note that it is lost, and go on without it."""

    async def leave_share(self) -> None:
        """Have it keep its share, and let go of it.

        Raises:
            HostUnreachableError: it does not respond.
        """

    async def delete_share(self) -> None:
        """Have it delete its share, which is stored.

        Raises:
            HostUnreachableError: it does not respond.
        """


def check_direct(plan: Plan) -> None:
    """Refuse a plan whose samples hosts cannot send by themselves.

    Raises:
        InputError: it has a scenario.
    """
    if plan.scenario is not None:
        raise InputError(
            f"does not go with the scenario {plan.scenario.name}: each host numbers its steps in"
            " the order in which they occur there, and only the parent of the run knows them all",
            field="samples",
            value="direct",
            remedy='let the parent save the run (samples="parent")',
        )


def deliver(
    connection: ClusterConnection,
    hosts: Sequence[DeliveringHost],
    sink: Sink,
    directory: Path,
    plan: Plan | None,
    patience: Patience,
    stop: StopSignal | None = None,
    on_lost: Callable[[], None] = lambda: None,
) -> Run:
    """Have the run in the parent's spool ``directory`` in ``sink``; returns it.

    The workers of all ``hosts`` have ended. ``directory`` is removed in the end, unless a host is
    lost, whose share may be added later. ``on_lost`` is called when one is, in any thread.

    Raises:
        StoreError: the run could not be stored. Its hosts keep what was measured.
        KeyboardInterrupt: ``stop`` was requested once more. They do so then too.
    """
    parent = _Parent(connection, hosts, sink, patience, stop, on_lost)
    try:
        counts = parent.all_sent()
        keeping = connection.submit(parent.keep())
        try:
            run = sink.save(directory, plan, counts, parent.send_again)
        finally:
            keeping.cancel()
    except BaseException:
        connection.finish([_trying(host.leave_share()) for host in parent.reached])
        raise
    if not _lacks_shares(directory):
        spool.remove(directory)
    connection.finish([_trying(host.delete_share()) for host in parent.reached])
    return run


def _lacks_shares(directory: Path) -> bool:
    """Whether the spool that the parent of a run has of it is still to say that a host is lost.

    One that was made to recover a run knows no hosts, and is made again when it is needed.
    """
    found = spool.read_cluster(directory)
    return found is not None and bool(found.hosts) and bool(spool.missing_workers(directory))


class _Parent:
    """Waits for hosts. ``reached`` are those that are not lost."""

    def __init__(
        self,
        connection: ClusterConnection,
        hosts: Sequence[DeliveringHost],
        sink: Sink,
        patience: Patience,
        stop: StopSignal | None,
        on_lost: Callable[[], None],
    ) -> None:
        self.reached = list(hosts)
        self._on_lost = on_lost
        self._connection = connection
        self._sink = sink
        self._patience = patience
        self._stop = stop
        self._stop_level = 0 if stop is None else stop.level
        self._heard_s = dict.fromkeys(map(id, hosts), time.monotonic())

    def all_sent(self) -> tuple[RecordCount, ...]:
        """What the hosts have sent, once that is all of it; those that are lost are left out.

        Raises:
            StoreUnavailableError: some cannot send it, and the sink was waited for long enough.
            KeyboardInterrupt: a stop was requested.
        """
        sent, moved_s = -1, time.monotonic()
        while True:
            states = self._connection.submit(self._states()).result()
            now_s = time.monotonic()
            total = sum(state.sent for state in states.values())
            if total != sent:
                sent, moved_s = total, now_s
            counts = [states[key].counts for key in map(id, self.reached) if key in states]
            if len(counts) == len(self.reached) and None not in counts:
                return tuple(count for part in counts for count in part or ())
            # A host that has no problem may be in the middle of a long insert.
            waited_s = now_s - moved_s - (0 if _fails(states) else self._patience.collect_s)
            if waited_s > self._sink.wait_s:
                raise self._stuck(states)
            if self._stop is not None and self._stop.level > self._stop_level:
                raise KeyboardInterrupt
            time.sleep(_ASK_EVERY_S)

    def send_again(self, salt: str) -> None:
        """Have all hosts send what is missing, and wait for it.

        Raises:
            StoreUnavailableError: one of them is lost, or cannot send it.
        """
        again = [host.send_again(salt) for host in self.reached]
        for host, problem in zip(self.reached, self._connection.finish(again), strict=True):
            if problem is not None:
                raise StoreUnavailableError(
                    f"the host {host.name} was lost while it sent its share ({problem})"
                )
        self.all_sent()

    async def keep(self) -> None:
        """Let the hosts know that their parent is there, until this is cancelled."""
        while True:
            await asyncio.gather(*(_trying(host.delivery_state()) for host in self.reached))
            await asyncio.sleep(_KEEP_EVERY_S)

    async def _states(self) -> dict[int, DeliveryState]:
        """The states of the hosts that respond; those that have not for long are lost."""
        hosts = list(self.reached)
        found = await asyncio.gather(
            *(host.delivery_state() for host in hosts), return_exceptions=True
        )
        states: dict[int, DeliveryState] = {}
        for host, state in zip(hosts, found, strict=True):
            if isinstance(state, DeliveryState):
                states[id(host)] = state
                self._heard_s[id(host)] = time.monotonic()
            elif not isinstance(state, HostUnreachableError):
                raise state
            elif state.is_gone or self._silent_s(host) > self._patience.lost_s:
                host.lose(str(state))
                self.reached.remove(host)
                self._on_lost()
        return states

    def _silent_s(self, host: DeliveringHost) -> float:
        return time.monotonic() - self._heard_s[id(host)]

    def _stuck(self, states: Mapping[int, DeliveryState]) -> StoreUnavailableError:
        waiting = [host for host in self.reached if not _is_done(states.get(id(host)))]
        problems = [states[key].problem for key in map(id, waiting) if key in states]
        problem = next(filter(None, problems), "nothing arrives")
        unsent = sum(states[key].unsent for key in map(id, waiting) if key in states)
        return StoreUnavailableError(
            f"{plural(len(waiting), 'host')} of the run cannot send their samples to"
            f" {self._sink.location}, {waiting[0].name} among them: {problem}."
            f" {plural(unsent, 'record')} are kept on their disks",
            remedy="benchlab recover --cluster ADDRESS saves the run",
        )


def _fails(states: Mapping[int, DeliveryState]) -> bool:
    return any(state.problem for state in states.values())


def _is_done(state: DeliveryState | None) -> bool:
    return state is not None and state.counts is not None


async def _trying(doing: Coroutine[Any, Any, Any]) -> None:
    with suppress(HostUnreachableError, BenchlabError):
        await doing
