"""Complete a run whose hosts send their samples to a store, after its parent or a host was lost.

Each host keeps its share until the run is stored, so every block can be sent again: the store
ignores those that it has. `complete` does what the parent of the run would have done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benchlab import spool
from benchlab.errors import RunError
from benchlab.load.cluster.connect import ClusterConnection, HostUnreachableError
from benchlab.load.cluster.delivery import Delivery, DeliveryState, Sink
from benchlab.load.cluster.direct import deliver
from benchlab.load.cluster.recover import remove_here
from benchlab.load.cluster.timing import USUAL_PATIENCE, Patience
from benchlab.runs.run import Run
from benchlab.spool.directory import OWNER
from benchlab.spool.lock import acquire_lock, release_lock
from benchlab.spool.share import Share, find_share
from benchlab.text import plural

__all__ = ["KeptDirect", "complete", "complete_partly"]

T = TypeVar("T")


class KeptDirect(Protocol):
    """A share that the host ``name`` keeps, for its Dask worker at ``address`` to send."""

    @property
    def address(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def share(self) -> Share: ...


def complete(
    connection: ClusterConnection,
    directory: Path,
    kept: Sequence[KeptDirect],
    sink: Sink,
    patience: Patience = USUAL_PATIENCE,
) -> Run:
    """Have the hosts send what they have ``kept`` of one run, and let it exist in ``sink``.

    ``directory`` is the run's spool on this machine, which has all but the records. It is removed
    in the end, unless something is still missing. May be repeated.

    Raises:
        RunError: the run is not stored, and some of its shares are not among these; or one cannot
            be had.
        StoreError: it could not be stored. The hosts keep what was measured.
    """
    run_id, total = kept[0].share.run_id, kept[0].share.workers_total
    here = {worker for each in kept for worker in each.share.workers}
    missing = total - len(here)
    if missing and not sink.has(run_id):
        raise RunError(
            f"{plural(missing, 'worker')} of the {total} of run {run_id} are on hosts that do not"
            " respond, or are at work",
            remedy="repeat this when they do, or save the run without them by benchlab recover"
            " --partial",
        )
    hosts = [_KeptHost(connection, each, sink, patience) for each in kept]
    for host in hosts:
        try:
            connection.submit(host.begin()).result()
        except HostUnreachableError as exc:
            raise RunError(
                f"the host {host.name} does not respond ({exc})",
                remedy="repeat benchlab recover --cluster",
            ) from exc
    return deliver(connection, hosts, sink, directory, None, patience)


def complete_partly(directory: Path, sink: Sink) -> Run:
    """Let the run in ``directory`` exist with what ``sink`` has of it, and give up the rest.

    Raises:
        StoreError: it could not be stored.
    """
    run = sink.save(directory, None, (), lambda _: None)
    spool.remove(directory)
    return run


class _KeptHost:
    """A `benchlab.load.cluster.direct.DeliveringHost` that keeps a share of an earlier run."""

    def __init__(
        self, connection: ClusterConnection, kept: KeptDirect, sink: Sink, patience: Patience
    ) -> None:
        self.name = kept.name
        self._connection = connection
        self._address = kept.address
        self._share = kept.share
        self._sink = sink
        self._patience = patience

    async def begin(self) -> None:
        """Have it begin to send.

        Raises:
            RunError: the share is gone, or in use.
            HostUnreachableError: it does not respond.
        """
        await self._call(begin_here, self._share, self._sink, self._patience.lease_s)

    async def delivery_state(self) -> DeliveryState:
        return await self._call(state_here, self._share)

    async def send_again(self, salt: str) -> None:
        await self._call(again_here, self._share, salt)

    def lose(self, why: str) -> None:
        """End the attempt: nothing is saved without what it has.

        Raises:
            RunError: always.
        """
        raise RunError(
            f"the host {self.name} does not respond any more ({why})",
            remedy="repeat benchlab recover --cluster: it goes on where it was",
        )

    async def leave_share(self) -> None:
        await self._call(leave_here, self._share)

    async def delete_share(self) -> None:
        await self._call(delete_here, self._share)

    async def _call(self, function: Callable[..., T], *args: Any) -> T:
        return await self._connection.call(
            self._address, function, *args, timeout_s=self._patience.ready_s
        )


class _Kept:
    """A share that this host sends: its delivery, its lock, and when its parent was last heard."""

    def __init__(self, share: Share, sink: Sink, lease_s: float) -> None:
        """Take the share.

        Raises:
            RunError: it is gone, or another process sends it.
        """
        directory = find_share(share)
        plan = spool.read_head(directory).plan
        try:
            self._lock = acquire_lock(directory / OWNER)
        except BlockingIOError as exc:
            raise RunError(
                f"another process is at work on the share of host {share.host} in run"
                f" {share.run_id}",
                remedy="repeat this in a minute",
            ) from exc
        self._lease_s = lease_s
        self._heard_s = time.monotonic()
        self._over = threading.Event()
        try:
            self.delivery = Delivery(
                sink, directory, plan, share.workers, self._is_watched, ended=True
            )
        except BaseException:
            release_lock(self._lock)
            raise
        self.delivery.start()
        self._leaving = threading.Thread(target=self._leave_when_alone, args=(share,), daemon=True)
        self._leaving.start()

    def hear(self) -> None:
        """Note that the parent is there."""
        self._heard_s = time.monotonic()

    def leave(self) -> None:
        """Send nothing more, and let others have the share."""
        if not self._over.is_set():
            self._over.set()
            self.delivery.stop()
            release_lock(self._lock)

    def _is_watched(self) -> bool:
        return time.monotonic() - self._heard_s <= self._lease_s

    def _leave_when_alone(self, share: Share) -> None:
        while not self._over.wait(1):
            if not self._is_watched():
                leave_here(share)


_kept: dict[Share, _Kept] = {}
_taking = threading.Lock()


def begin_here(share: Share, sink: Sink, lease_s: float) -> None:
    """Begin to send ``share`` to ``sink``; called on a host. May be repeated.

    Raises:
        RunError: the share is gone, or another process sends it.
    """
    with _taking:
        if share not in _kept:
            _kept[share] = _Kept(share, sink, lease_s)


def state_here(share: Share) -> DeliveryState:
    """How much of ``share`` was sent; called on a host.

    Raises:
        RunError: its parent was away for too long.
    """
    return _being_sent(share).delivery.state()


def again_here(share: Share, salt: str) -> None:
    """Send what the store lacks of ``share``; called on a host.

    Raises:
        RunError: its parent was away for too long.
    """
    _being_sent(share).delivery.send_again(salt)


def leave_here(share: Share) -> None:
    """Send nothing more of ``share``, and keep it; called on a host."""
    with _taking:
        kept = _kept.pop(share, None)
    if kept is not None:
        kept.leave()


def delete_here(share: Share) -> None:
    """Delete ``share``, which is stored; called on a host."""
    leave_here(share)
    remove_here(share)


def _being_sent(share: Share) -> _Kept:
    kept = _kept.get(share)
    if kept is None:
        raise RunError(
            f"the host has let go of its share of run {share.run_id}: it heard nothing for a while",
            remedy="repeat benchlab recover --cluster: it goes on where it was",
        )
    kept.hear()
    return kept
