"""Experiments, and the baselines that later runs are compared with."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchlab.errors import RunNotFoundError, StoreError
from benchlab.runs.experiment import EXPERIMENT_TAG, SWEPT_TAG, Experiment
from benchlab.store.client.insert import insert_rows, moment
from benchlab.store.client.query import typed_frame
from benchlab.store.runs.percentile_intervals import percentile_intervals
from benchlab.text import plural
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["baseline", "baselines", "frame", "read", "rows", "save", "set_baseline"]

_COLUMNS = "id, kind, name, toUnixTimestamp64Nano(started_at), run_ids, design, result"
# An experiment that was not finished has runs only, whose tag is its id.
# One that was saved again, since it got more runs, is what was saved last.
_LAST = "(SELECT * FROM experiments ORDER BY saved_at DESC LIMIT 1 BY id)"
_LIST = f"""
SELECT id, kind, name, started_at, length(run_ids) AS run_count, result
FROM {_LAST}
UNION ALL
SELECT tags['{EXPERIMENT_TAG}'], '', any(name), min(started_at), count(), '{{}}'
FROM runs
WHERE mapContains(tags, '{EXPERIMENT_TAG}')
    AND tags['{EXPERIMENT_TAG}'] NOT IN (SELECT id FROM experiments)
GROUP BY tags['{EXPERIMENT_TAG}']
"""  # noqa: S608  # constant
_RUNS = """
SELECT
    id AS run_id,
    started_at,
    name,
    verdict,
    reason,
    request_count AS count,
    error_count,
    broken_objective_count,
    rate_rps,
    tags
