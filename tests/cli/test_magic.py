"""``%bench`` in IPython: the options of ``benchlab run``, and the run as the value of the cell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from benchlab.cli import magic
from benchlab.cli.run import run
from benchlab.plan.plan import Plan
from benchlab.runs.run import Run
from benchlab.store import Store
from tests.ipython import ipython_shell
from tests.slot_server import SlotServer
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    with ipython_shell(tmp_path_factory.mktemp("ipython")) as shell:
        shell.run_line_magic("load_ext", "benchlab")
        yield shell


def value(shell: InteractiveShell, cell: str) -> object:
    """What a cell that succeeds leaves in ``_``."""
    done = shell.run_cell(cell, store_history=True)
    assert done.success, done
    return shell.user_ns["_"]


def refused(shell: InteractiveShell, cell: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that a cell shows which fails."""
    capsys.readouterr()
    assert not shell.run_cell(cell).success
    return capsys.readouterr().out.splitlines()


def test_the_run_is_the_value_of_the_cell_and_saved(
    shell: InteractiveShell, closed_store: Store, tmp_path: Path
) -> None:
    assert "no runs yet" in closed_store._repr_mimebundle_()["text/plain"]
    with SlotServer(slots=4, service_s=0.001) as service:
        shell.user_ns["url"] = service.url
        file = tmp_path / "result.json"
        shown = value(
            shell,
            f"%bench $url/a --requests 20 --warmup 0s --connections 2 --name mine --json {file}",
        )
        assert isinstance(shown, Run)
        assert (shown.name, len(shown.measured)) == ("mine", 20)
        assert file.is_file()
        assert closed_store.load("latest").id == shown.id


def test_a_dry_run_gives_the_plan(shell: InteractiveShell) -> None:
    shell.user_ns["url"] = "http://127.0.0.1:1"
    shell.run_cell("plan = %bench {url}/b --rate 200 --duration 10s --dry-run")
    plan = shell.user_ns["plan"]
    assert isinstance(plan, Plan)
    assert plan.requests[0].url == "http://127.0.0.1:1/b"
    assert (plan.load.highest_rps, plan.length_s) == (200, 10)


def test_braces_and_dollars_that_name_nothing_stay(shell: InteractiveShell) -> None:
    shell.user_ns["a"] = "wrong"
    line = """%bench http://127.0.0.1:1/{{a}}/{b}/$c -d '{"a":{"x":1}}' --dry-run"""
    plan = value(shell, line)
    assert isinstance(plan, Plan)
    assert plan.requests[0].url == "http://127.0.0.1:1/{{a}}/{b}/$c"
    assert plan.requests[0].body == b'{"a":{"x":1}}'


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("http://127.0.0.1:1/ --rate x", "InputError: Invalid value for '--rate'"),
        ("http://127.0.0.1:1/ --rte 5", "InputError: No such option"),
        ("http://127.0.0.1:1/ -n 5", "InputError: there is no -n: write --requests 5"),
        ("http://127.0.0.1:1/ --rate -5", "InputError: --rate=-5.0 "),
        ("--rate 5", "InputError: Missing argument 'URL|PLAN.toml'"),
        ("'open", "InputError: %bench cannot be read (No closing quotation)"),
        ("http://127.0.0.1:1/ --requests 1 --no-save", "TargetError: "),
    ],
)
def test_an_error_is_a_line_and_the_line_of_the_cell(
    line: str, error: str, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = refused(shell, f"%bench {line}", capsys)
    *_, first, place, code = lines  # before them may be the progress
    assert first.startswith(error)
    assert place.startswith("Cell In[")
    assert code == f"    %bench {line}"


def test_help_lists_every_option_of_the_command(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run_cell("%bench --help").success
    text = capsys.readouterr().out
    assert text.startswith("Usage: %bench [OPTIONS] URL|PLAN.toml")
    assert "  Examples:\n    %bench http" in text
    for parameter in run.params:
        assert max(parameter.opts, key=len) in text or parameter.name == "source"
    assert magic.command.params is run.params


@pytest.mark.parametrize("start", ["%bench", "run = %bench"])
def test_options_and_their_values_are_completed(start: str, shell: InteractiveShell) -> None:
    def offered(line: str) -> set[str]:
        with provisionalcompleter():
            return {found.text for found in shell.Completer.completions(line, len(line))}

    assert {"--rate", "--replay", "--report"} <= offered(f"{start} http://a/ --r")
    assert "--duration" not in offered(f"{start} http://a/ --r")
    assert {"http"} <= offered(f"{start} http://a/ --driver h")


def test_the_extension_can_be_taken_away(shell: InteractiveShell) -> None:
    completed = shell.strdispatchers["complete_command"].regexs
    before = len(completed)
    shell.run_line_magic("unload_ext", "benchlab")
    assert shell.find_line_magic("bench") is None
    assert len(completed) == before - 1
    shell.run_line_magic("load_ext", "benchlab")
    assert shell.find_line_magic("bench") is not None
    assert len(completed) == before


def test_loading_the_extension_loads_nothing_heavy() -> None:
    script = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "before = set(sys.modules); import benchlab; benchlab.load_ipython_extension(Shell())\n"
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {"pandas", "matplotlib", "scipy", "chdb", "clickhouse_connect", "distributed"}
    assert not loaded & heavy
