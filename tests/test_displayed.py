"""Values that show themselves, by renderers that are loaded when they are needed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchlab.displayed import Displayed
from benchlab.runs.run import Run
from tests.runs.synthetic import make_run, make_trace


class Unknown(Displayed):
    pass


class Special(Run):
    pass


def test_a_value_is_shown_by_the_renderer_for_its_type() -> None:
    run = make_run()
    assert "benchlab-card" in str(run._repr_html_())
    assert "<table" in str(make_trace(run)._repr_html_())


def test_a_subclass_is_shown_as_its_base_is() -> None:
    run = make_run()
    special = Special(**{field.name: getattr(run, field.name) for field in fields(run)})
    assert special._repr_html_() == run._repr_html_()


def test_a_type_without_a_renderer_falls_back_to_its_repr() -> None:
    assert Unknown()._repr_html_() is None


def test_renderers_are_loaded_when_a_value_is_shown() -> None:
    script = (
        "import sys, benchlab, benchlab.runs.run\n"
        "loaded = [name for name in sys.modules if name.startswith('benchlab.display.')]\n"
        "assert loaded == [], loaded"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_unpickled_run_is_shown_where_only_benchlab_was_imported(tmp_path: Path) -> None:
    path = tmp_path / "run.pickle"
    path.write_bytes(pickle.dumps(make_run()))
    source = f"import benchlab as bl\nimport pickle\npickle.load(open({str(path)!r}, 'rb'))"
    codes = (source, "_.plan", "print(__.modes())", "bl.Request('GET', 'x y')")
    cells = [nbformat.v4.new_code_cell(code) for code in codes]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, allow_errors=True).execute()
    (shown,) = notebook.cells[0].outputs
    assert "benchlab-card" in shown.data["text/html"]
    assert "**valid**" in shown.data["text/markdown"]
    assert shown.data["text/plain"].startswith("POST /api/vector/add: valid\n")
    (plan,) = notebook.cells[1].outputs  # nothing is shown beside the value
    assert set(plan.data) == {"text/plain", "text/markdown", "text/html"}
    (printed,) = notebook.cells[2].outputs
    assert printed.output_type == "stream"
    assert "Modes of the latency" in printed.text
    (failed,) = notebook.cells[3].outputs
    assert (failed.ename, failed.evalue.partition(" has ")[0]) == ("InputError", "url='x y'")
    assert len("\n".join(failed.traceback).splitlines()) == 3
