"""What the README tells people to type, typed."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchlab
from benchlab import Store
from benchlab.bundled import TargetProcess
from benchlab.cli.main import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line
    for language, text in BLOCKS
    if not language
    for line in text.splitlines()
    if line.startswith("benchlab ")
]
OWN = {"BENCHLAB_NOTEBOOK_EVENTS"}  # between two processes of benchlab's


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_line_can_be_given(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otlp").mkdir()
    _, name, *arguments = shlex.split(line, comments=True)
    cli.commands[name].make_context(name, arguments)  # reads the options, and does nothing


def test_every_command_has_such_a_line() -> None:
    assert {shlex.split(line, comments=True)[1] for line in COMMANDS} == set(cli.commands)


def test_the_ten_lines_run(target: TargetProcess, tmp_path: Path) -> None:
    script = PYTHON[0].replace("http://127.0.0.1:8000", target.url)
    script = script.replace("duration_s=20, warmup_s=2", "duration_s=1")
    assert "duration_s=1)" in script
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert Store().load("latest").stats.count == 500
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize("script", PYTHON)
def test_what_the_examples_use_exists(script: str) -> None:
    for name in _names_below("bl", ast.parse(script)):
        assert name in benchlab.__all__
    for name in _names_below("plots", ast.parse(script)):
        assert name in benchlab.plots.__all__
    for name in _names_below("store", ast.parse(script)):
        assert hasattr(Store, name)


def test_the_variables_that_are_read_are_explained() -> None:
    sources = [path for part in ("benchlab", "target") for path in (ROOT / part).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r"BENCHLAB_\w+", path.read_text())}
    assert read - OWN == {name for name in read if f"| `{name}` |" in README}


def _names_below(owner: str, tree: ast.AST) -> Iterator[str]:
    """The attributes of ``owner`` that a script uses, ``owner`` itself an attribute or a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            value = node.value
            if owner == (value.id if isinstance(value, ast.Name) else getattr(value, "attr", "")):
                yield node.attr
