"""Foreign text on a terminal."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest

from benchlab import cli
from benchlab.cli.terminal.console import console, error_console
from benchlab.cli.terminal.output import print_data, print_line
from benchlab.cli.terminal.run import print_run
from benchlab.cli.terminal.tables import print_rows
from benchlab.plan.request import Request
from benchlab.text import printable
from tests.cli.terminal.screen import shown
from tests.runs.synthetic import make_run

EVIL = "\x1b]0;evil\x07\x1b[31mred\x9b0m\u202ex"


@pytest.mark.parametrize("color_system", [None, "standard"])
def test_printed_text_cannot_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, color_system: str | None
) -> None:
    monkeypatch.setenv("FORCE_COLOR" if color_system else "NO_COLOR", "1")
    for make in (console, error_console):
        out = make()
        out.file = io.StringIO()
        print_run(make_run(name=EVIL), out)
        print_rows([{EVIL: EVIL}], out)
        out.print(EVIL, markup=False)
        text = re.sub(r"\x1b\[[\d;]*m", "", shown(out)) if color_system else shown(out)
        assert "\ufffd]0;evil" in text
        assert "red\ufffd0m\ufffdx" in text.splitlines()[-2], "the cell is whole"
        assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "\x1b[31mred" not in shown(out)


def test_printed_lines_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(EVIL)
    print_line(f"1\n2{EVIL}", err=False)
    printed = capsys.readouterr()
    assert printed.err == "\ufffd]0;evil\ufffd\ufffd[31mred\ufffd0m\ufffdx\n"
    assert printed.out == f"1\n2{printed.err}"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_programs_read_is_made_harmless_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for stream, shown_text in ((io.StringIO(), EVIL), (Terminal(), printable(EVIL))):
        monkeypatch.setattr("sys.stdout", stream)
        print_data(EVIL)
        assert stream.getvalue() == shown_text


MARKUP = "[/api] [bold]x[/bold] :smile:"


def test_square_brackets_of_others_are_text() -> None:
    out = console()
    out.file = io.StringIO()
    run = make_run(
        requests=[Request("GET", f"http://127.0.0.1/{n}", name=f"{MARKUP}{n}") for n in "ab"],
        slo=[f"p99[{MARKUP}a]<1s"],
        name=MARKUP,
        errors=True,
    )
    print_run(run, out)
    print_rows([{MARKUP: MARKUP}], out)
    out.print(MARKUP)
    assert shown(out).count(MARKUP) >= 7


FORBIDDEN = {
    "Console",
    "click.confirm",
    "click.echo",
    "click.prompt",
    "click.secho",
    "input",
    "print",
    "sys.stderr.write",
    "sys.stdout.write",
}
DOORS = {"benchlab/cli/terminal/output.py", "benchlab/cli/terminal/console.py"}


def test_commands_print_through_the_door() -> None:
    """Nothing else in the command line writes to a stream, or makes a console of its own."""
    root = Path(cli.__file__).parents[2]
    found = []
    for path in (root / "benchlab" / "cli").rglob("*.py"):
        name = str(path.relative_to(root))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name not in DOORS:
                called = ast.unparse(node.func)
                if called in FORBIDDEN:
                    found.append(f"{name}:{node.lineno} {called}")
                if called == "TextColumn" and "markup=False" not in ast.unparse(node):
                    found.append(f"{name}:{node.lineno} {called} with markup")
    assert not found
