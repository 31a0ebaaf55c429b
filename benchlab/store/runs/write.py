"""Save a run: its samples in blocks, then the row that makes it exist.

Any step can be interrupted and the whole repeated. A block is one insert into one partition, so it
is stored completely or not at all. Before a block is sent the store is asked whether it has it, and
a token made of run and block catches an insert whose acknowledgement was lost. The row in ``runs``
is written once the samples are complete, and so are the rollups, which a materialized view fills
and a crash may leave incomplete. For several processes that save the same run at once, see
`benchlab.store.runs.exactly_once`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab import spool
from benchlab.errors import StoreError, StoreUnavailableError
from benchlab.redact import public_url
from benchlab.runs.run import Run
from benchlab.samples.percentiles import Extent
from benchlab.store.client.insert import Column, insert_rows, moment
from benchlab.store.runs.beside import save_beside
from benchlab.store.runs.exactly_once import insert_exactly, insert_of_run
from benchlab.store.runs.faults import save_faults
from benchlab.store.runs.listing import endpoint_column
from benchlab.store.runs.streams import save_streams
from benchlab.store.schema.replicated import stored

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = [
    "BLOCK_SAMPLES",
    "JSON_COLUMNS",
    "PLAIN_COLUMNS",
    "SAME_COLUMNS",
    "STORED_STATISTICS",
    "count_samples",
    "is_stored",
    "let_exist",
    "remove_rollups",
    "remove_row",
    "remove_spool",
    "sample_columns",
    "save",
]

BLOCK_SAMPLES = 262_144
"""Samples per insert. Fixed, because a block's token identifies its samples by it."""

JSON_COLUMNS = ("plan", "environment", "health", "examples")
"""Run metadata with a JSON column each; fields without a column are in ``metadata``."""

PLAIN_COLUMNS = ("stopped_ns", "stop_reason")
"""Run metadata with a column of the same type."""

STORED_STATISTICS = ("mean", "min", "p50", "p90", "p95", "p99", "p99_9", "max")
"""Statistics with a column for each duration, such as ``lag_p50_ns``. Another needs a migration."""

_MOST_PRUNED = 100  # times, among the last 1,000 inserts of runs

SAME_COLUMNS = (
    "seq",
    "intended_ns",
    "bytes_in",
    "status",
    "endpoint",
    "error",
    "flags",
    "connection",
)
"""Columns of a sample that a record has under the same name."""


