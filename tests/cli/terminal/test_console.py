"""Foreign text on a terminal."""

from __future__ import annotations

import io
import re

import pytest

from benchlab.cli.terminal.console import console, error_console
from benchlab.cli.terminal.output import print_line
from benchlab.cli.terminal.run import print_run
from benchlab.cli.terminal.tables import print_rows
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
        print_rows([{EVIL: EVIL}], out, shortened=EVIL)
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
