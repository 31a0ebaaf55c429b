"""A figure as the last expression of a cell, in a real kernel."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
DRAW = """\
from benchlab import plots
from tests.runs.synthetic import make_run
run = make_run(stall=True)
plots.timeline(run)
"""


@pytest.mark.parametrize("backend", ["inline", "agg", ""])
@pytest.mark.parametrize("before", ["", "import matplotlib.pyplot as plt"])
def test_a_figure_is_shown_once_and_sharp(
    backend: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)
    if backend:
        monkeypatch.setenv("MPLBACKEND", backend)
    cells = [nbformat.v4.new_code_cell(source) for source in (before, DRAW, "run")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    (shown,) = notebook.cells[1].outputs
    assert shown.output_type == "execute_result"
    assert shown.data["image/png"].startswith("iVBOR")
    size = shown.metadata["image/png"]
    assert size["width"] == 960
    assert 480 < size["height"] < 540  # with the foot, which says where the numbers come from
    (card,) = notebook.cells[2].outputs
    assert "benchlab-card" in card.data["text/html"]
