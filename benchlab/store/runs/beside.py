"""Save and read the records that a run has beside its samples: a table for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.run import Run
from benchlab.store.runs.exactly_once import insert_of_run, insert_rows_of_run

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["read_beside", "save_beside"]


def save_beside(client: Client, run: Run, table: str, records: NDArray[np.void]) -> None:
    """Save the ``records`` of ``run`` to ``table`` exactly once, in one insert.

    Raises:
        StoreError: the store does not hold them afterwards.
    """
    columns = {name: records[name] for name in records.dtype.names or ()}
    insert_rows_of_run(
        client,
        table,
        run,
        len(records),
        lambda token: insert_of_run(client, table, run, columns, token),
    )


def read_beside(
    client: Client, run_id: str, table: str, dtype: np.dtype[np.void], order: str
) -> NDArray[np.void]:
    """The records of a run in ``table``, ordered by the columns ``order``."""
    names = dtype.names or ()
    rows = client.query(
        f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608  # constants
        f" WHERE run_id = {{run_id:String}} ORDER BY {order}",
        parameters={"run_id": run_id},
        column_oriented=True,
    )
    records = np.zeros(rows.row_count, dtype=dtype)
    if rows.row_count:
        for name, column in zip(names, rows.result_columns, strict=True):
            records[name] = column
    return records
