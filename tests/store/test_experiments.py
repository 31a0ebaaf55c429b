"""Experiments and baselines in the store."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchlab.errors import RunNotFoundError
from benchlab.runs.experiment import EXPERIMENT_TAG, Experiment
from benchlab.store import Store
from tests.runs.synthetic import make_run

EXPERIMENT = Experiment(
    id="01a209c5db41b16d",
    kind="ab",
    name="it's {a} \\ test",
    started_at_ns=time.time_ns(),
    run_ids=("01a209c5db41b16e", "01a209c5db41b16f"),
    design={"blocks": 20, "note": "a 'quote', {x:String} and ü"},
    result={"metrics": {"p50": {"ratio": 1.0000000000000002, "needed": None}}},
)
LATER = replace(EXPERIMENT, id="01a209c5db41c000", started_at_ns=EXPERIMENT.started_at_ns + 10**9)


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with two experiments, open for all tests here."""
    directory = tmp_path_factory.mktemp("experiments") / "store"
    shutil.copytree(empty_store, directory, symlinks=True)
    made = Store(f"chdb://{directory}")
    with made.connect():
        for experiment in (EXPERIMENT, LATER, EXPERIMENT):
            made.save_experiment(experiment)
        yield made


def test_an_experiment_comes_back_as_it_was(store: Store) -> None:
    assert store.load_experiment(EXPERIMENT.id) == EXPERIMENT
    assert store.load_experiment(EXPERIMENT.id[:13]) == EXPERIMENT


def test_one_that_got_more_runs_is_replaced(store: Store) -> None:
    first = replace(EXPERIMENT, id="0193f0a1b2c3c000", kind="sweep", started_at_ns=1)
    more = replace(first, run_ids=("01a209c5db41b170",), result={"points": [1, 2]})
    for experiment in (first, more, more):
        store.save_experiment(experiment)
    assert store.load_experiment(first.id) == more
    rows = [row for row in store.experiment_rows() if row["id"] == first.id]
    assert [(row["run_count"], row["result"]) for row in rows] == [(1, more.result)]


def test_the_runs_of_an_experiment_are_a_frame_with_what_tells_them_apart(store: Store) -> None:
    unfinished = "0193f0a1b2c3d000"
    runs = [
        replace(
            make_run(count=count),
            id=f"0193f0a1b2c3d{number:03x}",
            plan=make_run().plan.replace(
                tags={
                    EXPERIMENT_TAG: unfinished,
                    "branch": "main",
                    "point": f"{number}",
                    "swept.connections": f"{2 * number}",
                    "swept.name": f"n{number}",
                }
            ),
        )
        for number, count in ((2, 1000), (1, 30))
    ]
    for run in runs:
        store.save(run)
    frame = store.experiment(unfinished)  # by the tags of its runs
    assert list(frame.columns[:5]) == ["run_id", "branch", "point", "connections", "name"]
    assert "measured_name" in frame.columns
    by_id = frame.set_index("run_id")
    assert by_id.loc[runs[0].id, "connections"] == 4
    found = runs[0].percentile_interval(0.99)
    row = by_id.loc[runs[0].id]
    assert found.low_ns is not None
    assert row["latency_p99_ms"] == (found.value_ns or 0) / 1e6
    assert row["latency_p99_low_ms"] == found.low_ns / 1e6
    assert by_id["latency_p99_low_ms"].isna()[runs[1].id]
    ids = (runs[0].id, runs[1].id)
    store.save_experiment(replace(EXPERIMENT, id=unfinished, run_ids=ids, started_at_ns=1))
    assert list(store.experiment(unfinished)["run_id"]) == list(ids)  # in the order they were made


def test_experiments_are_listed_newest_first(store: Store) -> None:
    first, second = store.experiment_rows(2)
    assert [first["id"], second["id"]] == [LATER.id, EXPERIMENT.id]
    assert second["run_count"] == 2
    assert second["result"] == EXPERIMENT.result
    assert store.experiment_rows(1) == [first]


@pytest.mark.parametrize("wanted", ["ffff", "", "01a209c5db41"])
def test_an_id_that_fits_none_or_several_is_an_error(store: Store, wanted: str) -> None:
    with pytest.raises(RunNotFoundError):
        store.load_experiment(wanted)
    with pytest.raises(RunNotFoundError):
        store.experiment(wanted)


def test_a_baseline_is_set_replaced_and_removed(store: Store) -> None:
    runs = [make_run(), replace(make_run(), id="1193f0a1b2c3d4e5")]
    for run in runs:
        store.save(run)
    assert store.set_baseline("main", [runs[0].id]) == (runs[0].id,)
    assert store.set_baseline("main", [runs[0].id[:15], "latest"]) == tuple(run.id for run in runs)
    store.set_baseline("a 'name'", [runs[1].id])
    assert store.baseline("a 'name'") == (runs[1].id,)
    assert [row["id"] for row in store.baselines()] == ["a 'name'", "main"]
    store.set_baseline("main", [])
    with pytest.raises(RunNotFoundError, match="a 'name'"):
        store.baseline("main")
    with pytest.raises(RunNotFoundError):
        store.set_baseline("main", ["f" * 16])
