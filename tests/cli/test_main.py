"""The list of commands, their help and completion, and the modules that these import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from benchlab.cli.main import COMMANDS, cli
from tests.cli.in_process import Benchlab
from tests.conftest import need
from tests.load.servers import always, ok, serving

HEAVY = {
    "asyncio",
    "chdb",
    "clickhouse_connect",
    "httpx",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "papermill",
    "psutil",
    "pyarrow",
    "rich",
}
SHELLS = ("bash", "zsh", "fish")


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def benchlab(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchlab", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def imported_by(*arguments: str, **environment: str) -> set[str]:
    """The top-level packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "benchlab", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    lines = done.stderr.splitlines()
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if "|" in line}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    found = command(name)
    assert found.name == name
    assert found.help
    assert "Example" in found.help
    for parameter in found.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_listed_help_is_the_first_sentence_of_the_command(name: str) -> None:
    assert COMMANDS[name].short_help == command(name).get_short_help_str(200).removesuffix(".")


def test_help_lists_every_command_on_a_line_of_its_own() -> None:
    lines = benchlab("--help", COLUMNS="80").stdout.splitlines()
    width = max(map(len, COMMANDS))
    for name, entry in COMMANDS.items():
        assert f"  {name:<{width}}  {entry.short_help}" in lines


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["completion", "bash"],
        ["histroy"],
        *([name, "--help"] for name in sorted(COMMANDS)),
    ],
    ids=" ".join,
)
def test_start_imports_nothing_heavy(arguments: list[str]) -> None:
    loaded = imported_by(*arguments)
    assert "click" in loaded
    assert not loaded & HEAVY


def test_a_run_that_is_not_saved_imports_what_it_uses() -> None:
    with serving(always(ok())) as url:
        loaded = imported_by("run", url, "-c", "1", "--requests", "1", "--warmup", "0", "--no-save")
    assert loaded & HEAVY == {"numpy", "rich"}
    assert not loaded & {"email", "hashlib", "http", "logging", "ssl", "zipfile"}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("histroy", "No such command 'histroy'. Did you mean 'history'? See benchlab --help"),
        ("zzz", "No such command 'zzz': see benchlab --help"),
        ("--zzz", "No such option '--zzz': see benchlab --help"),
    ],
)
def test_unknown_command_error_names_the_nearest(typed: str, message: str) -> None:
    done = benchlab(typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"benchlab: {message}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("benchlab his", "history"),
        ("benchlab history --na", "--name"),
        ("benchlab run --rat", "--rate"),
        ("benchlab sweep 01_benchmark -", "-g"),
        ("benchlab import --uni", "--unit"),
    ],
)
def test_completion_imports_nothing_heavy(typed: str, offered: str) -> None:
    variables = {
        "_BENCHLAB_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    assert f"plain,{offered}\n" in benchlab(**variables).stdout
    assert not imported_by(**variables) & HEAVY


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_script_is_one_that_its_shell_accepts(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(benchlab("completion", shell).stdout)
    assert "_BENCHLAB_COMPLETE" in script.read_text()
    done = subprocess.run(
        [need(shell), "-n", str(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("benchlab h", ["history"]),
        ("benchlab completion ", list(SHELLS)),
        ("benchlab run --rat", ["--rate"]),
        ("benchlab run http://127.0.0.1/ --arrivals p", ["poisson"]),
        ("benchlab --v", ["--version"]),
    ],
)
def test_bash_completes_what_is_typed(typed: str, offered: list[str], tmp_path: Path) -> None:
    program = tmp_path / "benchlab"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m benchlab "$@"\n')
    program.chmod(0o755)
    script = """
        source <(benchlab completion bash)
        COMP_WORDS=($1)
        if [[ $1 == *" " ]]; then COMP_WORDS+=(""); fi
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _benchlab_completion benchlab
        printf "%s\\n" "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        [need("bash"), "--norc", "-c", script, "bash", typed],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert (done.stdout.split(), done.stderr) == (offered, "")


@pytest.mark.parametrize(
    "arguments", [["history"], ["run", "http://127.0.0.1:1/", "--csv", "out"]], ids=lambda a: a[0]
)
def test_a_deleted_working_directory_is_called_that(
    benchlab_here: Benchlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = benchlab_here(*arguments)
    assert done.returncode in (2, 4)
    assert done.stderr.startswith("benchlab: the working directory was deleted, change to one")
    assert len(done.stderr.splitlines()) == 1


def test_short_memory_is_called_that(
    benchlab_here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(cli, "main", too_large)
    done = benchlab_here("history")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "memory" in done.stderr
