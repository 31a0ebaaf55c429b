"""``benchlab ab``: from two plans to an exit code, and the experiment in the store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchlab import Store
from benchlab.cli.ab import save
from benchlab.errors import StoreError
from benchlab.experiments.ab import ABRun
from benchlab.experiments.ab_blocks import Measured
from benchlab.experiments.ab_design import ABDesign
from benchlab.units import NS_PER_S
from tests.cli.in_process import Benchlab
from tests.experiments.simulated import PLAN, run_of
from tests.load.servers import always, ok, serving

SHORT = ("--block", "150ms", "--washout", "50ms", "--rate", "200")

KEYS = ["base", "new", "design", "primary", "verdict", "metrics", "reason", "warnings"]


def test_an_experiment_is_compared_stored_listed_and_reported(
    benchlab_here: Benchlab, closed_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests run beside this one: what they do to the schedule makes no block invalid.
    monkeypatch.setattr("benchlab.runs.verdict.LAG_P99_LIMIT_NS", 60 * NS_PER_S)
    files = {name: str(tmp_path / name) for name in ("ab.json", "ab.md", "ab.xml")}
    with serving(always(ok())) as a, serving(always(ok())) as b:
        done = benchlab_here(
            *("ab", f"{a}items", "--against", b.rstrip("/"), "--blocks", "2", *SHORT),
            *("--json", files["ab.json"], "--markdown", files["ab.md"], "--junit", files["ab.xml"]),
            *("--seed", "3", "--name", "mine", "--tag", "ci=1", "--fail-on", "inconclusive"),
        )
    assert done.returncode == 3, done.stderr
    assert "2 blocks of A and B, 0.15 s each after 0.05 s of wash-out" in done.stderr
    assert "seed 3" in done.stderr
    assert "with 2 blocks the smallest possible p-value is 0.5" in done.stdout
    found = json.loads(Path(files["ab.json"]).read_text())
    assert list(found) == KEYS
    assert (found["design"], found["verdict"]) == ("paired_blocks", "inconclusive")
    assert "inconclusive" in Path(files["ab.md"]).read_text()
    assert "<testsuite" in Path(files["ab.xml"]).read_text()

    (row,) = closed_store.experiment_rows()
    listed = benchlab_here("history")
    assert row["id"] in listed.stdout
    assert "inconclusive: p50" in listed.stdout
    assert not [run_id for run_id in found["base"] if run_id in listed.stdout]
    of_it = json.loads(benchlab_here("history", "--experiment", row["id"], "--json").stdout)
    assert {run["run_id"] for run in of_it["runs"]} == {*found["base"], *found["new"]}
    assert of_it["runs"][0]["tags"]["ci"] == "1"
    everything = json.loads(benchlab_here("history", "--json").stdout)
    assert (everything["runs"], everything["experiments"][0]["id"]) == ([], row["id"])

    shown = benchlab_here("show", row["id"])
    assert f"history --experiment {row['id']}" in shown.stdout
    assert "2 pairs" in shown.stdout
    assert json.loads(benchlab_here("show", row["id"], "--json").stdout) == found
    page = tmp_path / "report"
    assert benchlab_here("report", row["id"], "-o", str(page)).returncode == 0
    assert json.loads((page / "result.json").read_text()) == found


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["http://127.0.0.1:9/"], "give two plans, or one and the service"),
        (["http://127.0.0.1:9/", "http://127.0.0.1:9/x", "--against", "http://h"], "give two"),
        (["http://127.0.0.1:9/", "--against", "http://127.0.0.1:9/v2"], "--against="),
        (["http://127.0.0.1:9/", "http://127.0.0.1:9/x", "--blocks", "1"], "--blocks=1"),
        (["http://127.0.0.1:9/", "http://127.0.0.1:9/x", "--block", "0s"], "--block=0"),
    ],
)
def test_unusable_input_names_the_option(
    benchlab_here: Benchlab, arguments: list[str], text: str
) -> None:
    done = benchlab_here("ab", *arguments)
    assert done.returncode == 2
    assert text in done.stderr


def test_a_service_that_cannot_be_reached_ends_it_before_any_load(
    benchlab_here: Benchlab, closed_store: Store
) -> None:
    done = benchlab_here("ab", "http://127.0.0.1:9/", "http://127.0.0.1:9/x")
    assert done.returncode == 1
    assert "cannot connect to 127.0.0.1:9" in done.stderr
    assert closed_store.experiment_rows() == []


def test_an_experiment_that_cannot_be_saved_says_how_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = ABRun(
        id="01a209c5db41b16d",
        design=ABDesign(plan_a=PLAN, plan_b=PLAN, blocks=2),
        started_at_ns=0,
        measured=Measured(runs=[run_of(1)]),
        metric="p50",
        threshold=0.02,
        comparison=None,
        problem="no block is complete",
    )
    with pytest.raises(StoreError):
        save(made, Store("http://127.0.0.1:1/lab", wait_s=0))
    assert "benchlab show 01a209c5db41b16d compares them" in capsys.readouterr().err


def test_ctrl_c_stores_what_was_measured_and_compares_the_complete_blocks(
    closed_store: Store, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    with serving(always(ok())) as url:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchlab", "ab", url, f"{url}x", *SHORT),
                *("--before-block", f"echo $BENCHLAB_ARM$BENCHLAB_BLOCK >> {begun}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not begun.exists() or len(begun.read_text().split()) < 3:  # the second block
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    (row,) = closed_store.experiment_rows()
    experiment = closed_store.load_experiment(row["id"])
    assert experiment.design["ended_early"] == "Ctrl-C"
    complete = len(experiment.design["pairs"])  # one, unless the machine was too busy
    assert ("ended early, by Ctrl-C, after 1 of 20 blocks" in output) == (complete == 1)
    assert len(closed_store.load_all(experiment.run_ids)) >= 2 * complete
