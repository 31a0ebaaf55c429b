"""Export and import as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchlab import Plan, exchange, scenario
from benchlab.cli.exchange import FORMATS, SOURCES, UNITS
from benchlab.exchange import export_run, formats
from benchlab.exchange.tools import hgrm
from benchlab.store import Store
from tests.cli.in_process import Benchlab
from tests.cli.test_cli import benchlab
from tests.exchange.test_refused import steal, with_head
from tests.store.stored_runs import make_run
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]

DATA = Path(__file__).parents[1] / "exchange" / "data"


def test_the_options_offer_what_the_library_has() -> None:
    assert list(FORMATS) == list(exchange.FORMATS)
    assert list(SOURCES) == list(formats.SOURCES)
    assert list(UNITS) == list(hgrm.UNITS_NS)


def test_export_and_import_again(
    closed_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [make_run(500, seed=seed) for seed in (1, 2)]
    for run in runs:
        closed_store.save(run)
    done = benchlab("export", *(run.id for run in runs), "--format", "csv", "-o", "out")
    assert done.returncode == 0, done.stderr
    files = [f"out/{run.id}.csv" for run in runs]
    assert done.stderr.splitlines() == [
        f"{run.id}: 500 requests in {file}" for run, file in zip(runs, files, strict=True)
    ]
    assert benchlab("export", runs[0].id, "-o", "one.arrow").returncode == 0

    piped = benchlab("export", runs[0].id, "-o", "-")
    assert (piped.returncode, piped.stderr) == (0, "")
    assert piped.stdout == Path(files[0]).read_text()
    both = benchlab("export", *(run.id for run in runs), "-o", "-")
    assert (both.returncode, both.stdout) == (2, "")

    again = benchlab("export", runs[0].id, "-o", "one.arrow")
    assert (again.returncode, len(again.stderr.splitlines())) == (2, 1)
    assert "one.arrow exists already" in again.stderr
    assert benchlab("export", runs[0].id, "-o", "one.arrow", "--force").returncode == 0
    unknown = benchlab("export", "ffff", "-o", "two.arrow")
    assert unknown.returncode == 2
    assert "no stored run has the id 'ffff'" in unknown.stderr

    monkeypatch.setenv("BENCHLAB_DSN", f"chdb://{tmp_path}/other")
    done = benchlab("import", *files, "one.arrow")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == f"{runs[0].id}: drawn, 500 requests, valid"
    assert lines[2] == f"{runs[0].id}: drawn, 500 requests, already stored"
    assert len(Store().runs()) == 2


def test_a_name_from_a_file_cannot_control_the_terminal(
    closed_store: Store, tmp_path: Path
) -> None:
    run = make_run(10, name="\x1b]0;evil\x07\x1b[31mred")
    export_run(run, tmp_path / "run.parquet")
    outputs = [
        benchlab("import", str(tmp_path / "run.parquet")),
        benchlab("history"),
        benchlab("show", "latest"),
        benchlab("query", "SELECT name FROM runs"),
        benchlab("import", "\x1b[31mgone"),
    ]
    for done in outputs:
        assert "\ufffd[31m" in done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b[31mred" in benchlab("query", "SELECT name FROM runs", "--format", "csv").stdout


def test_what_a_damaged_file_lacks_is_said(closed_store: Store, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jtl"
    cut.write_bytes((DATA / "jmeter.csv.jtl").read_bytes()[:-30])
    done = benchlab("import", str(cut))
    assert done.returncode == 0
    assert "cut, 59 requests, imported" in done.stderr
    assert "  the file is cut off in line 61: what is before it was read" in done.stderr


def test_a_run_is_not_exported_to_a_terminal(closed_store: Store) -> None:
    closed_store.save(make_run(10))
    ours, terminal = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchlab", "export", "latest", "-o", "-"],
            stdout=terminal, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(terminal)
        os.close(ours)
    assert done.returncode == 2
    assert "standard output is a terminal: name a file, or pipe it" in done.stderr


def test_results_of_other_tools_are_listed_and_shown_beside_runs(closed_store: Store) -> None:
    files = [DATA / "k6.json.gz", DATA / "wrk2.hgrm", DATA / "k6.js"]
    done = benchlab("import", *map(str, files))
    assert done.returncode == 2, "one of them is not a result file"
    first, second, *notes, third = done.stderr.splitlines()
    assert "  the unit of the table is taken to be ms" in notes
    assert first.endswith("k6, 63 requests, imported")
    assert "a summary by HdrHistogram without its requests" in second
    assert third.startswith(f"benchlab: {DATA}/k6.js is not a result file that benchlab knows")

    listed = benchlab("history").stdout
    assert "imported summaries, without requests:" in listed
    run_id, summary_id = first.split(":")[0], second.split(":")[0]
    assert run_id in listed
    assert summary_id in listed
    shown = benchlab("show", run_id).stdout
    assert "verdict imported · 4.76 % failed: imported from k6" in shown
    assert "not in the file: intended times, bytes received" in shown
    shown = benchlab("show", summary_id[:8]).stdout
    assert "benchlab computed and checked none" in shown
    assert "68.80" in shown
    summary = json.loads(benchlab("show", summary_id, "--json").stdout)
    assert (summary["kind"], summary["count"]) == ("imported summary", 160)
    nothing = benchlab("show", "zzz")
    assert nothing.returncode == 2
    assert "no stored run has the id 'zzz'" in nothing.stderr


def test_an_import_says_that_it_dropped_code(
    closed_store: Store, benchlab_here: Benchlab, tmp_path: Path
) -> None:
    path = export_run(make_run(0), tmp_path / "run.csv")
    plan = Plan(scenario=scenario(steal, "http://127.0.0.1:1/"), duration_s=1)
    done = benchlab_here("import", str(with_head(path, {"plan": plan.to_dict()})))
    assert done.returncode == 0
    said = " ".join((done.stdout + done.stderr).split())
    assert " the code of the scenario was in the file and has been dropped" in said
    (run_id,) = closed_store.runs()["run_id"]
    found = closed_store.load(run_id).plan.scenario
    assert found is not None
    assert found.code == b""
