"""The store's public interface: save, list, load and query runs and telemetry.

Modules that need a `Run` are imported where they are used, so that listing runs starts faster.
"""

from __future__ import annotations

import copy
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from benchlab.displayed import Displayed
from benchlab.errors import InputError, StoreError
from benchlab.store import retention
from benchlab.store.client import connection, lock, query
from benchlab.store.client.dsn import default_dsn, parse_dsn
from benchlab.store.runs import listing
from benchlab.store.schema import migrate
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from benchlab.plan.plan import Plan
    from benchlab.plan.recording import Recording
    from benchlab.runs.experiment import Experiment
    from benchlab.runs.imported_summary import ImportedSummary
    from benchlab.runs.latency_parts import LatencyParts
    from benchlab.runs.request_spans import RequestSpans
    from benchlab.runs.run import Run
    from benchlab.runs.server_side import ServerSide
    from benchlab.runs.stored_run import StoredRun
    from benchlab.runs.trace import Trace
    from benchlab.runs.trace_coverage import TraceCoverage
    from benchlab.samples.percentile_interval import PercentileInterval
    from benchlab.store.choice import RunChoice

__all__ = ["Store", "default_wait_s"]

T = TypeVar("T")


class Store(Displayed):
    """Runs and telemetry in ClickHouse, at ``dsn``, ``BENCHLAB_DSN`` or the user's data directory.

    A store holds nothing open between calls: the embedded engine admits one process at a time, so
    each call opens it, works and closes it. A call that finds another process in it waits for up
    to ``wait_s`` (default ``BENCHLAB_STORE_WAIT_S`` or 60 s) and reports that after 2 s through
    ``on_wait``, by default as one line on standard error.

    >>> store = Store("http://me:secret@127.0.0.1:8123/lab")
    >>> store.location
    'http://me:***@127.0.0.1:8123/lab'

    Raises:
        InputError: the DSN cannot be used.
        StoreBusyError: on any call, after ``wait_s``.
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
        wait_s = default_wait_s() if wait_s is None else wait_s
        self._wait_s = min(wait_s, threading.TIMEOUT_MAX)  # also of inf, which no lock takes
        self._on_wait = on_wait or lock.warn
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"<Store {self._dsn}>"

    @property
    def location(self) -> str:
        """The DSN of the store, its password replaced by ``***``."""
        return str(self._dsn)

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """An open clickhouse-connect client, the schema up to date, for the time of the block.

        Inside the block other calls of this store on the same thread use the same client, which
        saves opening the engine for each. Errors of the client leave the block as StoreError.
        """
        with self._opened() as (client, _):
            yield client

    @contextmanager
    def _opened(self) -> Iterator[tuple[Client, int]]:
        """The client, and the version of the schema before it was migrated."""
        client: Client | None = getattr(self._local, "client", None)
        if client is not None:
            with connection.translate_errors(self._dsn):
                yield client, migrate.latest_version()
            return
        with (
            lock.acquire(self._dsn, self._wait_s, self._on_wait),
            connection.opened(self._dsn, self._wait_s) as client,
        ):
            was = migrate.migrate(client)
            self._local.client = client
            try:
                yield client, was
            finally:
                self._local.client = None

    def _retry(self, attempt: Callable[[], T]) -> T:
        return connection.retry_while_unavailable(attempt, self._wait_s, self._on_wait)

    def migrate(self) -> tuple[int, int]:
        """Bring the schema up to date, as every other call does first, and do nothing else.

        Returns the version before, 0 for none, and the version now. While a server is unavailable,
        the call retries as `save` does.

        Raises:
            SchemaError: the store was written by a newer benchlab.
        """

        def attempt() -> int:
            with self._opened() as (_, was):
                return was

        return self._retry(attempt), migrate.latest_version()

    def save(
        self,
        run: Run,
        on_progress: Callable[[int, int], None] | None = None,
        *,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Store ``run``; once that is acknowledged, remove its spool.

        Credentials are not stored: in the stored plan, header values and URL parameters whose names
        sound secret are ``***``. Bodies are stored as they are.
        Any number of calls, whatever failed before, leave exactly one copy. While the store is
        down, slow or full, the call retries for up to ``wait_s`` and reports that through
        ``on_wait``. ``on_progress(done, total)`` counts samples. ``then`` is called once the run is
        stored, while the store is still open, so that reading it costs no other opening.

        Raises:
            StoreError: it could not be stored; for example, it is older than the store's TTL
                (`set_ttl`).
        """
        from benchlab.runs.run import check_run
        from benchlab.store.runs import write

        check_run(run)
        stored = False

        def attempt() -> None:
            nonlocal stored
            with self.connect() as client:
                if not stored:
                    retention.refuse_expired(client, run.id, run.started_at_ns)
                    write.save(client, run, on_progress)
                    stored = True
                    write.remove_spool(run)
                if then is not None:
                    then()

        try:
            self._retry(attempt)
        except StoreError as exc:
            if stored or run.spool is None:
                raise
            raise type(exc)(
                f"{exc}; run {run.id} was measured and is kept: benchlab recover saves it"
            ) from exc

    def has(self, run_id: str) -> bool:
        """Whether a run with exactly this id is stored."""
        from benchlab.store.runs import write

        with self.connect() as client:
            return write.is_stored(client, run_id)

    def runs(
        self,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        in_experiments: bool = True,
    ) -> pd.DataFrame:
        """One row per stored run, newest first; with arguments, those that meet all of them.

        ``name`` is the whole name; ``tags`` must all be on the run, with these values; it started
        at ``since`` or later, and before ``until``. ``limit`` takes the newest of them. Without
        ``in_experiments``, runs that belong to an experiment are left out; those of one are
        ``tags={"experiment": its id}``.

        Columns: run_id, started_at (aware, UTC), name, url, count, error_count, duration_s,
        rate_rps, intended_rate_rps, latency_mean_ms and other latencies in ms, verdict, reason,
        objective_count, broken_objective_count, tags. A store without such runs gives the same
        columns, of the same types.

            nightly = store.runs(name="nightly", tags={"branch": "main"}, limit=30)
            runs = store.load_all(nightly["run_id"])

        Raises:
            InputError: ``since`` or ``until`` has no time zone.
        """
        with self.connect() as client:
            return listing.runs(
                client,
                name=name,
                tags=tags,
                since=since,
                until=until,
                limit=limit,
                in_experiments=in_experiments,
            )

    def rows(
        self,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        in_experiments: bool = True,
    ) -> list[dict[str, Any]]:
        """The rows of `runs`, each a dict by column: for programs that need no DataFrame."""
        with self.connect() as client:
            return listing.rows(
                client,
                name=name,
                tags=tags,
                since=since,
                until=until,
                limit=limit,
                in_experiments=in_experiments,
            )

    def overview(
        self, limit: int = 10, *, wait_s: float | None = None, **filters: Any
    ) -> list[dict[str, Any]]:
        """The rows of the latest runs, each with its p99 over the time of the run; in one opening.

        The p99 is under ``p99_over_time_ms``: numbers of at most 17 slices of the measured window,
        whole seconds each, NaN where there were no requests. Runs of experiments are left out.
        ``wait_s`` replaces that of the store, if it is shorter; ``filters`` are those of `runs`.
        """
        from benchlab.store.runs import over_time

        hurried = copy.copy(self)  # on this thread it shares what is open
        hurried._wait_s = self._wait_s if wait_s is None else min(wait_s, self._wait_s)
        with hurried.connect() as client:
            rows = listing.rows(client, limit=limit, in_experiments=False, **filters)
            p99 = over_time.p99_over_time(client, {r["run_id"]: r["duration_s"] for r in rows})
            return [{**row, "p99_over_time_ms": p99.get(row["run_id"], [])} for row in rows]

    def pick(
        self,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> RunChoice:
        """A table of the latest runs to choose from, in a notebook, by mouse or keyboard.

        The arguments are those of `runs`; runs of experiments are left out.

            choice = store.pick(name="nightly")
            choice                                    # shows the table; choose in it
            bl.compare(*choice.runs())                # in another cell

        Raises:
            InputError: ``since`` or ``until`` has no time zone.
        """
        from benchlab.store.choice import RunChoice

        rows = self.overview(limit, name=name, tags=tags, since=since, until=until)
        return RunChoice(rows, self.load_all)

    def stored(self, run_ids: Iterable[str]) -> list[StoredRun]:
        """The stored runs with these ids, in this order, without their samples.

        Each id may be a prefix, or ``"latest"``.

        Raises:
            RunNotFoundError: for one of them no run, or more than one, fits.
        """
        from benchlab.store.runs import read

        with self.connect() as client:
            return listing.stored(client, [read.resolve(client, run_id) for run_id in run_ids])

    def errors_by_batch(
        self, run: StoredRun, batches: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The measured requests in each of so many batches of equal time, and how many failed.

        ``run`` is one of `stored` or `history`; its samples stay in the store.
        """
        from benchlab.store.runs import batches as of_stored

        with self.connect() as client:
            return of_stored.errors_by_batch(client, run, batches)

    def history(
        self,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        like: Plan | None = None,
    ) -> list[StoredRun]:
        """The stored runs that meet all of the arguments, oldest first, without their samples.

        The arguments are those of `runs`, and ``like`` leaves the runs whose endpoints have the
        names that a plan gives them. Runs that belong to an experiment are left out: they were
        made to answer a question of their own.

        Raises:
            InputError: ``since`` or ``until`` has no time zone.
        """
        with self.connect() as client:
            return listing.history(
                client, name=name, tags=tags, since=since, until=until, like=like
            )

    def names(self) -> list[str]:
        """The names of the stored runs, in alphabetical order."""
        with self.connect() as client:
            return listing.names(client)

    def load(self, run_id: str) -> Run:
        """The stored run with this id, an unambiguous prefix of one, or ``"latest"``.

        Runs of experiments are never the latest.

        It equals the run that was saved, except for the credentials in its plan: see `save`.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.store.runs import read

        with self.connect() as client:
            return read.load(client, run_id)

    def load_all(self, run_ids: Iterable[str]) -> list[Run]:
        """The stored runs with these ids, in this order, in one opening of the store.

        Samples of large runs lie in files that are mapped to memory, as with `load`.

        Raises:
            RunNotFoundError: for one of them no run, or more than one, fits.
        """
        from benchlab.store.runs import read

        with self.connect() as client:
            return [read.load(client, run_id) for run_id in run_ids]

    def percentile_intervals(
        self,
        run_id: str,
        ratios: Sequence[float] = (0.5, 0.9, 0.95, 0.99, 0.999),
        level: float = 0.95,
        *,
        duration: str = "latency",
        endpoint: str | None = None,
    ) -> list[PercentileInterval]:
        """What `Run.percentile_interval` says of a stored run, computed in the store.

        The result is the same to the nanosecond, and no samples are read into this process.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
            InputError: a ratio or the level is not between 0 and 1, or a name is unknown.
        """
        from benchlab.store.runs import percentile_intervals as of_stored

        with self.connect() as client:
            return of_stored.percentile_intervals(client, run_id, ratios, level, duration, endpoint)

    @contextmanager
    def load_in_blocks(self, run_id: str) -> Iterator[tuple[Run, int, Iterator[NDArray[np.void]]]]:
        """A run in bounded memory: the run without samples, their number, and them in blocks.

        The blocks are arrays of `SAMPLE_DTYPE`, in order of ``seq``. The store stays open, and so
        occupied, for the time of the ``with`` block.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.store.runs import read

        with self.connect() as client:
            yield read.load_in_blocks(client, run_id)

    def save_imported(self, summary: ImportedSummary) -> None:
        """Store the summary that another tool made of its run. Repeated calls leave one copy.

        While the store is unavailable, the call retries as `save` does.
        """
        from benchlab.store.runs import summaries

        def attempt() -> None:
            with self.connect() as client:
                summaries.save(client, summary)

        self._retry(attempt)

    def imports(self, limit: int | None = None) -> pd.DataFrame:
        """One row per imported summary, the last imported first; latency in ms."""
        from benchlab.store.runs import summaries

        with self.connect() as client:
            return summaries.summaries(client, limit)

    def import_rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows of `imports`, each a dict by column."""
        from benchlab.store.runs import summaries

        with self.connect() as client:
            return summaries.rows(client, limit)

    def imported(self, summary_id: str) -> ImportedSummary:
        """The imported summary with this id or an unambiguous prefix of one.

        Raises:
            RunNotFoundError: none, or more than one, fits.
        """
        from benchlab.store.runs import summaries

        with self.connect() as client:
            return summaries.read(client, summary_id)

    def save_experiment(self, experiment: Experiment) -> None:
        """Store ``experiment``; its runs are saved by themselves. Repeated calls leave one copy.

        One that is stored and differs is replaced: a sweep may get more points.

        While the store is unavailable, the call retries as `save` does.
        """
        from benchlab.store import experiments

        def attempt() -> None:
            with self.connect() as client:
                experiments.save(client, experiment)

        self._retry(attempt)

    def experiment(self, experiment_id: str) -> pd.DataFrame:
        """The runs of an experiment, a row for each in the order they were made.

            frame = store.experiment("01a209c5db41b16d")

        ``experiment_id`` is the id of a stored experiment, or an unambiguous prefix of one; or the
        whole id of one that was not finished. Columns are what tells its runs apart (``arm`` and
        ``pair`` of an A/B, ``probe`` of a search for capacity, the swept parameters with ``point``
        and ``repeat`` of a sweep), and what the runs measured: latencies in ms, with the limits of
        their 95 % intervals. A column of these with the name of a parameter is called
        ``measured_<name>``.

        Raises:
            RunNotFoundError: none, or more than one, fits.
        """
        from benchlab.store import experiments

        with self.connect() as client:
            return experiments.frame(client, experiment_id)

    def load_experiment(self, experiment_id: str) -> Experiment:
        """The stored experiment with this id or an unambiguous prefix of one.

            experiment = store.load_experiment("01a209c5")
            runs = store.load_all(experiment.run_ids)

        Raises:
            RunNotFoundError: none, or more than one, fits.
        """
        from benchlab.store import experiments

        with self.connect() as client:
            return experiments.read(client, experiment_id)

    def experiment_rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """A dict per experiment, newest first: id, kind, name, started_at, run_count, result.

        One that was not finished, such as after a crash, has neither a kind nor a result.
        """
        from benchlab.store import experiments

        with self.connect() as client:
            return experiments.rows(client, limit)

    def set_baseline(self, name: str, run_ids: Iterable[str]) -> tuple[str, ...]:
        """Make stored runs the baseline ``name``, that later runs are compared with.

        Without runs the baseline is removed. Each id may be a prefix, or ``"latest"``. Returns the
        whole ids.

        Raises:
            RunNotFoundError: for one of them no run, or more than one, fits.
        """
        from benchlab.store import experiments
        from benchlab.store.runs import read

        with self.connect() as client:
            whole = tuple(read.resolve(client, run_id) for run_id in run_ids)
            experiments.set_baseline(client, name, whole)
            return whole

    def baseline(self, name: str) -> tuple[str, ...]:
        """The ids of the runs of the baseline ``name``.

        Raises:
            RunNotFoundError: there is none of this name.
        """
        from benchlab.store import experiments

        with self.connect() as client:
            return experiments.baseline(client, name)

    def baselines(self) -> list[dict[str, Any]]:
        """A dict per baseline, by name: id (its name), run_ids, set_at."""
        from benchlab.store import experiments

        with self.connect() as client:
            return experiments.baselines(client)

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
                return query.query_df(client, sql, parameters, self._dsn)
            # A connection of its own: read-only cannot be undone on an embedded one.
            with connection.opened(self._dsn) as reader:
                connection.make_read_only(reader)
                return query.query_df(reader, sql, parameters, self._dsn, read_only=True)

    def prune(self, older_than_s: float, *, dry_run: bool = False) -> pd.DataFrame:
        """Remove runs that started longer ago than this, with all their rows, and old telemetry.

        Returns what is removed, or would be without ``dry_run``: ``table``, ``rows``, ``oldest``.

        Raises:
            InputError: an age of less than an hour or more than 10,000 days.
        """
        retention.check_age(older_than_s)
        before_ns = time.time_ns() - int(older_than_s * NS_PER_S)
        with self.connect() as client:
            expired = retention.expired(client, before_ns)
            if not dry_run:
                retention.prune(client, before_ns)
            return expired

    def set_ttl(self, ttl_s: float | None) -> None:
        """Make a server remove by itself what is older than ``ttl_s``; None: keep everything.

        It does so now, and whenever it merges parts of a table.

        Raises:
            InputError: an age of less than an hour or more than 10,000 days; or the store is
                embedded, which is open too rarely for that: `prune` it.
        """
        if ttl_s is not None:
            retention.check_age(ttl_s)
            if self._dsn.path is not None:
                days = f"{ttl_s / retention.DAY_S:g}d"
                raise InputError(
                    f"the store {self._dsn} is embedded, so no server is running to apply a TTL",
                    remedy=f"run benchlab prune --older-than {days} --yes regularly, such as"
                    " from cron",
                )
        with self.connect() as client:
            retention.set_ttl(client, ttl_s)

    def client_server(self, run_id: str, limit: int | None = None) -> pd.DataFrame:
        """The measured requests of a run, each joined with its server span.

        Columns: seq, endpoint, status, latency_ms, service_ms, server_ms (the SERVER span),
        network_ms (service − server), span_name, trace_id. In order of ``seq``; requests without
        a server span are omitted. network_ms is below 0 where a span ended after its response had
        arrived, or the two clocks run at different speeds.
        """
        from benchlab.store.spans import spans

        with self.connect() as client:
            return spans.client_server(client, run_id, limit)

    def trace_coverage(self, run_id: str) -> TraceCoverage:
        """How many of the measured requests marked for tracing have a server span."""
        from benchlab.store.spans import spans

        with self.connect() as client:
            return spans.trace_coverage(client, run_id)

    def latency_parts(self, run_id: str, endpoint: str | None = None) -> LatencyParts:
        """What the latencies of a run's measured requests are made of, in sums.

        With the run's spans, as far as there are some. ``benchlab.attribute`` draws conclusions.

        Raises:
            InputError: the run has no such endpoint.
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.store.spans import attribution

        with self.connect() as client:
            return attribution.latency_parts(client, run_id, endpoint)

    def request_spans(self, run_id: str, endpoint: str | None = None) -> RequestSpans | None:
        """The spans of each measured request of a run, as arrays; None if no request has one.

        Of a run with more than some million spans, all requests above the 99th percentile, and a
        part of the others. ``benchlab.explain`` draws conclusions.

        Raises:
            InputError: the run has no such endpoint.
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.store.spans import request_spans

        with self.connect() as client:
            return request_spans.request_spans(client, run_id, endpoint)

    def slowest(self, run_id: str, n: int = 10, *, traced: bool = False) -> list[Trace]:
        """The ``n`` measured requests of a run with the highest latencies, slowest first.

        Each has the spans that servers made of it, if any; ``traced`` omits requests without a
        server span.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.store.spans import traces

        with self.connect() as client:
            return traces.slowest(client, run_id, n, traced=traced)

    def trace(self, trace_id: str) -> Trace:
        """One trace: its spans, and the request that started it if that is stored.

        Raises:
            InputError: not 32 hex digits.
        """
        from benchlab.store.spans import traces

        with self.connect() as client:
            return traces.trace(client, trace_id)

    def recording(
        self,
        service: str | None = None,
        window: str | tuple[datetime, datetime] | None = None,
    ) -> Recording:
        """The requests that ``service`` got, from its server spans: to be sent again.

        Without a ``service``, that of the only one there is. ``window`` is a time of the day, such
        as ``10:00-10:05``, or ISO times such as ``2026-03-14T10:00/2026-03-14T10:05``, in UTC; or
        a pair of them, or of `datetime`.

            plan = store.recording("checkout", "10:00-10:05").plan("http://127.0.0.1:8000")

        A request is a SERVER span with the attributes of HTTP spans (``http.request.method``,
        ``url.path``, ``url.query``, or their earlier names). Other spans are counted as skipped.
        Those with the same ``session.id``, ``enduser.id`` or ``user.id`` are a session. Spans have
        no bodies.

        Raises:
            InputError: no such service (the message lists those there are), nothing in the window,
                over a million requests, or ``window`` cannot be read.
        """
        from benchlab.store.spans import recorded_spans

        with self.connect() as client:
            return recorded_spans.recording(client, service, window)

    def server_histogram(self, run_id: str) -> pd.DataFrame:
        """The service's own latency histogram during a run, from its OpenTelemetry metrics.

        Columns: service, lower_ms, upper_ms, count; a row per bucket of the exponential histogram
        ``http.server.request.duration``, and of ``rpc.server.call.duration`` (gRPC), merged over
        all attributes. Metrics do not name runs: these are all requests that the service handled in
        the export intervals that overlap the run, of all clients, warm-up included. Services are
        those with spans of the run, or all when it has none. Empty when there are no such metrics.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.store.spans import server_histogram

        with self.connect() as client:
            return server_histogram.server_histogram(client, run_id)

    def server_side(self, run_id: str, slowest: int = 1) -> ServerSide:
        """What the service recorded of a run, for a report; opens the store once.

        It holds what `client_server`, `trace_coverage` and `server_histogram` return, the
        ``slowest`` requests that have a server span, and the parts and spans of all requests if any
        asked to be traced.

        Raises:
            RunNotFoundError: no run, or more than one, fits.
        """
        from benchlab.runs.server_side import ServerSide

        with self.connect():
            found = ServerSide(
                requests=self.client_server(run_id),
                coverage=self.trace_coverage(run_id),
                slowest=tuple(self.slowest(run_id, slowest, traced=True)),
                histogram=self.server_histogram(run_id),
            )
            if not found.was_traced:
                return found
            parts, spans = self.latency_parts(run_id), self.request_spans(run_id)
            return replace(found, parts=parts, spans=spans)


def default_wait_s() -> float:
    """How long calls wait for a store that is busy or down: ``BENCHLAB_STORE_WAIT_S``, or 60 s."""
    text = os.environ.get("BENCHLAB_STORE_WAIT_S", "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise InputError(f"BENCHLAB_STORE_WAIT_S={text!r} is not a number of seconds")
    return seconds
