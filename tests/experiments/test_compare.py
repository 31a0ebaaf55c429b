"""Comparisons of stored runs, by id, name, tag and history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchlab as bl
from benchlab.analysis.run_statistics import RunStatistics
from benchlab.errors import DamagedError, InputError, InvalidRunError, RunNotFoundError
from benchlab.experiments.baseline_file import read_baseline, write_baseline
from benchlab.experiments.compare import compare
from benchlab.experiments.selection import select_ids
from benchlab.experiments.stored_statistics import stored_statistics
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.store import Store
from tests.analysis.compared import latencies_ms, timed_run

NIGHTLY = 11


def level(number: int, median: float = 10.0, **changes: Any) -> Run:
    """A run whose level differs by some percent from that of others."""
    rng = np.random.default_rng(number)
    median *= float(np.exp(0.02 * rng.standard_normal()))
    return timed_run(number, latencies_ms(rng, 200, median, 0.05), **changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of nightly runs, of slower ones, of others; open, for all tests here."""
    found = Store(f"chdb://{tmp_path_factory.mktemp('compared') / 'store'}")
    with found.connect():
        for number in range(1, NIGHTLY + 1):
            found.save(level(number, name="nightly", tags={"branch": "main"}))
        for number in (21, 22):
            found.save(level(number, 13.0, name="slow", tags={"branch": "fix"}))
        found.save(level(31, name="nightly", lag_ns=15_000_000))
        found.save(level(32, name="nightly", tags={EXPERIMENT_TAG: "x"}))
        found.save(level(33, name="other", timeout_s=3.0))
        yield found


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:016x}" for number in numbers)


def test_a_name_selects_its_valid_runs_oldest_first(store: Store) -> None:
    found = select_ids(store, "name=nightly")
    assert found.run_ids == ids(*range(1, NIGHTLY + 1))
    (note,) = found.notes
    assert note.startswith("left out: run 000000000000001f is invalid: the generator fell behind")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tag:branch=fix", ids(21, 22)),
        ("name=slow,tag:branch=fix", ids(21, 22)),
        (f"tag:{EXPERIMENT_TAG}=x", ids(32)),
        ("0a, latest", ("0a", "latest")),
    ],
)
def test_selections(store: Store, text: str, expected: tuple[str, ...]) -> None:
    assert select_ids(store, text).run_ids == expected


@pytest.mark.parametrize("text", ["name=unknown", "name=slow,tag:branch=main", "a,,b", ""])
def test_a_selection_of_nothing_is_refused(store: Store, text: str) -> None:
    with pytest.raises(InputError):
        select_ids(store, text)


def test_lists_of_stored_runs_are_independent(store: Store) -> None:
    found = compare("tag:branch=main", "tag:branch=fix", store=store)
    assert (found.design, found.verdict) == ("independent_runs", "slower")
    assert found.new == ids(21, 22)


def test_two_single_runs_use_the_history_of_their_plan(store: Store) -> None:
    found = compare(ids(1)[0], ids(21)[0], store=store)
    assert (found.design, found.verdict) == ("single_runs_with_history", "slower")
    assert found.history == ids(*range(2, NIGHTLY + 1))
    assert any("10 earlier runs" in warning for warning in found.warnings)


def test_runs_at_hand_are_compared_with_stored_ones(store: Store) -> None:
    new = level(90, 13.0)
    assert compare(new, "name=slow", store=store).design == "independent_runs"
    found = compare(level(89), new, store=store, metric="mean", threshold=0.05)
    assert (found.design, found.primary, found.threshold) == (
        "single_runs_with_history",
        "mean",
        0.05,
    )


def test_without_history_single_runs_are_inconclusive(store: Store) -> None:
    found = bl.compare(level(90, timeout_s=9.0), level(91, timeout_s=9.0), store=store)
    assert (found.design, found.verdict) == ("single_runs", "inconclusive")


def test_a_run_is_left_out_of_the_selection_that_it_is_compared_with(store: Store) -> None:
    found = compare("name=nightly", ids(NIGHTLY)[0], store=store)
    assert found.base == ids(*range(1, NIGHTLY))
    with pytest.raises(InputError, match="no other runs"):
        compare("name=other", ids(33)[0], store=store)
    with pytest.raises(InputError, match="both select the run"):
        compare("name=nightly", "tag:branch=main", store=store)


def test_runs_that_cannot_be_compared_are_refused(store: Store) -> None:
    with pytest.raises(InputError, match=r"timeout_s: 10\.0 and 3\.0"):
        compare(ids(1)[0], ids(33)[0], store=store)
    with pytest.raises(InvalidRunError, match="fell behind its schedule"):
        compare(ids(1)[0], ids(31)[0], store=store)
    found = compare(ids(1)[0], ids(33)[0], store=store, force=True)
    assert any("timeout_s" in warning for warning in found.warnings)
    with pytest.raises(RunNotFoundError):
        compare("ffff", "latest", store=store)
    with pytest.raises(InputError, match="int"):
        compare(3, "latest", store=store)  # type: ignore[arg-type]


def test_the_statistics_of_one_stored_run_are_those_of_its_samples(
    store: Store,
) -> None:
    rng = np.random.default_rng(1)
    run = level(91, name="failing")
    records = run.samples.records.copy()
    records["error"][rng.random(len(records)) < np.linspace(0, 0.5, len(records))] = 2
    run = replace(run, samples=Samples(records, run.samples.endpoints))
    store.save(run)
    (found,) = stored_statistics(store, [run.id])
    assert found.error_variance > 0
    assert found == RunStatistics.of(store.load(run.id))


def test_a_baseline_file_holds_what_a_comparison_needs(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    runs = stored_statistics(store, ids(1, 2, 3))
    write_baseline(path, runs)
    assert read_baseline(path) == runs
    assert compare(path, "name=slow", store=store) == compare(
        list(ids(1, 2, 3)), "name=slow", store=store
    )


def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(InputError, match="cannot read"):
        read_baseline(path)
    for text, error in (
        ("{}", DamagedError),
        ('{"kind": "x", "version": 1, "runs": []}', DamagedError),
        ('{"kind": "benchlab baseline", "version": 9, "runs": []}', InputError),
        ('{"kind": "benchlab baseline", "version": 1, "runs": []}', InputError),
        ('{"kind": "benchlab baseline", "version": 1, "runs": [{}]}', DamagedError),
    ):
        path.write_text(text)
        with pytest.raises(error):
            read_baseline(path)
