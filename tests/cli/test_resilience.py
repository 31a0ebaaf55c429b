"""``benchlab resilience`` and `bl.resilience`, on stored runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import benchlab as bl
from benchlab.errors import InputError, InvalidRunError
from benchlab.store import Store
from tests.analysis.faulty import faulty_run
from tests.cli.in_process import Benchlab, benchlab_here
from tests.stores import closed_store, empty_store

__all__ = ["benchlab_here", "closed_store", "empty_store"]  # fixtures


def test_a_stored_run_is_printed_written_and_judged(
    closed_store: Store, benchlab_here: Benchlab, tmp_path: Path
) -> None:
    run = faulty_run(1, rate_rps=100, faults=[(10.0, 5.0), (25.0, 5.0)])
    interrupted = replace(run, id="0193f0a1b2c3d4e6", stopped_ns=29 * 10**9)
    with closed_store.connect():
        closed_store.save(run)
        closed_store.save(interrupted)
    file = tmp_path / "resilience.json"
    done = benchlab_here(
        *("resilience", run.id, "--objective", "p99<50ms", "--fail-on", "metastable"),
        *("--json", str(file), "--report", str(tmp_path / "page")),
    )
    assert done.returncode == 0
    assert "lasted to the end" in done.stdout
    data = json.loads(file.read_text())
    assert [each["outcome"] for each in data["faults"]] == ["recovered", "lasted"]
    assert "Faults and recovery" in (tmp_path / "page" / "report.html").read_text()
    # A run that is stored says what the run says that was measured.
    assert bl.resilience(run, objective="p99<50ms").to_dict() == data
    assert bl.resilience(run.id, objective="p99<50ms", store=closed_store).to_dict() == data

    failed = benchlab_here(
        "resilience", run.id, "--objective", "p99<50ms", "--fail-on", "metastable, lasted"
    )
    assert failed.returncode == 3
    unknown = benchlab_here("resilience", run.id, "--fail-on", "broken")
    assert unknown.returncode == 2
    assert "'broken' is not an outcome" in unknown.stderr
    refused = benchlab_here("resilience", interrupted.id)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert benchlab_here("resilience", interrupted.id, "--force").returncode == 0


def test_what_is_no_run_or_not_valid_is_refused() -> None:
    run = faulty_run(1, rate_rps=100)
    with pytest.raises(InvalidRunError, match="force=True"):
        bl.resilience(replace(run, stopped_ns=20 * 10**9))
    with pytest.raises(InputError, match="is a plan"):
        bl.resilience(run.plan)  # type: ignore[arg-type]
