"""Save and read the connections that a run opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.store.runs.exactly_once import insert_of_run, insert_rows_of_run

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
    columns = {name: records[name] for name in _NAMES}
    insert_rows_of_run(
        client,
        "connections",
        run,
        len(records),
        lambda token: insert_of_run(client, "connections", run, columns, token),
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
