"""What IPython shows: errors raised on purpose in three lines, values without credentials."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.ipython import ipython_shell

REFUSED = "body: must be text or bytes, not dict: give it as json=, which encodes it"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    with ipython_shell(tmp_path_factory.mktemp("ipython")) as shell:
        shell.run_cell("import benchlab as bl; from pathlib import Path")
        yield shell


def shown(shell: InteractiveShell, cell: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that IPython shows for a cell that fails."""
    capsys.readouterr()
    assert not shell.run_cell(dedent(cell), store_history=True).success
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal", "Docs"])
def test_the_error_and_the_line_of_the_cell_are_shown(
    mode: str, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("xmode", mode)
    number = shell.execution_count
    cell = """
        url = "http://127.0.0.1:1/"
        request = bl.Request("POST", url, body={"a": 1})
        """
    assert shown(shell, cell, capsys) == [
        f"InputError: {REFUSED}",
        f"Cell In[{number}], line 2",
        '    request = bl.Request("POST", url, body={"a": 1})',
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("bl.Plan(bl.Request('GET', 'x'))", "InputError: url='x' has no scheme"),
        ("bl.plots.histogram('latest')", "InputError: run='latest' is text and not a run: read"),
        ("bl.read_plan('none.toml')", "InputError: "),
        ("raise bl.BenchlabError('no', remedy='yes')", "BenchlabError: no: yes"),
    ],
)
def test_errors_of_every_kind_are_three_lines(
    code: str, error: str, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(shell, code, capsys)
    assert len(lines) == 3
    assert lines[0].startswith(error)
    assert lines[2] == f"    {code}"


def test_the_whole_traceback_is_shown_on_request(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("xmode", "Context")
    assert len(shown(shell, "bl.Request('GET', 'x y')", capsys)) == 3
    shell.run_line_magic("tb", "")
    text = capsys.readouterr().out
    assert "Traceback" in text
    assert "request.py" in text
    assert len(shown(shell, "bl.Request('GET', 'x y')", capsys)) == 3


def test_code_of_a_module_is_shown_with_its_file(
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "plans_of_mine.py"
    file.write_text("import benchlab\n\n\ndef made():\n    return benchlab.Feed(5)\n")
    monkeypatch.syspath_prepend(tmp_path)
    lines = shown(shell, "import plans_of_mine; plans_of_mine.made()", capsys)
    assert lines[1:] == [f"File {file}, line 5", "    return benchlab.Feed(5)"]
    del sys.modules["plans_of_mine"]


def test_an_error_of_ones_own_has_its_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(shell, "1 / 0", capsys)
    assert "Traceback" in " ".join(lines)


def test_what_a_cell_shows_of_a_value_hides_credentials(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook's file keeps what its cells show."""
    shell.run_cell(
        "from benchlab.notebook import Service\n"
        'url = "http://me:s3cret@127.0.0.1:1/a?api_key=s3cret"\n'
        'request = bl.Request("GET", url, headers={"X-Token": "s3cret"}, cookies={"a": "s3cret"})\n'
        'signed = bl.Request("GET", "/", auth=("me", "s3cret"))\n'
        "plan = bl.Plan([request, signed], targets=[url])\n"
        "values = [request, signed, plan, Service(url, None, None), bl.Feed([{'a': 's3cret'}])]\n"
        'values += [bl.Store("http://me:s3cret@127.0.0.1:1/lab"), plan.describe()]\n'
    )
    capsys.readouterr()
    assert shell.run_cell("values").success
    shown = capsys.readouterr().out
    assert "api_key=***" in shown
    assert "s3cret" not in shown
