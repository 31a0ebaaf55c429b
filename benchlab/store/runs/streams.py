"""Save and read the streams of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.run import Run
from benchlab.samples.streams import (
    EVENT_DTYPE,
    GAP_DTYPE,
    PLAIN_STREAM_DTYPE,
    Events,
    Streams,
    join_gaps,
    split_gaps,
)
from benchlab.store.client.insert import Column, Lists
from benchlab.store.runs.beside import read_beside, save_beside
from benchlab.store.runs.exactly_once import insert_of_run, insert_rows_of_run

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["read_events", "read_streams", "save_streams", "stream_columns"]

_TABLE = "streams"
_EVENT_TABLE = "stream_events"
_WITH_LENGTHS = f"(SELECT *, length(gap_bucket) AS bucket_count FROM {_TABLE})"  # noqa: S608
_BUCKETS = f"{_TABLE} ARRAY JOIN gap_bucket AS bucket, gap_count AS count"
_PLAIN_COLUMNS = tuple(name for name in PLAIN_STREAM_DTYPE.names or () if name != "bucket_count")


def save_streams(client: Client, run: Run) -> None:
    """Save the streams of ``run``, and their events, exactly once; nothing if it has none.

    Raises:
        StoreError: the store does not hold them afterwards.
    """
    if len(run.streams):
        columns = stream_columns(run.streams.records)
        insert_rows_of_run(
            client,
            _TABLE,
            run,
            len(run.streams),
            lambda token: insert_of_run(client, _TABLE, run, columns, token),
        )
    if len(run.events):
        save_beside(client, run, _EVENT_TABLE, run.events.records)


def stream_columns(records: NDArray[np.void]) -> dict[str, Column]:
    """The columns of the table for ``records`` of streams."""
    plain, buckets = split_gaps(records)
    lengths = plain["bucket_count"]
    return {
        **{name: plain[name] for name in _PLAIN_COLUMNS},
        "gap_bucket": Lists(lengths, buckets["bucket"].astype(np.uint8)),
        "gap_count": Lists(lengths, buckets["count"]),
    }


def read_streams(client: Client, run_id: str) -> Streams:
    """The streams of a run, in order of their samples."""
    plain = read_beside(client, run_id, _WITH_LENGTHS, PLAIN_STREAM_DTYPE, "seq")
    buckets = read_beside(client, run_id, _BUCKETS, GAP_DTYPE, "seq, bucket")
    return Streams(join_gaps(plain, buckets))


def read_events(client: Client, run_id: str) -> Events:
    """The events of a run's streams, if its plan asked for them."""
    return Events(read_beside(client, run_id, _EVENT_TABLE, EVENT_DTYPE, "seq, number"))
