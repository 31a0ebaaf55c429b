"""No behaviour hangs on the text of a message.

The same things go wrong in two processes, in one of them with every message reworded
(`tests/reworded/sitecustomize.py`, which the worker processes load as well). What programs can tell
of them must be the same: exit codes, error classes, fields, options, verdicts, keys of JSON.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import benchlab
from benchlab.bundled import TargetProcess
from tests.reworded.sitecustomize import CALLED, NAMED, Rewording

REWORDED = Path(__file__).parent / "reworded"


def probe(directory: Path, url: str, path: str) -> dict[str, tuple[Any, str]]:
    directory.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", REWORDED / "probe.py", directory, url],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[Any, str]] = json.loads(done.stdout)
    return found


def test_every_name_that_is_said_to_hold_texts_holds_one() -> None:
    rewording = Rewording()
    for path in Path(benchlab.__file__).parent.rglob("*.py"):
        rewording.visit(ast.parse(path.read_text(encoding="utf-8")))
    assert (CALLED | NAMED) - rewording.found == set()


def test_rewording_every_message_changes_nothing_but_text(
    target: TargetProcess, tmp_path: Path
) -> None:
    url = f"{target.url}/health"
    with ThreadPoolExecutor(2) as threads:
        plain = threads.submit(probe, tmp_path / "plain", url, "")
        other = threads.submit(probe, tmp_path / "other", url, str(REWORDED))
    facts = {name: fact for name, (fact, _) in plain.result().items()}
    texts = {name: text for name, (_, text) in plain.result().items()}
    assert {name: fact for name, (fact, _) in other.result().items()} == facts
    same = {name for name, (_, text) in other.result().items() if text and text == texts[name]}
    assert same == set()
