"""Experiments, and the baselines that later runs are compared with."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchlab.errors import RunNotFoundError, StoreError
from benchlab.runs.experiment import EXPERIMENT_TAG, Experiment
from benchlab.store.client.insert import insert_rows, moment
from benchlab.text import plural

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["baseline", "baselines", "read", "rows", "save", "set_baseline"]

_COLUMNS = "id, kind, name, toUnixTimestamp64Nano(started_at), run_ids, design, result"
# An experiment that was not finished has runs only, whose tag is its id.
_LIST = f"""
SELECT id, kind, name, started_at, length(run_ids) AS run_count, result
FROM experiments
UNION ALL
SELECT tags['{EXPERIMENT_TAG}'], '', any(name), min(started_at), count(), '{{}}'
FROM runs
WHERE mapContains(tags, '{EXPERIMENT_TAG}')
    AND tags['{EXPERIMENT_TAG}'] NOT IN (SELECT id FROM experiments)
GROUP BY tags['{EXPERIMENT_TAG}']
"""  # noqa: S608  # constant
_BASELINES = """
SELECT id, run_ids, set_at
FROM (SELECT id, run_ids, set_at FROM baselines ORDER BY set_at DESC LIMIT 1 BY id)
WHERE notEmpty(run_ids)
ORDER BY id
"""


def save(client: Client, experiment: Experiment) -> None:
    """Store ``experiment`` unless it is stored already.

    Raises:
        StoreError: the store does not hold it afterwards.
    """
    if not _is_stored(client, experiment.id):
        row = {
            "id": experiment.id,
            "started_at": moment(experiment.started_at_ns),
            "kind": experiment.kind,
            "name": experiment.name,
            "run_ids": list(experiment.run_ids),
            "design": json.dumps(experiment.design),
            "result": json.dumps(experiment.result),
        }
        insert_rows(client, "experiments", [row], f"experiments:{experiment.id}")
    if not _is_stored(client, experiment.id):
        raise StoreError(f"the experiment {experiment.id} could not be stored")


def read(client: Client, experiment_id: str) -> Experiment:
    """The experiment with this id or an unambiguous prefix of one.

    Raises:
        RunNotFoundError: none, or more than one, fits.
    """
    found = client.query(
        f"SELECT {_COLUMNS} FROM experiments"  # noqa: S608  # constant
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


def _is_stored(client: Client, experiment_id: str) -> bool:
    found = client.query(
        "SELECT count() FROM experiments WHERE id = {id:String}", parameters={"id": experiment_id}
    )
    return bool(found.result_rows[0][0])
