"""Read a run back, exactly as it was saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.decoding import decode
from benchlab.errors import RunNotFoundError, StoreError
from benchlab.paths import data_dir
from benchlab.runs.head import RunHead
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.samples.tries import TRY_DTYPE, Tries
from benchlab.spool.storage import allocate_records
from benchlab.store.client.connection import is_embedded
from benchlab.store.runs.beside import read_beside
from benchlab.store.runs.listing import OUTSIDE_EXPERIMENTS
from benchlab.store.runs.streams import read_events, read_streams
from benchlab.store.runs.write import JSON_COLUMNS, PLAIN_COLUMNS, SAME_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = [
    "assemble",
    "last_done_ns",
    "load",
    "load_head",
    "load_in_blocks",
    "resolve",
    "sample_count",
]

LATEST = "latest"

_SAMPLES = """
SELECT seq, intended_ns, lag_ns, service_ns, body_ns, bytes_in, status, endpoint, error, flags,
    connection
FROM samples
WHERE run_id = {run_id:String}
ORDER BY seq
"""

# Parts are merged as they are read, without reading far ahead in each: half the memory in the same
# time.
_SPARING = {"max_threads": 1, "read_in_order_two_level_merge_threshold": 2}

_HELP = "benchlab history lists the stored runs"


def resolve(client: Client, run_id: str) -> str:
    """The full id for ``run_id``: an id, an unambiguous prefix of one, or ``latest``.

    The latest is the first in ``benchlab history``, so none that belongs to an experiment.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
    """
    if run_id == LATEST:
        rows = client.query(
            f"SELECT id FROM runs WHERE {OUTSIDE_EXPERIMENTS}"  # noqa: S608  # constant
            " ORDER BY started_at DESC, id DESC LIMIT 1"
        ).result_rows
        if not rows:
            raise RunNotFoundError("the store has no runs yet: make one with benchlab run URL")
        return str(rows[0][0])
    rows = client.query(
        "SELECT id FROM runs WHERE startsWith(id, {run_id:String}) ORDER BY id LIMIT 4",
        parameters={"run_id": run_id},
    ).result_rows
    found = [str(row[0]) for row in rows]
    if not found or not run_id:
        raise RunNotFoundError(_not_found(client, run_id))
    if len(found) > 1:
        some = ", ".join(found[:3])
        raise RunNotFoundError(f"{run_id!r} is a prefix of several run ids ({some} …): {_HELP}")
    return found[0]


def _not_found(client: Client, run_id: str) -> str:
    """Why there is no run with the id ``run_id``."""
    summaries = client.query(
        "SELECT id FROM imported_summaries WHERE startsWith(id, {id:String}) LIMIT 1",
        parameters={"id": run_id},
    ).result_rows
    if not summaries or not run_id:
        return f"no stored run has the id {run_id!r}: {_HELP}"
    return (
        f"{run_id!r} is the id of an imported summary, which has no requests: benchlab show"
        f" {run_id} prints it, and Store().imported({run_id!r}) reads it"
    )


def load(client: Client, run_id: str) -> Run:
    """Read the run as it was saved, its samples in order of ``seq``.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
        StoreError: samples of it are missing.
    """
    head, count = _read_head(client, run_id)
    records = _read_records(client, head.id, count)
    return replace(head, samples=Samples(records, head.samples.endpoints))


def load_in_blocks(client: Client, run_id: str) -> tuple[Run, int, Iterator[NDArray[np.void]]]:
    """The run without its samples, their number, and the records in order of ``seq``, in blocks.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
        StoreError: while iterating: samples of it are missing.
    """
    head, count = _read_head(client, run_id)
    return head, count, _read_blocks(client, head.id, count)


def load_head(client: Client, run_id: str) -> RunHead:
    """The metadata of a run, without its samples.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
    """
    return _read_head(client, run_id)[0]


def _read_head(client: Client, run_id: str) -> tuple[Run, int]:
    """The run without its samples, and their number."""
    whole_id = resolve(client, run_id)
    columns = (*JSON_COLUMNS, "metadata", *PLAIN_COLUMNS)
    row = client.query(
        f"SELECT sample_count, toUnixTimestamp64Nano(started_at), {', '.join(columns)}"  # noqa: S608  # constants
        " FROM runs WHERE id = {run_id:String} LIMIT 1",
        parameters={"run_id": whole_id},
    ).result_rows[0]
    count, started_at_ns, *values = row
    stored = dict(zip(columns, values, strict=True))
    where = f"run {whole_id} in the store"
    for name in JSON_COLUMNS:
        stored[name] = decode(stored[name], object, where=f"{where}: {name}")
    metadata = decode(stored.pop("metadata"), dict, where=f"{where}: metadata")
    head = RunHead.from_metadata(
        {**metadata, **stored, "id": whole_id, "started_at_ns": started_at_ns}, where
    )
    return _with_samples(client, head, Samples.empty(head.plan.endpoint_names)), int(count)


def assemble(client: Client, head: RunHead, count: int) -> Run:
    """The run of ``head`` whose ``count`` samples are stored, and whose row is not.

    Raises:
        StoreError: the store holds another number of samples.
    """
    records = _read_records(client, head.id, count)
    return _with_samples(client, head, Samples(records, head.plan.endpoint_names))


def last_done_ns(client: Client, run_id: str) -> int:
    """When the last of a run's stored samples was done, in ns from its start; 0 without any."""
    found = client.query(
        "SELECT max(done_ns) FROM samples WHERE run_id = {run_id:String}",
        parameters={"run_id": run_id},
    )
    return int(found.result_rows[0][0])


