"""Kernels of headless notebooks do not meet, and leave nothing where they run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

CODE = """\
import os, pathlib, time
here = pathlib.Path(places)
assert word == "µ ✓"
(here / f"{os.getpid()}.here").touch()
limit = time.monotonic() + 60
while len(list(here.glob("*.here"))) < 2 and time.monotonic() < limit:
    time.sleep(0.01)
print(f"{rate} of {len(list(here.glob('*.here')))} kernels")
"""


def test_two_at_once_in_one_directory_that_is_read_only(tmp_path: Path) -> None:
    """One also has a temporary directory whose path is too long for a socket, and no locale."""
    parameters = nbformat.v4.new_code_cell(
        'rate = 1\nword = places = ""', metadata={"tags": ["parameters"]}
    )
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(CODE)])
    nbformat.write(notebook, tmp_path / "x.ipynb")
    (work := tmp_path / "work").mkdir(mode=0o555)
    (long := tmp_path / ("long" * 30)).mkdir()
    settings = [
        {"TMPDIR": tempfile.gettempdir()},
        {"TMPDIR": str(long), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchlab", "report", str(tmp_path / "x.ipynb"),
             "-p", "rate", str(rate), "-p", "places", str(tmp_path), "-p", "word", "µ ✓",
             "-o", str(tmp_path / str(rate))],
            cwd=work, env={**os.environ, **setting},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )
        for rate, setting in enumerate(settings, 10)
    ]  # fmt: skip
    for rate, process in enumerate(running, 10):
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        executed = nbformat.read(tmp_path / str(rate) / "report.ipynb", as_version=4)
        assert executed.cells[-1].outputs[0].text == f"{rate} of 2 kernels\n"
    assert list(work.iterdir()) == []
    assert list(long.iterdir()) == []
