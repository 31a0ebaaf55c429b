"""The commands in the documentation are accepted."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from benchlab.cli.main import COMMANDS as ENTRIES
from benchlab.cli.main import cli
from benchlab.notebook.headless import notebook_parameters
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, commands, page_id, prose

LINES = [line for page in PAGES for block in blocks(page, "sh") for line in commands(block)]
COMMANDS = [line for line in LINES if line.startswith("benchlab ")]
OTHERS = [line for line in LINES if line not in COMMANDS]
EVERYWHERE = {"git", "cp", "source", "export"}
# Options of load generators, Dask, compose, the Collector, gunicorn, systemctl, mypy, trials, and
# of a service.
FOREIGN = {
    "--auth-token",
    "--config",
    "--latencies",
    "--latency",
    "--memory-limit",
    "--now",
    "--nthreads",
    "--out",
    "--output-format",
    "--preload",
    "--print",
    "--profile",
    "--strict",
    "--summary-export",
    "--to",
    "--wrong",
}


@pytest.mark.parametrize("line", COMMANDS)
def test_command_line_is_accepted(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otlp").mkdir()
    _, name, *arguments = shlex.split(line, comments=True)
    _command(name).make_context(name, arguments)  # reads the options, and does nothing


def test_every_command_is_shown() -> None:
    assert {shlex.split(line, comments=True)[1] for line in COMMANDS} == set(ENTRIES)


@pytest.mark.parametrize("line", OTHERS)
def test_other_command_exists(line: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if "=" not in word]  # no settings
    match [word.removeprefix(".venv/bin/") for word in words]:
        case ["make", target]:
            makefile = (ROOT / "Makefile").read_text()
            assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)
        case ["python", "-m", "pytest", *arguments] | ["pytest", *arguments]:
            assert all((ROOT / part).exists() for part in arguments if part.startswith("tests/"))
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module) is not None
        case ["papermill", notebook, _, *arguments]:
            given = {arguments[place + 1] for place, part in enumerate(arguments) if part == "-p"}
            assert given <= set(notebook_parameters(ROOT / notebook))
        case ["pip", "install", package]:
            name, _, extra = package.removesuffix("]").partition("[")
            project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            assert name == project["name"]
            assert extra in {"", *project["optional-dependencies"]}
        case [program, *_]:
            assert program in EVERYWHERE or program in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_option_that_is_named_exists(page: Path) -> None:
    known = {
        name
        for command in (cli, *map(_command, ENTRIES))
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    named = {
        option
        for code in re.findall(r"`([^`\n]+)`", _about_benchlab(page))
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", code)
    }
    assert named - FOREIGN - {"--help"} <= known


def _about_benchlab(page: Path) -> str:
    """The page's text; of tables with another tool's words in the first column, the others."""
    if page != DOCS / "coming-from.md":
        return prose(page)
    return re.sub(r"^\| .*? (?=\| )", "", prose(page), flags=re.MULTILINE)


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command
