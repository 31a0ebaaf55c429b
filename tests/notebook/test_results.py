"""Results that are stored, and the directories of reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.analysis.scalability import scalability
from benchlab.errors import InputError, RunNotFoundError
from benchlab.notebook import finish, stored_result
from benchlab.notebook.service import Service
from benchlab.store import Store
from tests.runs.synthetic import make_run
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]


def test_only_experiments_have_a_stored_result(closed_store: Store) -> None:
    run = make_run()
    closed_store.save(run)
    with pytest.raises(InputError, match="is not a run of an experiment"):
        stored_result(closed_store, [run.id])
    with pytest.raises(RunNotFoundError):
        stored_result(closed_store, ["abcdef012345"])
    with pytest.raises(InputError, match="names no run"):
        stored_result(closed_store, [])


def test_a_report_has_a_directory_by_its_result(
    closed_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    law = scalability([1, 2, 4, 8], [100, 190, 350, 500])
    assert finish(closed_store, law) == Path("reports/scalability/report.html")
    assert finish(closed_store, law, "mine") == Path("mine/report.html")
    assert Path("mine/report.html").is_file()


def test_a_service_of_someone_else_is_not_restarted() -> None:
    with pytest.raises(InputError, match="not the bundled target"):
        Service("http://127.0.0.1:1/", None, None).restart(lookup_ms=1.0)
