"""Inserting what belongs to a run, in columns, without holding on to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.store.connection import DURABLE
from benchlab.values.run import Run

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["insert_rows"]

_RUN = {"run_id": "LowCardinality(String)", "started_at": "DateTime64(9, 'UTC')"}


def insert_rows(
    client: Client,
    table: str,
    run: Run,
    columns: Mapping[str, tuple[str, NDArray[np.generic]]],
    token: str,
) -> None:
    """Insert rows of ``run`` into ``table``, unless an insert with this ``token`` was acknowledged.

    ``columns`` has the type and the values of each; the run's id and start are added.
    """
    count = len(next(iter(columns.values()))[1])
    types = {**_RUN, **{name: column_type for name, (column_type, _) in columns.items()}}
    context = client.create_insert_context(
        table,
        list(types),
        column_type_names=list(types.values()),
        column_oriented=True,
        settings={**DURABLE, "insert_deduplication_token": token},
    )
    context.data = [
        [run.id] * count,
        [run.started_at_ns] * count,
        *(np.ascontiguousarray(values) for _, values in columns.values()),
    ]
    try:
        client.insert(context=context)
    finally:
        # It refers to itself and to the values, and would keep them until the next full collection
        # of garbage: for a whole run, since that comes once in many inserts.
        context.data = [[] for _ in types]
