"""Experiments and baselines in the store."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchlab.errors import RunNotFoundError
from benchlab.runs.experiment import Experiment
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


def test_experiments_are_listed_newest_first(store: Store) -> None:
    first, second = store.experiment_rows()
    assert [first["id"], second["id"]] == [LATER.id, EXPERIMENT.id]
    assert second["run_count"] == 2
    assert second["result"] == EXPERIMENT.result
    assert store.experiment_rows(1) == [first]


@pytest.mark.parametrize("wanted", ["ffff", "", "01a209c5db41"])
def test_an_id_that_fits_none_or_several_is_an_error(store: Store, wanted: str) -> None:
    with pytest.raises(RunNotFoundError):
        store.load_experiment(wanted)


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