def save(client: Client, run: Run, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Save ``run`` unless it is stored already.

    A run of a cluster that was stored without what a lost host had is replaced once it has that.

    Raises:
        StoreError: the number of stored samples is not the run's, even after a fresh start.
        StoreUnavailableError: for example, its samples were pruned meanwhile. Retry.
    """
    report = on_progress or _silent
    total = len(run.samples)
    if is_stored(client, run.id):
        if not _has_more_than_stored(client, run):
            report(total, total)
            return
        remove_row(client, run.id)  # what follows replaces rows that are not the run's
    samples = run.samples
    if not samples.in_order:
        samples = samples.where(np.argsort(samples.column("seq"), kind="stable"))
    records, extent = samples.records, Extent.of(samples.in_blocks("seq"))
    whole = (total, len(samples.requests), extent.total if extent else 0)
    if not insert_exactly(
        client,
        lambda salt: _insert_missing(client, run, records, salt, report),
        lambda: count_samples(client, run.id),
        whole,
        lambda: _remove_samples(client, run.id),
    ):
        raise StoreError(
            f"run {run.id} could not be stored: the store does not hold its {total:,} samples after"
            " inserting them. Save it again: what was measured stays on disk until that succeeds"
        )
    save_beside(client, run, "connections", run.connections.records)
    save_beside(client, run, "tries", run.tries.records)
    save_streams(client, run)
    save_faults(client, run)
    let_exist(client, run, whole)


def let_exist(client: Client, run: Run, whole: tuple[int, int, int]) -> None:
    """Write the row that makes ``run`` exist, whose samples are stored: `count_samples` is whole.

    Raises:
        StoreError: the row does not appear.
        StoreUnavailableError: samples were removed meanwhile. Retry.
    """
    # More than once only if the server takes the insert for a repetition of one that was pruned.
    for again in range(_MOST_PRUNED):
        _insert_run(client, run, str(again or ""))
        if is_stored(client, run.id):
            if count_samples(client, run.id) == whole:
                return
            remove_row(client, run.id)
            raise StoreUnavailableError(
                f"samples of run {run.id} were removed while it was being saved, as a prune of old"
                " runs would"
            )
    raise StoreError(f"run {run.id} could not be stored: its row does not appear. Save it again")


def is_stored(client: Client, run_id: str) -> bool:
    """Whether the run with exactly this id exists in the store."""
    found = client.query(
        "SELECT count() FROM runs WHERE id = {run_id:String}", parameters={"run_id": run_id}
    )
    return bool(found.result_rows[0][0])


def _has_more_than_stored(client: Client, run: Run) -> bool:
    """Whether ``run``, which is stored, now has what a host of its cluster had kept."""
    if not run.hosts:
        return False
    ((count, reason),) = client.query(
        "SELECT any(sample_count), any(reason) FROM runs WHERE id = {run_id:String}",
        parameters={"run_id": run.id},
    ).result_rows
    mine = (len(run.samples), run.invalid_reason or "")
    return mine[0] >= count and mine != (count, reason)


def remove_row(client: Client, run_id: str) -> None:
    """Remove the row that makes the run exist; its samples stay."""
    _remove(client, "runs", "id", run_id)


def remove_spool(run: Run) -> None:
    """Delete the run's spool directory. Only once the run is stored.

    It stays while a host of its cluster has a part of it, which is appended here once it is
    fetched: ``benchlab recover --cluster``.
    """
    if run.spool is not None and not spool.missing_workers(run.spool):
        spool.remove(run.spool)


def _insert_missing(
    client: Client,
    run: Run,
    records: NDArray[np.void],
    salt: str,
    report: Callable[[int, int], None],
) -> None:
    blocks = list(_blocks(records))
    stored = _stored_seqs(client, run.id, [int(block["seq"][0]) for block in blocks])
    done = 0
    for number, block in enumerate(blocks):
        report(done, len(records))
        if int(block["seq"][0]) not in stored:
            _insert_block(client, run, block, f"samples:{run.id}:{number}:{salt}")
        done += len(block)
    report(done, len(records))


def _insert_block(client: Client, run: Run, block: NDArray[np.void], token: str) -> None:
    insert_of_run(client, "samples", run, sample_columns(block), token)


def sample_columns(records: NDArray[np.void]) -> dict[str, Column]:
    """The columns of the table for ``records`` of samples."""
    return {
        "lag_ns": records["sent_ns"] - records["intended_ns"],
        "service_ns": records["done_ns"] - records["sent_ns"],
        "body_ns": records["done_ns"] - records["first_byte_ns"],
        **{name: records[name] for name in SAME_COLUMNS},
    }


def _insert_run(client: Client, run: Run, salt: str = "") -> None:
    insert_rows(client, "runs", [_run_row(run)], f"runs:{run.id}{salt}")


def _run_row(run: Run) -> dict[str, Any]:
    summary = run.summary
    metadata = run.to_metadata()
    return {
        "id": metadata.pop("id"),
        "started_at": moment(metadata.pop("started_at_ns")),
        "name": run.name,
        "url": public_url(run.url),
        "endpoint": endpoint_column(run.plan),
        "verdict": run.verdict,
        "reason": run.invalid_reason or "",
        "tags": dict(run.plan.tags),
        "sample_count": len(run.samples),
        "request_count": summary.count,
        "error_count": summary.error_count,
        "errors": summary.errors,
        "objective_count": len(run.objectives),
        "broken_objective_count": run.broken_objective_count,
        "bytes_in": summary.bytes_in,
        "duration_s": summary.duration_s,
        "rate_rps": summary.rate_rps,
        "intended_rate_rps": summary.intended_rate_rps,
        **{
            f"{name}_{key}_ns": getattr(part, key)
            for name, part in summary.durations.items()
            for key in STORED_STATISTICS
        },
        **{name: metadata.pop(name) for name in PLAIN_COLUMNS},
        **{name: json.dumps(metadata.pop(name)) for name in JSON_COLUMNS},
        "metadata": json.dumps(metadata),
    }


def _blocks(records: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    for start in range(0, len(records), BLOCK_SAMPLES):
        yield records[start : start + BLOCK_SAMPLES]


def _stored_seqs(client: Client, run_id: str, seqs: list[int]) -> set[int]:
    found = client.query(
        "SELECT seq FROM samples WHERE run_id = {run_id:String} AND seq IN {seqs:Array(Int64)}",
        parameters={"run_id": run_id, "seqs": seqs},
    )
    return {row[0] for row in found.result_rows}


def count_samples(client: Client, run_id: str) -> tuple[int, int, int]:
    """Samples of the run, requests that its rollups count, and the sum of the samples' numbers."""
    ((samples, rolled_up, numbers),) = client.query(
        """
        SELECT
            (SELECT count() FROM samples WHERE run_id = {run_id:String}),
            (SELECT sum(request_count) FROM endpoint_seconds WHERE run_id = {run_id:String}),
            (SELECT sum(toInt128(seq)) FROM samples WHERE run_id = {run_id:String})
        """,
        parameters={"run_id": run_id},
    ).result_rows
    return int(samples), int(rolled_up), int(numbers)


def _remove_samples(client: Client, run_id: str) -> None:
    # The rollups first: if interrupted in between, the samples still show that they are wrong.
    remove_rollups(client, run_id)
    _remove(client, "samples", "run_id", run_id)


def remove_rollups(client: Client, run_id: str) -> None:
    """Remove the sums of the run's seconds; its samples stay."""
    _remove(client, "endpoint_seconds", "run_id", run_id)


def _remove(client: Client, table: str, column: str, run_id: str) -> None:
    client.command(
        f"DELETE FROM {stored(client, table)} WHERE {column} = {{run_id:String}}",  # noqa: S608  # constants
        parameters={"run_id": run_id},
    )


def _silent(done: int, total: int) -> None:
    del done, total
