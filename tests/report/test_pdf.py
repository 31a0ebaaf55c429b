"""The page as PDF."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import OutputError
from benchlab.report import pdf, write_report
from tests.conftest import need
from tests.report.blank_figures import blank_figures
from tests.runs.synthetic import make_run


def test_a_browser_prints_the_page(tmp_path: Path) -> None:
    need("chromium", "chromium-browser", "google-chrome")
    with blank_figures():
        written = write_report(make_run(count=50), tmp_path, formats=["pdf"])
    assert written.name == "report.pdf"
    assert written.read_bytes().startswith(b"%PDF-")
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]


def test_a_browser_that_fails_or_hangs_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    for script, message in (("echo lost >&2; exit 7", "exit code 7: lost"), ("sleep 60", "within")):
        browser.write_text(f"#!/bin/sh\n{script}\n")
        browser.chmod(0o755)
        monkeypatch.setattr(pdf.find_chromium, "__defaults__", ((str(browser),),))
        with pytest.raises(OutputError, match=message):
            pdf.print_pdf("<p>", time_s=30 if "exit" in script else 0.1)