FROM runs
WHERE %s
"""
_PERCENTILES = {"p50": 0.5, "p99": 0.99}
_LEVEL = 0.95
_BASELINES = """
SELECT id, run_ids, set_at
FROM (SELECT id, run_ids, set_at FROM baselines ORDER BY set_at DESC LIMIT 1 BY id)
WHERE notEmpty(run_ids)
ORDER BY id
"""


def save(client: Client, experiment: Experiment) -> None:
    """Store ``experiment`` unless it is stored already as it is.

    Raises:
        StoreError: the store does not hold it afterwards.
    """
    design, result = json.dumps(experiment.design), json.dumps(experiment.result)
    as_stored = replace(experiment, design=json.loads(design), result=json.loads(result))
    if _stored(client, experiment.id) != as_stored:
        row = {
            "id": experiment.id,
            "started_at": moment(experiment.started_at_ns),
            "kind": experiment.kind,
            "name": experiment.name,
            "run_ids": list(experiment.run_ids),
            "design": design,
            "result": result,
        }
        token = f"experiments:{experiment.id}:{time.time_ns()}"
        insert_rows(client, "experiments", [row], token)
    if _stored(client, experiment.id) is None:
        raise StoreError(f"the experiment {experiment.id} could not be stored")


def read(client: Client, experiment_id: str) -> Experiment:
    """The experiment with this id or an unambiguous prefix of one.

    Raises:
        RunNotFoundError: none, or more than one, fits.
    """
    found = client.query(
        f"SELECT {_COLUMNS} FROM {_LAST}"  # noqa: S608  # constant
        " WHERE startsWith(id, {id:String}) ORDER BY id LIMIT 2",
        parameters={"id": experiment_id},
    ).result_rows
    if len(found) != 1 or not experiment_id:
        count = "no" if not found else "more than one"
        raise RunNotFoundError(
            f"{count} stored experiment has the id {experiment_id!r}: benchlab history lists them"
        )
    identity, kind, name, started_ns, run_ids, design, result = found[0]
    return Experiment(
        id=identity,
        kind=kind,
        name=name,
        started_at_ns=started_ns,
        run_ids=tuple(run_ids),
        design=json.loads(design),
        result=json.loads(result),
    )


def frame(client: Client, experiment_id: str) -> pd.DataFrame:
    """A row per run of an experiment, in the order they were made; see `Store.experiment`.

    Raises:
        RunNotFoundError: there is no such experiment, and no run has its id for a tag.
    """
    import pandas as pd

    try:
        ids: Sequence[str] = read(client, experiment_id).run_ids
    except RunNotFoundError:
        condition = f"tags['{EXPERIMENT_TAG}'] = {{id:String}} ORDER BY started_at, id"
        found = typed_frame(client, _RUNS % condition, {"id": experiment_id})
        if found.empty or not experiment_id:
            raise
    else:
        condition = "id IN {ids:Array(String)} ORDER BY indexOf({ids:Array(String)}, id)"
        found = typed_frame(client, _RUNS % condition, {"ids": list(ids)})
    tags: list[Mapping[str, str]] = found.pop("tags").tolist()
    latencies = [_latencies(client, run_id) for run_id in found["run_id"]]
    for column in _latency_columns():
        found[column] = pd.Series([row[column] for row in latencies], dtype="float64")
    own = {name: _typed([each.get(name) for each in tags]) for name in _names_of(tags)}
    swept = {name.removeprefix(SWEPT_TAG) for name in own}
    found = found.rename(columns={name: f"measured_{name}" for name in swept & {*found.columns}})
    parts = pd.DataFrame({name.removeprefix(SWEPT_TAG): values for name, values in own.items()})
    return pd.concat([found.iloc[:, :1], parts, found.iloc[:, 1:]], axis=1)


def _latency_columns() -> Iterator[str]:
    for name in _PERCENTILES:
        yield from (f"latency_{name}{side}_ms" for side in ("", "_low", "_high"))


def _latencies(client: Client, run_id: str) -> dict[str, float | None]:
    """Percentiles of the latency in ms, and their limits."""
    found = percentile_intervals(client, run_id, [*_PERCENTILES.values()], _LEVEL, "latency", None)
    values_ns = [ns for item in found for ns in (item.value_ns, item.low_ns, item.high_ns)]
    values_ms = [None if ns is None else ns / NS_PER_MS for ns in values_ns]
    return dict(zip(_latency_columns(), values_ms, strict=True))


def _names_of(tags: Iterable[Mapping[str, str]]) -> list[str]:
    """The tags that any of the runs has, those of its plan among them."""
    names = dict.fromkeys(name for each in tags for name in each if name != EXPERIMENT_TAG)
    return sorted(names, key=lambda name: name.startswith(SWEPT_TAG))


def _typed(texts: Sequence[str | None]) -> Sequence[Any]:
    """The numbers that all the texts are, or else the texts."""
    try:
        numbers = [None if text is None else json.loads(text) for text in texts]
    except ValueError:
        return texts
    is_number = [number is None or type(number) in (int, float) for number in numbers]
    return numbers if all(is_number) else texts


def rows(client: Client, limit: int | None) -> list[dict[str, Any]]:
    """A row per experiment, newest first: id, kind, name, started_at, run_count, result.

    One that was not finished has no kind and no result.
    """
    sql, parameters = f"SELECT * FROM ({_LIST}) ORDER BY started_at DESC, id DESC", {}  # noqa: S608
    if limit is not None:
        sql, parameters = sql + " LIMIT {limit:UInt64}", {"limit": max(0, limit)}
    found = client.query(sql, parameters=parameters, tz_mode="aware").named_results()
    return [{**row, "result": json.loads(row["result"])} for row in found]


def set_baseline(client: Client, name: str, run_ids: Sequence[str]) -> None:
    """Make these runs the baseline ``name``; without runs, there is none of that name any more."""
    now_ns = time.time_ns()
    row = {"id": name, "run_ids": list(run_ids), "set_at": moment(now_ns)}
    insert_rows(client, "baselines", [row], f"baselines:{name}:{now_ns}")


def baselines(client: Client) -> list[dict[str, Any]]:
    """A row per baseline, by name: id (its name), run_ids, set_at."""
    return list(client.query(_BASELINES, tz_mode="aware").named_results())


def baseline(client: Client, name: str) -> tuple[str, ...]:
    """The ids of the runs of the baseline ``name``.

    Raises:
        RunNotFoundError: there is none of this name; the message lists those there are.
    """
    known = {row["id"]: tuple(row["run_ids"]) for row in baselines(client)}
    if name not in known:
        there_are = f"the store has {plural(len(known), 'baseline')}"
        names = f": {', '.join(sorted(known))}" if known else ""
        raise RunNotFoundError(
            f"there is no baseline {name!r}; {there_are}{names}",
            remedy=f"set it with benchlab baseline set {name} RUN",
        )
    return known[name]


def _stored(client: Client, experiment_id: str) -> Experiment | None:
    try:
        return read(client, experiment_id)
    except RunNotFoundError:
        return None
