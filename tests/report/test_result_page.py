"""The page of a result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import benchlab as bl
from benchlab.plots.canvas import figure_of, open_axes
from benchlab.report import result_page
from benchlab.report.results import ResultFigure
from tests.display.results.example import Example, register
from tests.report.test_page import Page


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def _draw(result: Example) -> Figure:
    ax = open_axes(None, (4, 3))
    ax.plot([0, result.value], [0, 1])
    return figure_of(ax)


def test_a_result_has_a_page_with_its_answer_its_figures_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        result_page, "RESULT_FIGURES", {Example: (ResultFigure(_draw, "How to read it."),)}
    )
    page = Page(bl.write_report(Example(), tmp_path).read_text())
    tags = [tag for tag, _ in page.tags]
    assert tags.count("svg") == 1
    assert tags.count("script") == 1  # that of the page
    for text in ("slower", "sentence <script>", "How to read it.", "Metrics", "a note"):
        assert text in page.text
    assert page.attribute("href")[-2:] == ["result.csv", "result.json"]
    assert json.loads((tmp_path / "result.json").read_text()) == {"value": 1.25}
    assert (tmp_path / "result.csv").read_text() == "value,text\n1.25,'=1+1\n"
