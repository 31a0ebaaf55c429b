"""Save and read the connections that a run opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchlab.errors import StoreError
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.store.runs.exactly_once import insert_exactly, insert_of_run
from benchlab.store.schema.replicated import stored

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["read_connections", "save_connections"]

_NAMES = CONNECTION_DTYPE.names or ()


def save_connections(client: Client, run: Run) -> None:
    """Save the connections of ``run`` exactly once, in one insert.

    Raises:
        StoreError: the store does not hold them afterwards.
    """
    records = run.connections.records
    whole = (len(records),)
    columns = {name: records[name] for name in _NAMES}

    def count() -> tuple[int]:
        return (_count(client, run.id),)

    def insert(salt: str) -> None:
        if len(records) and count() != whole:
            insert_of_run(client, "connections", run, columns, f"connections:{run.id}:{salt}")

    def remove() -> None:
        client.command(
            f"DELETE FROM {stored(client, 'connections')} WHERE run_id = {{run_id:String}}",  # noqa: S608
            parameters={"run_id": run.id},
        )

    if not insert_exactly(client, insert, count, whole, remove):
        raise StoreError(
            f"the connections of run {run.id} could not be stored: save it again; what was"
            " measured stays on disk until that succeeds"
        )


def read_connections(client: Client, run_id: str) -> Connections:
    """The connections of a run, in the order of their opening."""
    rows = client.query(
        f"SELECT {', '.join(_NAMES)} FROM connections"  # noqa: S608  # constants
        " WHERE run_id = {run_id:String} ORDER BY start_ns, seq",
        parameters={"run_id": run_id},
        column_oriented=True,
    )
    records = np.zeros(rows.row_count, dtype=CONNECTION_DTYPE)
    if rows.row_count:
        for name, column in zip(_NAMES, rows.result_columns, strict=True):
            records[name] = column
    return Connections(records)


def _count(client: Client, run_id: str) -> int:
    found = client.query(
        "SELECT count() FROM connections WHERE run_id = {run_id:String}",
        parameters={"run_id": run_id},
    )
    return int(found.result_rows[0][0])
