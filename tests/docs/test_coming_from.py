"""The page for people who come from other tools: what it promises to read is read."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.in_process import Benchlab, benchlab_here
from tests.docs.pages import DOCS, ROOT, blocks

__all__ = ["benchlab_here"]

DATA = ROOT / "tests" / "exchange" / "data"
RECORDED = {
    "k6.json": "k6.csv",
    "vegeta.json": "vegeta.json",
    "results.jtl": "jmeter.csv.jtl",
    "wrk.txt": "wrk_latency.txt",
    "locust_stats.csv": "locust.summary.csv",
}
"""The files that the page names, and a recorded one of that tool."""


def test_a_result_of_each_tool_is_imported(
    benchlab_here: Benchlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(block.text for block in blocks(DOCS / "coming-from.md", "sh")).splitlines()
    (line,) = [line for line in lines if line.startswith("benchlab import")]
    _, command, *files = shlex.split(line)
    assert files == list(RECORDED)
    monkeypatch.chdir(tmp_path)
    for name, recorded in RECORDED.items():
        shutil.copy(DATA / recorded, name)
    done = benchlab_here(command, *files)
    assert done.returncode == 0, done.stderr
    listed = benchlab_here("history").stdout
    assert all(tool in listed.lower() for tool in ("imported", "wrk", "locust"))