def sample_count(client: Client, run_id: str) -> int | None:
    """How many samples the run with exactly this id has by its row; None if it does not exist."""
    rows = client.query(
        "SELECT sample_count FROM runs WHERE id = {run_id:String} LIMIT 1",
        parameters={"run_id": run_id},
    ).result_rows
    return int(rows[0][0]) if rows else None


def _with_samples(client: Client, head: RunHead, samples: Samples) -> Run:
    """The run of ``head`` with ``samples`` and all that is stored beside them."""
    opened = read_beside(client, head.id, "connections", CONNECTION_DTYPE, "start_ns, seq")
    tries = read_beside(client, head.id, "tries", TRY_DTYPE, "seq")
    streams = events = None
    if head.plan.has_streams:
        streams, events = read_streams(client, head.id), read_events(client, head.id)
    return Run.from_head(head, samples, Connections(opened), Tries(tries), streams, events)


def _read_records(client: Client, run_id: str, count: int) -> NDArray[np.void]:
    """The records of a run, streamed into a mapped file if there are many."""
    records = allocate_records(count, SAMPLE_DTYPE, data_dir())
    filled = 0
    for block in _read_blocks(client, run_id, count):
        records[filled : filled + len(block)] = block
        filled += len(block)
    return records


def _read_blocks(client: Client, run_id: str, count: int) -> Iterator[NDArray[np.void]]:
    """The records of a run as the engine sends them, one block at a time."""
    filled = 0
    settings = _SPARING if is_embedded(client) else {}
    with client.query_df_stream(
        _SAMPLES, parameters={"run_id": run_id}, settings=settings
    ) as blocks:
        for block in blocks:
            filled += len(block)
            if filled > count:
                break
            records = np.zeros(len(block), dtype=SAMPLE_DTYPE)
            _fill(records, block)
            yield records
    if filled != count:
        raise StoreError(
            f"run {run_id} is damaged: the store holds {'at least ' if filled > count else ''}"
            f"{filled:,} of its {count:,} samples"
        )


def _fill(records: NDArray[np.void], block: pd.DataFrame) -> None:
    for name in SAME_COLUMNS:
        records[name] = block[name]
    records["sent_ns"] = records["intended_ns"] + block["lag_ns"].to_numpy()
    records["done_ns"] = records["sent_ns"] + block["service_ns"].to_numpy()
    records["first_byte_ns"] = records["done_ns"] - block["body_ns"].to_numpy()
