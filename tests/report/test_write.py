from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchlab.errors import OutputError
from benchlab.report import write_report, write_tables
from tests.report.blank_figures import blank_figures
from tests.runs.synthetic import make_run


@pytest.fixture(autouse=True)
def _blank() -> Iterator[None]:
    with blank_figures():
        yield


def test_the_directory_is_made_and_the_page_returned(tmp_path: Path) -> None:
    page = write_report(make_run(), tmp_path / "a" / "b")
    assert page == tmp_path / "a" / "b" / "report.html"
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_directory_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"cannot write to .*file.*choose") as caught:
        write_report(make_run(), tmp_path / "file" / "reports")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_failed_write_leaves_the_old_files_and_no_others(tmp_path: Path) -> None:
    write_report(make_run(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OutputError, match="File too large"):
            write_report(make_run(errors=True), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_tables_are_written_alone(tmp_path: Path) -> None:
    written = write_tables(make_run(), tmp_path)
    assert [path.name for path in written] == ["summary.csv", "histogram.csv", "timeseries.csv"]
    assert sorted(tmp_path.iterdir()) == sorted(written)
