"""``benchlab trend`` and ``benchlab scalability``, on stored runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.store import Store
from tests.cli.in_process import Benchlab, benchlab_here
from tests.runs.synthetic import make_run as make_small
from tests.store.stored_runs import make_run
from tests.stores import closed_store, empty_store

__all__ = ["benchlab_here", "closed_store", "empty_store"]  # fixtures


def test_a_history_is_printed_and_written(
    closed_store: Store, benchlab_here: Benchlab, tmp_path: Path
) -> None:
    with closed_store.connect():
        for seed in (1, 2):
            closed_store.save(make_run(100, seed=seed, started_at_ns=seed * 10**15))
    file = tmp_path / "trend.json"
    done = benchlab_here(
        *("trend", "drawn", "--metric", "p50", "--fail-on", "regression"),
        *("--json", str(file), "--report", str(tmp_path / "page")),
    )
    assert done.returncode == 0
    assert "no change" in done.stdout
    assert len(json.loads(file.read_text())["runs"]) == 2
    assert "latency p50" in (tmp_path / "page" / "report.html").read_text()
    done = benchlab_here("trend", "drwan", "--json", "-")
    assert done.returncode == 2
    assert "there is 'drawn'" in done.stderr
    assert benchlab_here("trend", "drawn", "--since", "yesterday").returncode == 2


def slowed(run: Run, factor: int) -> Run:
    """``run`` as if each request had taken ``factor`` times as long."""
    records = run.samples.records.copy()
    records["done_ns"] = records["sent_ns"] + factor * (records["done_ns"] - records["sent_ns"])
    return replace(run, samples=Samples(records, run.samples.endpoints))


def test_a_regression_has_its_exit_code(closed_store: Store, benchlab_here: Benchlab) -> None:
    runs = [make_run(100, seed=seed, started_at_ns=seed * 10**15) for seed in range(1, 29)]
    with closed_store.connect():
        for number, run in enumerate(runs):
            closed_store.save(slowed(run, 1 if number < 20 else 4))
    done = benchlab_here("trend", "drawn", "--metric", "mean", "--fail-on", "regression")
    assert done.returncode == 3
    assert "regression" in done.stdout
    assert runs[20].id in done.stdout
    assert benchlab_here("trend", "drawn", "--metric", "mean").returncode == 0
    # Kept, twice: one experiment, whose runs are still runs of their own.
    for _ in range(2):
        assert benchlab_here("trend", "drawn", "--metric", "mean", "--save").returncode == 0
    listed = json.loads(benchlab_here("history", "--json", "-", "-n", "40").stdout)
    (kept,) = listed["experiments"]
    assert (kept["kind"], kept["run_count"], len(listed["runs"])) == ("trend", 28, 28)
    assert "worse: mean +" in benchlab_here("history").stdout
    shown = benchlab_here("show", kept["id"])
    assert runs[20].id in shown.stdout
    assert "benchlab history --name drawn" in shown.stdout
    refused = benchlab_here("history", "--experiment", kept["id"])
    assert (refused.returncode, "--name drawn" in refused.stderr) == (2, True)


def test_scalability_of_stored_runs(closed_store: Store, benchlab_here: Benchlab) -> None:
    ids = []
    with closed_store.connect():
        for connections in (1, 2, 4):
            run = make_small(load=ClosedLoop(connections), duration_s=1.0, warmup_s=0.0)
            run = replace(run, id=f"ab{connections:014x}")
            closed_store.save(run)
            ids.append(run.id)
    done = benchlab_here("scalability", *ids, "--json", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["load"] == [1, 2, 4]
    assert "peak" in benchlab_here("scalability", *ids).stdout
    assert benchlab_here("scalability", ids[0]).returncode == 2
    by_name = benchlab_here("scalability", f"name={run.plan.name}", ids[0], "--json", "-")
    assert sorted(json.loads(by_name.stdout)["runs"]) == sorted(ids)
    assert benchlab_here("scalability", "name=nobody's").returncode == 2
