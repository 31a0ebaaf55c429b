"""Save the faults of a run for SQL: `Run.faults` itself is read from the run's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.head import RunHead
from benchlab.store.client.insert import insert_rows, moment
from benchlab.store.runs.exactly_once import insert_rows_of_run

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["save_faults"]


def save_faults(client: Client, run: RunHead) -> None:
    """Save the faults of ``run`` exactly once, in one insert.

    Raises:
        StoreError: the store does not hold them afterwards.
    """
    if not run.faults:
        return
    rows = [_row(run, record) for record in run.faults]
    insert_rows_of_run(
        client, "faults", run, len(rows), lambda token: insert_rows(client, "faults", rows, token)
    )


def _row(run: RunHead, record: FaultRecord) -> dict[str, Any]:
    began_at, ended_at = (
        None if time_ns is None else moment(run.started_at_ns + time_ns)
        for time_ns in (record.began_ns, record.ended_ns)
    )
    return {
        "run_id": run.id,
        "started_at": moment(run.started_at_ns),
        "began_at": began_at,
        "ended_at": ended_at,
        **record.to_dict(),
    }
