"""The formats of a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchlab.cli.options import output
from benchlab.errors import InputError, OutputError
from benchlab.report import pdf, write_report
from benchlab.report.formats import DEFAULT_FORMATS, FORMATS
from tests.display.results.test_capacity import make_capacity
from tests.report.blank_figures import blank_figures
from tests.runs.synthetic import make_run

FILES = {"html": "report.html", "md": "report.md", "csv": "summary.csv", "json": "result.json"}


@pytest.fixture(autouse=True)
def _blank() -> Iterator[None]:
    with blank_figures():
        yield


def test_the_options_have_the_formats_of_reports() -> None:
    assert (output.FORMAT_NAMES, output.DEFAULT_FORMAT_NAMES) == (FORMATS, DEFAULT_FORMATS)


@pytest.mark.parametrize("name", FILES)
def test_a_format_is_written_alone_and_its_file_returned(name: Any, tmp_path: Path) -> None:
    run = make_run(slo=["p99<1ms"])
    written = write_report(run, tmp_path, formats=[name])
    assert written == tmp_path / FILES[name]
    assert {path.suffix for path in tmp_path.iterdir()} == {written.suffix}
    if name == "json":
        assert json.loads(written.read_text()) == json.loads(json.dumps(run.to_dict()))


def test_the_page_is_named_by_what_is_beside_it(tmp_path: Path) -> None:
    assert write_report(make_capacity(), tmp_path, formats=["json", "md", "html"]).exists()
    assert "[Report](report.html)" in (tmp_path / "report.md").read_text()
    page = (tmp_path / "report.html").read_text()
    assert 'href="report.md"' in page
    assert 'href="result.json"' in page
    assert "result.csv" not in page


@pytest.mark.parametrize("names", [["html", "docx"], [], "xml"])
def test_an_unknown_format_is_refused(names: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="html, md, csv, json, pdf") as caught:
        write_report(make_run(), tmp_path / "none", formats=names)
    assert caught.value.field == "formats"
    assert not (tmp_path / "none").exists()


def test_without_a_chromium_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "_PROGRAMS", ("no-such-chromium",))
    monkeypatch.setattr(pdf.find_chromium, "__defaults__", (("no-such-chromium",),))
    with pytest.raises(OutputError, match="install chromium"):
        write_report(make_run(), tmp_path / "none", formats=["html", "pdf"])
    assert not (tmp_path / "none").exists()
