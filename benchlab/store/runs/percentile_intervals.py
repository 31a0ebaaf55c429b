"""Percentiles of a stored run with their intervals, from SQL alone.

The samples stay in the store: order statistics are `quantilesExact`, and what the method of
`benchlab.statistics.batch_means` needs to know of dependence is one GROUP BY.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchlab.errors import InputError
from benchlab.samples.percentile_interval import (
    ByBatch,
    PercentileInterval,
    check_duration,
    intervals_of,
)
from benchlab.statistics.batch_means import BATCHES
from benchlab.store.runs.batches import batch_column, window_parameters
from benchlab.store.runs.read import load_head, resolve

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["percentile_intervals"]

_MEASURED = """
FROM samples
WHERE run_id = {run_id:String} AND measured AND has({endpoints:Array(UInt16)}, endpoint)
"""

_BATCH = batch_column(BATCHES)


def percentile_intervals(
    client: Client,
    run_id: str,
    ratios: Sequence[float],
    level: float,
    duration: str,
    endpoint: str | None,
) -> list[PercentileInterval]:
    """The percentiles of a stored run, as `Run.percentile_interval` has them.

    Raises:
        RunNotFoundError: no run, or more than one, fits.
        InputError: a ratio or the level is not between 0 and 1, or a name is unknown.
    """
    check_duration(duration)
    return intervals_of(_Stored(client, resolve(client, run_id), duration, endpoint), ratios, level)


class _Stored:
    """A duration of the measured samples of a stored run."""

    def __init__(self, client: Client, run_id: str, duration: str, endpoint: str | None) -> None:
        self._client = client
        self._column = f"{duration}_ns"
        head = load_head(client, run_id)
        names = head.plan.endpoint_names
        chosen = [
            number for number, name in enumerate(names) if endpoint is None or name == endpoint
        ]
        if not chosen:
            raise InputError(f"endpoint {endpoint!r} is unknown: there are {list(names)}")
        # The length of the window is that of the summary, which was stored with the run.
        ((length_s,),) = client.query(
            "SELECT duration_s FROM runs WHERE id = {run_id:String}", parameters={"run_id": run_id}
        ).result_rows
        self._parameters = {
            "run_id": run_id,
            "endpoints": chosen,
            **window_parameters(head.plan.warmup_ns, length_s),
        }
        ((self._count,),) = self._rows("count()")

    @property
    def count(self) -> int:
        return int(self._count)

    def at(self, ranks: Iterable[int]) -> Mapping[int, int]:
        wanted = list(ranks)
        if not wanted:
            return {}
        # quantilesExact takes the value at the index ⌊level × count⌋.
        levels = ", ".join(repr((rank + 0.5) / self._count) for rank in wanted)
        ((values,),) = self._rows(f"quantilesExact({levels})({self._column})")
        return {rank: int(value) for rank, value in zip(wanted, values, strict=True)}

    def by_batch(self, limits: Sequence[int]) -> ByBatch:
        sides = [
            f"countIf({self._column} {sign} {limit})" for sign in ("<", ">") for limit in limits
        ]
        table = np.zeros((1 + len(sides), BATCHES), dtype=np.int64)
        for batch, *numbers in self._rows(f"{_BATCH}, count(), {', '.join(sides)}", "batch"):
            table[:, batch] = numbers
        return ByBatch(table[0], table[1 : 1 + len(limits)], table[1 + len(limits) :])

    def _rows(self, columns: str, group: str = "") -> Sequence[Sequence[Any]]:
        sql = f"SELECT {columns} {_MEASURED}{f'GROUP BY {group}' if group else ''}"
        return self._client.query(sql, parameters=self._parameters).result_rows
