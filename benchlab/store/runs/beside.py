"""Save and read the records that a run has beside its samples: a table for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import StoreError
from benchlab.runs.run import Run
from benchlab.store.runs.exactly_once import insert_exactly, insert_of_run
from benchlab.store.schema.replicated import stored

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["read_beside", "save_beside"]


def save_beside(client: Client, run: Run, table: str, records: NDArray[np.void]) -> None:
    """Save the ``records`` of ``run`` to ``table`` exactly once, in one insert.

    Raises:
        StoreError: the store does not hold them afterwards.
    """
    whole = (len(records),)
    columns = {name: records[name] for name in records.dtype.names or ()}

    def count() -> tuple[int]:
        return (_count(client, table, run.id),)

    def insert(salt: str) -> None:
        if len(records) and count() != whole:
            insert_of_run(client, table, run, columns, f"{table}:{run.id}:{salt}")

    def remove() -> None:
        client.command(
            f"DELETE FROM {stored(client, table)} WHERE run_id = {{run_id:String}}",  # noqa: S608
            parameters={"run_id": run.id},
        )

    if not insert_exactly(client, insert, count, whole, remove):
        raise StoreError(
            f"the {table} of run {run.id} could not be stored: save it again; what was"
            " measured stays on disk until that succeeds"
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


def _count(client: Client, table: str, run_id: str) -> int:
    found = client.query(
        f"SELECT count() FROM {table} WHERE run_id = {{run_id:String}}",  # noqa: S608  # constants
        parameters={"run_id": run_id},
    )
    return int(found.result_rows[0][0])
