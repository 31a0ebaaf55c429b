"""Results in a store: an A/B, a search for a capacity and a trend, each with its runs.

The results are computed by the code that computes real ones, from runs made of drawn numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1

import numpy as np

from benchlab.analysis.capacity import Capacity, conclude
from benchlab.analysis.capacity_search import CapacitySearch
from benchlab.analysis.comparison import Comparison
from benchlab.analysis.paired_blocks import compare_pairs
from benchlab.analysis.probe import requirements_of
from benchlab.analysis.trend import Trend
from benchlab.experiments.ab import KIND as AB
from benchlab.experiments.capacity import KIND as CAPACITY
from benchlab.experiments.trend import KIND as TREND
from benchlab.experiments.trend import trend
from benchlab.runs.experiment import Experiment
from benchlab.store import Store
from benchlab.units import NS_PER_S
from tests.experiments.histories import drawn_ms
from tests.experiments.simulated import latencies_ns, order_of, pairs_of, run_of
from tests.simulated_service import SimulatedService

__all__ = ["StoredResults", "store_results"]

_COPY = """
INSERT INTO runs
SELECT * REPLACE (
    row.1 AS id, fromUnixTimestamp64Nano(row.2, 'UTC') AS started_at, row.3 AS name,
    CAST(map('arm', row.4), 'Map(LowCardinality(String), String)') AS tags,
    row.5 AS latency_p99_ns, row.6 AS environment
)
FROM (SELECT * FROM runs WHERE id = {like:String})
ARRAY JOIN {rows:Array(Tuple(String, Int64, String, String, Int64, String))} AS row
"""
_HOUR_NS = 3600 * NS_PER_S
_COUNT, _WORSE_AT, _MOVED_AT = 40, 20, 36


@dataclass(frozen=True)
class StoredResults:
    """What is in the store, the ids by which it is found, and when the last run started."""

    comparison: Comparison
    capacity: Capacity
    trend: Trend
    ids: dict[str, str]
    at_ns: int


def store_results(store: Store, at_ns: int) -> StoredResults:
    """Store three results whose last runs started at ``at_ns``."""
    like = replace(run_of(0), started_at_ns=at_ns - 100 * _HOUR_NS)
    store.save(like)
    comparison = _save_ab(store, like.id, at_ns)
    capacity = _save_capacity(store, like.id, at_ns)
    history = _save_trend(store, like.id, at_ns)
    ids = {row["kind"]: row["id"] for row in store.experiment_rows(10)}
    by_variable = {"comparison": ids[AB], "search": ids[CAPACITY], "trend": ids[TREND]}
    return StoredResults(comparison, capacity, history, by_variable, at_ns)


def _save_ab(store: Store, like: str, at_ns: int) -> Comparison:
    """New is slower by half."""
    order = order_of(12, seed=3)
    latency_ns = latencies_ns(np.random.default_rng(3), len(order))
    latency_ns[[arm == "b" for arm in order]] *= 3
    latency_ns //= 2
    pairs = [
        (replace(a, id=f"a{a.id[1:]}"), replace(b, id=f"a{b.id[1:]}"))
        for a, b in pairs_of(latency_ns, order)
    ]
    found = compare_pairs(pairs)
    runs = sorted((run.id, arm) for pair in pairs for run, arm in zip(pair, "ab", strict=True))
    rows = [
        (run_id, at_ns + number * NS_PER_S, "a/b", arm, 5_000_000, "{}")
        for number, (run_id, arm) in enumerate(runs)
    ]
    _copy(store, like, rows)
    _save(store, AB, at_ns, [row[0] for row in rows], found)
    return found


def _save_capacity(store: Store, like: str, at_ns: int) -> Capacity:
    """A service of 100 requests/s; something disturbs some of the probes."""
    requirements = requirements_of("p99<50ms")
    service = SimulatedService(spoiled_ratio=0.2, seed=400)
    search = CapacitySearch(requirements, 120, None, None, random_arrivals=False, seed=400)
    service.search(search, requirements)
    found = conclude(search, took_s=service.clock_s, arrivals="constant (equal intervals)")
    probes = [replace(probe, run_id=f"c{number:015x}") for number, probe in enumerate(found.probes)]
    rows = [
        (probe.run_id, at_ns + number * NS_PER_S, "search", "", 20_000_000, "{}")
        for number, probe in enumerate(probes)
    ]
    _copy(store, like, rows)
    found = replace(found, probes=tuple(probes))
    _save(store, CAPACITY, at_ns, [probe.run_id for probe in probes], found)
    return found


def _save_trend(store: Store, like: str, at_ns: int) -> Trend:
    """A history that gets slower at `_WORSE_AT`, and moves to another machine at `_MOVED_AT`."""
    rows = [
        (
            f"d{number:015x}",
            at_ns - (_COUNT - 1 - number) * _HOUR_NS,
            "nightly",
            "",
            round(value_ms * 1e6),
            json.dumps(
                {
                    "cpu_model": "one" if number < _MOVED_AT else "another",
                    "git_commit": sha1(f"{number}".encode()).hexdigest(),
                }
            ),
        )
        for number, value_ms in enumerate(drawn_ms(_COUNT, step=1.3, at=_WORSE_AT))
    ]
    _copy(store, like, rows)
    return trend("nightly", "p99", store=store, save=True)


def _copy(store: Store, like: str, rows: Sequence[tuple[str, int, str, str, int, str]]) -> None:
    """Rows of runs as that of the run ``like``, but for what ``rows`` say."""
    with store.connect() as client:
        client.command(_COPY, parameters={"rows": list(rows), "like": like})


def _save(
    store: Store, kind: str, at_ns: int, run_ids: Iterable[str], found: Comparison | Capacity
) -> None:
    store.save_experiment(
        Experiment(
            id=sha1(kind.encode()).hexdigest()[:16],
            kind=kind,
            name=f"it's {kind}",
            started_at_ns=at_ns,
            run_ids=tuple(run_ids),
            result=found.to_dict(),
        )
    )
