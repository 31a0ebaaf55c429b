"""Send what the workers of a host measured to a store, from that host, while they measure it.

The parent does not get these records. It gets sums of them (`benchlab.load.supervisor.tally`),
through the spool as everything else. Who knows the store is a `Sink`: it is made by the parent and
travels to the hosts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Protocol

from benchlab.errors import BenchlabError
from benchlab.load.supervisor.tally import Tally
from benchlab.plan.plan import Plan
from benchlab.runs.run import Run
from benchlab.spool.directory import samples_path
from benchlab.spool.record_files import RECORD_FILES, RecordCount
from benchlab.spool.records import NewRecords
from benchlab.spool.tallies import append_tally, tally_path

__all__ = ["Delivery", "DeliveryState", "SentShare", "Sink", "nothing_to_send", "usual_sink"]

_TALLY_EVERY_S = 0.25
_LOOK_EVERY_S = 0.5
_LONGEST_PAUSE_S = 8.0


class SentShare(Protocol):
    """A host's share of a run on its way: what it writes, and what has arrived."""

    @property
    def counts(self) -> tuple[RecordCount, ...]:
        """What has arrived; once everything was sent, all that the workers wrote."""

    @property
    def unsent(self) -> int:
        """Records that were written and have not arrived yet."""

    def send(self, *, ended: bool, go_on: Callable[[], bool]) -> None:
        """Send the blocks that are full, and all the rest if the workers have ``ended``.

        It returns early once ``go_on`` says no. After an error the same call sends what is missing.

        Raises:
            StoreError: not everything could be sent.
        """


class Sink(Protocol):
    """Where hosts send what they measured. It can be pickled."""

    @property
    def location(self) -> str:
        """Its address, without credentials."""

    @property
    def wait_s(self) -> float:
        """How long to wait for it while it is unavailable."""

    def check(self) -> None:
        """Open it from here.

        Raises:
            StoreError: that is not possible; the message says what to do.
        """

    def has(self, run_id: str) -> bool:
        """Whether the run exists there.

        Raises:
            StoreError: that cannot be found out.
        """

    def share(self, directory: Path, workers: Sequence[int], salt: str = "") -> SentShare:
        """What ``workers`` of the run in the spool ``directory`` write, to be sent."""

    def save(
        self,
        directory: Path,
        plan: Plan | None,
        counts: Sequence[RecordCount],
        send_again: Callable[[str], object],
    ) -> Run:
        """Let the run exist that the hosts have sent; returns it.

        ``directory`` is the parent's spool, which has all but the records. ``counts`` is what the
        hosts have sent; ``send_again`` has them send what is missing, by shares with another salt.

        Raises:
            StoreError: the run could not be saved. Its hosts keep what was measured.
        """


def usual_sink() -> Sink:
    """The store that this process would save a run to.

    It is found by its name, as hosts find it: this package knows no stores.

    Raises:
        InputError: that is no server that hosts could reach.
    """
    made: Sink = import_module("benchlab.store.direct").DirectStore()
    return made


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far a host has come: records ``sent`` and ``unsent``, and the last ``problem``.

    ``counts`` is there once everything was sent that its workers wrote, and None before.
    """

    sent: int
    unsent: int
    problem: str = ""
    counts: tuple[RecordCount, ...] | None = None


def nothing_to_send(workers: Sequence[int]) -> DeliveryState:
    """The state of a host whose ``workers`` made no load."""
    counts = [RecordCount(kind.name, worker) for worker in workers for kind in RECORD_FILES]
    return DeliveryState(0, 0, counts=tuple(counts))


class Delivery:
    """Sends a host's share to a sink, and writes sums of it to its spool, in threads of its own."""

    def __init__(
        self,
        sink: Sink,
        directory: Path,
        plan: Plan,
        workers: Sequence[int],
        wanted: Callable[[], bool] = lambda: True,
        *,
        ended: bool = False,
    ) -> None:
        """The run in ``directory`` has been started, and ``workers`` are those of this host.

        If they have ``ended``, before, nobody needs sums of what they measured.
        Nothing is sent while it is not ``wanted``: a parent that does not hear of its host goes on
        without it, and nothing may arrive after that.
        """
        self._wanted = wanted
        self._sink = sink
        self._directory = directory
        self._plan = plan
        self._workers = tuple(workers)
        self._share = sink.share(directory, self._workers)
        self._changed = threading.Condition()
        self._with_sums = not ended
        self._ended, self._stopped, self._done = ended, False, False
        self._problem = ""
        self._sums_over = threading.Event()
        # A Dask worker that ends waits for neither: what was not sent is on its disk.
        self._sending = threading.Thread(
            target=self._send_all, name="benchlab-sending", daemon=True
        )
        self._summing = threading.Thread(target=self._sum_up, name="benchlab-sums", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._sending.start()
        if self._with_sums:
            self._summing.start()

    def end_of_load(self) -> None:
        """The workers have ended: send the rest. Their sums are complete on return."""
        self._sums_over.set()
        if self._summing.ident is not None:
            self._summing.join()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def send_again(self, salt: str) -> None:
        """Begin anew, with what the sink lacks by now."""
        share = self._sink.share(self._directory, self._workers, salt)
        with self._changed:
            self._share, self._done = share, False
            self._changed.notify_all()

    def state(self) -> DeliveryState:
        """How far it has come."""
        with self._changed:
            share, done, problem = self._share, self._done, self._problem
        counts = share.counts
        sent = sum(each.total for each in counts)
        return DeliveryState(sent, share.unsent, problem, counts if done else None)

    def stop(self) -> None:
        """Send nothing more: on return, no insert is in progress."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._sums_over.set()
        for thread in (self._sending, self._summing):
            if thread.ident is not None:
                thread.join()

    def _send_all(self) -> None:
        pauses = _pauses()
        while not self._stopped:
            with self._changed:
                share, ended = self._share, self._ended
            try:
                share.send(ended=ended, go_on=self._goes_on)
            except BenchlabError as exc:
                problem, pause_s = str(exc), next(pauses)
            except Exception as exc:  # whatever it is, the records stay on this disk
                problem, pause_s = f"{type(exc).__name__}: {exc}", next(pauses)
            else:
                problem, pause_s, pauses = "", _LOOK_EVERY_S, _pauses()
            with self._changed:
                self._problem = problem
                if share is self._share and ended and not problem and not share.unsent:
                    self._done = True
                self._await_change(share, ended, None if self._done else pause_s)

    def _await_change(self, share: SentShare, ended: bool, timeout_s: float | None) -> None:
        """Wait until there is another ``share``, or the workers have ended that had not."""

        def has_changed() -> bool:
            return self._stopped or self._share is not share or self._ended != ended

        self._changed.wait_for(has_changed, timeout_s)

    def _goes_on(self) -> bool:
        return not self._stopped and self._wanted()

    def _sum_up(self) -> None:
        """Write the sums of what is new to the spool, until the workers have ended."""
        path = tally_path(self._directory, self._workers[0])
        new = NewRecords([samples_path(self._directory, worker) for worker in self._workers])
        tally, over, unwritten = Tally(self._plan, merged=True), False, 0
        while not over:
            over = self._sums_over.wait(_TALLY_EVERY_S)
            for records in new:
                tally.take(records, self._plan.endpoint_names)
                unwritten += len(records)
            if unwritten:
                with suppress(OSError):  # a full disk: the next time, then
                    append_tally(path, tally.encode())
                    tally, unwritten = Tally(self._plan, merged=True), 0


def _pauses() -> Iterator[float]:
    return (min(_LOOK_EVERY_S * 2**number, _LONGEST_PAUSE_S) for number in count())
