"""The store as its users see it: open, save, list, read back, ask."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError, StoreError
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.runs.trace import Trace
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.store import retention
from benchlab.store.client import connection, gate
from benchlab.store.client.dsn import default_dsn, parse_dsn
from benchlab.store.runs import read, write
from benchlab.store.runs import summaries as imports
from benchlab.store.schema import migrate
from benchlab.store.spans import server_histogram, spans, traces
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

__all__ = ["Store"]


class Store:
    """Runs and telemetry in ClickHouse, at ``dsn``, ``BENCHLAB_DSN`` or the user's data directory.

    A store holds nothing open between calls: the embedded engine admits one process at a time, so
    each call opens it, works and closes it. A call that finds another process in it waits for up
    to ``wait_s`` (default ``BENCHLAB_STORE_WAIT_S`` or 60 s) and says so after 2 s through
    ``on_wait``, by default one line on standard error.

    Raises:
        InputError: the DSN cannot be used.
        StoreBusyError: on any call, when waiting was given up.
        StoreError: on any call, when the store cannot be opened, read or written.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        wait_s: float | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self._dsn = parse_dsn(dsn or default_dsn())
        wait_s = _default_wait_s() if wait_s is None else wait_s
        self._wait_s = min(wait_s, threading.TIMEOUT_MAX)  # also of inf, which no lock takes
        self._on_wait = on_wait
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"<Store {self._dsn}>"

    @property
    def location(self) -> str:
        """Where the store is, without its password."""
        return str(self._dsn)

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """An open clickhouse-connect client, its schema up to date, for the time of the block.

        Inside the block other calls of this store on the same thread use the same client. Errors
        of the client leave the block as StoreError.
        """
        with self._opened() as (client, _):
            yield client

    @contextmanager
    def _opened(self) -> Iterator[tuple[Client, int]]:
        """The client, and the version of the schema before it was brought up to date."""
        client: Client | None = getattr(self._local, "client", None)
        if client is not None:
            with connection.errors_in_our_words(self._dsn):
                yield client, migrate.latest_version()
            return
        with (
            gate.admission(self._dsn, self._wait_s, self._on_wait),
            connection.opened(self._dsn, self._wait_s) as client,
        ):
            was = migrate.migrate(client)
            self._local.client = client
            try:
                yield client, was
            finally:
                self._local.client = None

    def migrate(self) -> tuple[int, int]:
        """Bring the schema up to date, as each other call does first, and do nothing else.

        Returns the version that it was, 0 for none, and the one that it is. While a server is
        unavailable, the call tries again as `save` does.

        Raises:
            SchemaError: the store was written by a newer benchlab.
        """

        def attempt() -> int:
            with self._opened() as (_, was):
                return was

        was = connection.patiently(attempt, self._wait_s, self._on_wait or gate.say)
        return was, migrate.latest_version()

    def save(self, run: Run, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Keep ``run``; once it is acknowledged, remove its spool.

        Credentials are not kept: in the stored plan, header values and URL parameters whose names
        sound secret are ``***``. Bodies are kept as they are.
        Any number of calls, after whatever failed before, leave exactly one copy. While the store
        is down, slow or full, the call tries again for as long as it would wait for its turn, and
        says so in the same way. ``on_progress(done, total)`` counts samples.

        Raises:
            StoreError: among others, the run is older than what the store keeps (`set_ttl`).
        """

        def attempt() -> None:
            with self.connect() as client:
                retention.refuse_expired(client, run.id, run.started_at_ns)
                write.save(client, run, on_progress)

        try:
            connection.patiently(attempt, self._wait_s, self._on_wait or gate.say)
        except StoreError as exc:
            if run.spool is None:
                raise
            raise type(exc)(
                f"{exc}; run {run.id} was measured and is kept: benchlab recover saves it"
            ) from exc
        write.remove_spool(run)

    def has(self, run_id: str) -> bool:
        """Whether a run with exactly this id is stored."""
        with self.connect() as client:
            return write.is_stored(client, run_id)

    def runs(self, limit: int | None = None) -> pd.DataFrame:
        """One row per run, newest first: identity, counts and rates, latency in ms, verdict."""
        with self.connect() as client:
            return read.runs(client, limit)

    def run(self, run_id: str) -> Run:
        """The stored run with this id, an unambiguous beginning of one, or ``"latest"``.

        It is the run that was saved, but for the credentials in its plan: see `save`.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        with self.connect() as client:
            return read.run(client, run_id)

    @contextmanager
    def run_in_blocks(self, run_id: str) -> Iterator[tuple[Run, int, Iterator[NDArray[np.void]]]]:
        """The same run in bounded memory: without samples, their number, and they in blocks.

        The blocks are arrays of `SAMPLE_DTYPE`, in order of ``seq``. The store is held for the
        time of the ``with`` block.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        with self.connect() as client:
            yield read.run_in_blocks(client, run_id)

    def save_summary(self, summary: ImportedSummary) -> None:
        """Keep what another tool says of a run of its own. Any number of calls leave one copy.

        While the store is unavailable, it tries again as `save` does.
        """

        def attempt() -> None:
            with self.connect() as client:
                imports.save(client, summary)

        connection.patiently(attempt, self._wait_s, self._on_wait or gate.say)

    def summaries(self, limit: int | None = None) -> pd.DataFrame:
        """One row per imported summary, the last imported first; latency in ms."""
        with self.connect() as client:
            return imports.summaries(client, limit)

    def summary(self, summary_id: str) -> ImportedSummary:
        """The imported summary with this id or an unambiguous beginning of one.

        Raises:
            RunNotFoundError: none, or more than one, fits.
        """
        with self.connect() as client:
            return imports.read(client, summary_id)

    def query_df(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, write: bool = False
    ) -> pd.DataFrame:
        """The result of any SQL as a DataFrame; ``{name:Type}`` in it is bound from ``parameters``.

        Raises:
            InputError: the SQL cannot be run, or does more than read the store (changes it, names
                a function that reaches files or other hosts) and ``write`` is False.
        """
        with self.connect() as client:
            if write:
                return read.query_df(client, sql, parameters, self._dsn)
            # A connection of its own: read-only cannot be taken back on an embedded one.
            with connection.opened(self._dsn) as reader:
                connection.make_read_only(reader)
                return read.query_df(reader, sql, parameters, self._dsn, read_only=True)

    def prune(self, older_than_s: float, *, dry_run: bool = False) -> pd.DataFrame:
        """Remove runs that started longer ago than this, all that belongs to them, and telemetry.

        Returns what goes, or would with ``dry_run``: ``table``, ``rows``, ``oldest``.

        Raises:
            InputError: an age of less than an hour or more than 10,000 days.
        """
        retention.check_age(older_than_s)
        before_ns = time.time_ns() - int(older_than_s * NS_PER_S)
        with self.connect() as client:
            going = retention.expired(client, before_ns)
            if not dry_run:
                retention.prune(client, before_ns)
            return going

    def set_ttl(self, ttl_s: float | None) -> None:
        """Let the engine remove by itself what is older than ``ttl_s``; None: let it keep all.

        It does so now and when it merges, so on a server that runs.

        Raises:
            InputError: an age of less than an hour or more than 10,000 days; or the store is
                embedded, and open too rarely for that: `prune` it.
        """
        if ttl_s is not None:
            retention.check_age(ttl_s)
            if self._dsn.path is not None:
                days = f"{ttl_s / retention.DAY_S:g}d"
                raise InputError(
                    f"the store {self._dsn} is embedded: nothing runs there that could remove what"
                    f" is old by itself. Run benchlab prune --older-than {days} --yes now and then,"
                    " such as from cron"
                )
        with self.connect() as client:
            retention.set_ttl(client, ttl_s)

    def client_server(self, run_id: str, limit: int | None = None) -> pd.DataFrame:
        """The measured requests of a run beside the server spans that answered them.

        Columns: seq, endpoint, status, latency_ms, service_ms, server_ms (the SERVER span),
        network_ms (service − server), span_name, trace_id. In order of ``seq``; requests without
        a server span are left out.
        """
        with self.connect() as client:
            return spans.client_server(client, run_id, limit)

    def trace_coverage(self, run_id: str) -> TraceCoverage:
        """How many of the measured requests that asked to be traced have a server span."""
        with self.connect() as client:
            return spans.trace_coverage(client, run_id)

    def slowest(self, run_id: str, n: int = 10, *, traced: bool = False) -> list[Trace]:
        """The ``n`` measured requests of a run with the highest latencies, slowest first.

        Each comes with the spans that servers made of it, if any; ``traced`` leaves out requests
        without a server span.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        with self.connect() as client:
            return traces.slowest(client, run_id, n, traced=traced)

    def trace(self, trace_id: str) -> Trace:
        """One trace: its spans, and the request that began it if that is stored.

        Raises:
            InputError: not 32 hex digits.
        """
        with self.connect() as client:
            return traces.trace(client, trace_id)

    def server_histogram(self, run_id: str) -> pd.DataFrame:
        """What the service itself counted during a run, by its OpenTelemetry metrics.

        Columns: service, lower_ms, upper_ms, count; a row per bucket of the exponential histogram
        ``http.server.request.duration``, which merges all its attributes. Metrics know no runs:
        these are all requests that the service answered in the export intervals that the run
        touches, whoever sent them, warm-up included. Services are those with spans of the run, or
        all when it has none. Empty where there are no such metrics.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        with self.connect() as client:
            return server_histogram.server_histogram(client, run_id)

    def server_side(self, run_id: str, slowest: int = 1) -> ServerSide:
        """What the service recorded of a run: for a report, read at one opening of the store.

        It holds what `client_server`, `trace_coverage` and `server_histogram` return, and the
        ``slowest`` requests that have a server span.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        with self.connect():
            return ServerSide(
                requests=self.client_server(run_id),
                coverage=self.trace_coverage(run_id),
                slowest=tuple(self.slowest(run_id, slowest, traced=True)),
                histogram=self.server_histogram(run_id),
            )


def _default_wait_s() -> float:
    text = os.environ.get("BENCHLAB_STORE_WAIT_S", "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise InputError(f"BENCHLAB_STORE_WAIT_S={text!r} is not a number of seconds")
    return seconds
