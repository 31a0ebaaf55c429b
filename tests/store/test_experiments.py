"""Experiments and baselines in the store."""

from __future__ import annotations

import time
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


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(f"chdb://{tmp_path_factory.mktemp('store')}")
    made.save_experiment(EXPERIMENT)
    made.save_experiment(EXPERIMENT)
    return made


def test_an_experiment_comes_back_as_it_was(store: Store) -> None:
    assert store.experiment(EXPERIMENT.id) == EXPERIMENT
    assert store.experiment(EXPERIMENT.id[:9]) == EXPERIMENT


def test_experiments_are_listed_newest_first(store: Store) -> None:
    later = replace(
        EXPERIMENT, id="01a209c5db41c000", started_at_ns=EXPERIMENT.started_at_ns + 10**9
    )
    store.save_experiment(later)
    first, second = store.experiment_rows()
    assert [first["id"], second["id"]] == [later.id, EXPERIMENT.id]
    assert second["run_count"] == 2
    assert second["result"] == EXPERIMENT.result
    assert store.experiment_rows(1) == [first]


@pytest.mark.parametrize("wanted", ["ffff", "", "01a209c5db41"])
def test_an_id_that_fits_none_or_several_is_an_error(store: Store, wanted: str) -> None:
    with pytest.raises(RunNotFoundError):
        store.experiment(wanted)


def test_a_baseline_is_set_replaced_and_removed(tmp_path: Path) -> None:
    store = Store(f"chdb://{tmp_path / 'store'}")
    with store.connect():
        runs = [make_run(), make_run()]
        for run in runs:
            store.save(run)
        assert store.set_baseline("main", [runs[0].id]) == (runs[0].id,)
        assert store.set_baseline("main", [runs[0].id[:15], "latest"])[0] == runs[0].id
        store.set_baseline("a 'name'", [runs[1].id])
        assert store.baseline("a 'name'") == (runs[1].id,)
        assert [row["id"] for row in store.baselines()] == ["a 'name'", "main"]
        store.set_baseline("main", [])
        with pytest.raises(RunNotFoundError, match="a 'name'"):
            store.baseline("main")
        with pytest.raises(RunNotFoundError):
            store.set_baseline("main", ["f" * 16])
