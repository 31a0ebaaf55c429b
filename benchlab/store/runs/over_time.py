"""The p99 of stored runs over their time, as short as a line of a list has room for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["p99_over_time"]

_SLICES = 16
_LONGEST_S = 2  # what takes longer is left out: this is for looking at a list

# Sketches of whole seconds, so that the samples are not read: a row per second and endpoint.
_P99 = f"""
SELECT
    toString(run_id) AS run,
    intDiv(second, transform(run, {{runs:Array(String)}}, {{widths:Array(Int64)}}, 1)) AS slice,
    quantilesDDMerge(0.005, 0.5, 0.9, 0.95, 0.99, 0.999)(latency)[4] AS p99_ns
FROM endpoint_seconds
WHERE run_id IN {{runs:Array(String)}} AND NOT warmup
GROUP BY run, slice
ORDER BY run, slice
SETTINGS max_execution_time = {_LONGEST_S}, timeout_overflow_mode = 'break'
"""  # noqa: S608  # constants


def p99_over_time(client: Client, lengths_s: Mapping[str, float]) -> dict[str, list[float]]:
    """The p99 of the latency in ms, in at most 17 slices of whole seconds, of runs by their id.

    ``lengths_s`` has the length of each. A slice without requests is NaN. Each value is within
    0.5 % of the exact one, as those of the view ``per_second`` are.
    """
    widths = {
        run_id: max(1, math.ceil(length_s / _SLICES)) for run_id, length_s in lengths_s.items()
    }
    slices: dict[str, dict[int, float]] = {}
    if widths:
        parameters = {"runs": list(widths), "widths": list(widths.values())}
        for run_id, number, p99_ns in client.query(_P99, parameters=parameters).result_rows:
            slices.setdefault(run_id, {})[number] = p99_ns / NS_PER_MS
    return {
        run_id: [found.get(number, math.nan) for number in range(min(found), max(found) + 1)]
        for run_id, found in slices.items()
    }
