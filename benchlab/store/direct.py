"""Where the hosts of a run send what they measured by themselves: a ClickHouse server.

`DirectStore` is made by the parent and travels to the hosts. Each of them sends its share
(`DirectStore.share`), during the run and after it; then the parent lets the run exist
(`DirectStore.save`). Whatever is interrupted can be repeated: see `benchlab.store.runs.shares`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchlab import spool
from benchlab.errors import InputError, StoreError, StoreUnavailableError
from benchlab.runs.health import Health
from benchlab.samples.examples import pick
from benchlab.store import retention
from benchlab.store.client import connection, lock
from benchlab.store.client.dsn import Dsn, default_dsn, parse_dsn
from benchlab.store.store import Store, default_wait_s

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from benchlab.plan.plan import Plan
    from benchlab.runs.head import RunHead
    from benchlab.runs.run import Run
    from benchlab.spool.record_files import RecordCount

__all__ = ["DirectShare", "DirectStore"]


@dataclass(frozen=True, slots=True)
class DirectStore:
    """A ClickHouse server that hosts send their shares of a run to.

    ``dsn`` is with its password, which neither ``repr`` nor ``str`` shows.

    >>> DirectStore("http://me:secret@127.0.0.1:8123/lab").location
    'http://me:***@127.0.0.1:8123/lab'

    Raises:
        InputError: the DSN cannot be used, or is of an embedded store.
    """

    dsn: str = field(default_factory=default_dsn, repr=False)

    def __post_init__(self) -> None:
        if self._parsed.path is not None:
            raise InputError(
                f"needs a ClickHouse server, and the store {self.location} is embedded: hosts"
                " cannot reach it",
                field="samples",
                value="direct",
                remedy="set BENCHLAB_DSN to http(s)://user:password@host:8123/database, or leave"
                ' it to the parent to save the run (samples="parent")',
            )

    @property
    def _parsed(self) -> Dsn:
        return parse_dsn(self.dsn)

    @property
    def wait_s(self) -> float:
        """How long to wait for the server while it is unavailable: that of `Store`."""
        return default_wait_s()

    @property
    def location(self) -> str:
        """The DSN, its password replaced by ``***``."""
        return str(self._parsed)

    def check(self) -> None:
        """Open the store from here, and bring its schema up to date.

        Raises:
            StoreError: it cannot be opened; the message says what to do.
        """
        with Store(self.dsn).connect():
            pass

    def has(self, run_id: str) -> bool:
        """Whether a run with exactly this id exists.

        Raises:
            StoreError: the store cannot be read.
        """
        return Store(self.dsn).has(run_id)

    def share(self, directory: Path, workers: Sequence[int], salt: str = "") -> DirectShare:
        """What ``workers`` of the run in the spool ``directory`` of this host write, to be sent.

        ``salt`` is what `save` asked for; it is empty the first time.

        Raises:
            RunError: the run was not started.
        """
        return DirectShare(self._parsed, spool.read_head(directory), directory, workers, salt)

    def save(
        self,
        directory: Path,
        plan: Plan | None,
        counts: Sequence[RecordCount],
        send_again: Callable[[str], object],
    ) -> Run:
        """Let the run exist that the hosts have sent; returns it, its samples in a mapped file.

        ``directory`` is the parent's spool, which has all but the records. ``counts`` is what the
        hosts found in their files; workers without any are lost, and what the store has of them is
        kept. ``send_again`` has the other hosts send what the store lacks, with the given end of
        its tokens. Any number of calls leave one copy. If the run exists already, without these
        workers, they are added to it: ``directory`` has only what is known of them. While the
        store is unavailable, the call retries as `Store.save` does.

        Raises:
            StoreError: the run could not be stored. The hosts keep what was measured.
        """

        def attempt() -> Run:
            with Store(self.dsn).connect() as client:
                return _save(client, directory, plan, counts, send_again)

        try:
            return connection.retry_while_unavailable(attempt, self.wait_s, lock.warn)
        except StoreError as exc:
            raise type(exc)(
                f"{exc}; what run {directory.name} measured is kept on its hosts: benchlab recover"
                " --cluster ADDRESS saves it"
            ) from exc


class DirectShare:
    """A host's share of a run on its way to a server: what it writes, and what has arrived."""

    def __init__(
        self, dsn: Dsn, head: RunHead, directory: Path, workers: Sequence[int], salt: str
    ) -> None:
        from benchlab.store.runs.shares import StoredShare

        self._dsn = dsn
        self._share = StoredShare(head, directory, workers, salt)

    @property
    def counts(self) -> tuple[RecordCount, ...]:
        """What has arrived; once everything was sent, all that the workers wrote."""
        return self._share.counts

    @property
    def unsent(self) -> int:
        """Records that were written and have not arrived yet."""
        return self._share.unsent

    def send(self, *, ended: bool, go_on: Callable[[], bool]) -> None:
        """Send the blocks that are full, and all the rest if the workers have ``ended``.

        It returns early once ``go_on`` says no. After an error the same call sends what is missing.

        Raises:
            StoreUnavailableError: the store is down, slow or full. Retry.
            StoreError: the store cannot be written.
        """
        if not self._share.ready(ended=ended):
            return
        with connection.opened(self._dsn) as client:
            while go_on() and self._share.send_next(client, ended=ended):
                pass


def _save(
    client: Client,
    directory: Path,
    plan: Plan | None,
    counts: Sequence[RecordCount],
    send_again: Callable[[str], object],
) -> Run:
    from benchlab.store.runs import read, shares, write
    from benchlab.store.runs.faults import save_faults

    head = spool.read_head(directory)
    retention.refuse_expired(client, head.id, head.started_at_ns)
    shares.complete(client, replace(head, plan=plan or head.plan), counts, send_again)
    head = spool.read_ended_head(directory, plan, read.last_done_ns(client, head.id))
    stored = read.load_head(client, head.id) if write.is_stored(client, head.id) else None
    if stored is not None:
        head = _joined(stored, head, {count.worker for count in counts})
    whole = write.count_samples(client, head.id)
    try:
        run = read.assemble(client, head, whole[0])
    except StoreUnavailableError:
        raise
    except StoreError as exc:  # a host that was given up sends on
        raise StoreUnavailableError(str(exc)) from exc
    save_faults(client, run)
    if stored is not None:
        as_before = stored.to_metadata() == head.to_metadata()
        if as_before and read.sample_count(client, head.id) == whole[0]:
            return run
        write.remove_row(client, head.id)
    write.let_exist(client, run, whole)
    return run


def _joined(stored: RunHead, found: RunHead, workers: set[int]) -> RunHead:
    """``stored`` with what ``found`` knows of ``workers``, which were lost when it was stored."""
    health = {item.worker: item for item in found.health.workers if item.worker in workers}
    hosts = {host.workers: host for host in found.hosts if workers.issuperset(host.workers)}
    examples = {example.seq: example for example in (*stored.examples, *found.examples)}
    return replace(
        stored,
        health=Health(tuple(health.get(item.worker, item) for item in stored.health.workers)),
        examples=pick(examples.values(), stored.plan.warmup_ns),
        hosts=tuple(hosts.get(host.workers, host) for host in stored.hosts),
    )
