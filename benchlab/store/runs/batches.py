"""The measured samples of a stored run in batches of equal time, counted in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from benchlab.runs.stored_run import StoredRun

__all__ = ["batch_column", "errors_by_batch", "window_parameters"]


def batch_column(batches: int) -> str:
    """SQL of a column ``batch``, from 0, as `benchlab.statistics.batch_means.batch_of` has it.

    Its parameters are those of `window_parameters`.
    """
    return f"""
toUInt16(least({batches - 1}, greatest(0, intDiv(
    (intended_ns - {{start_ns:Int64}}) * {batches}, greatest(1, {{length_ns:Int64}})
)))) AS batch
"""


def window_parameters(warmup_ns: int, duration_s: float) -> dict[str, int]:
    """The measured window: after the warm-up, as long as the summary that is stored says."""
    return {"start_ns": warmup_ns, "length_ns": round(duration_s * NS_PER_S)}


def errors_by_batch(
    client: Client, run: StoredRun, batches: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The number of measured requests in each batch of ``run``, and how many of them failed."""
    rows = client.query(
        f"SELECT {batch_column(batches)}, count(), countIf(error != 0) FROM samples"  # noqa: S608  # constants
        " WHERE run_id = {run_id:String} AND measured GROUP BY batch",
        parameters={
            "run_id": run.id,
            **window_parameters(run.plan.warmup_ns, run.figures["duration_s"] or 0.0),
        },
    ).result_rows
    counts, failed = np.zeros(batches), np.zeros(batches)
    for batch, count, errors in rows:
        counts[batch], failed[batch] = count, errors
    return counts, failed
