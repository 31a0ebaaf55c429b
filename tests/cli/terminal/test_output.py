"""What a terminal shows, at the width that it has."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchlab.cli.history import print_history
from benchlab.cli.terminal.output import (
    console,
    error_console,
    print_frame,
    print_line,
    print_run,
)
from benchlab.display.terminal import durations_table
from benchlab.samples.summary import Distribution
from tests.runs.synthetic import make_run


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def shown(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_run_has_one_line_in_a_history_of_any_width(width: int) -> None:
    row = {
        "run_id": "01a214dd12fb5fb5",
        "started_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC).strftime("%m-%d %H:%M"),
        "name": "POST /a/long/way/to/a/service/of/many/words/that/is/called/often/today",
        "verdict": "interrupted",
        "count": 16701,
        "errors": 0,
        "rate_rps": 8318.5,
        "p50 ms": 6.654,
        "p99 ms": 20.186,
    }
    out = terminal(width)
    print_history(pd.DataFrame([row, row]), out)
    head, *lines = shown(out).splitlines()
    assert len(lines) == 2
    assert all("01a214dd12fb5fb5 01-02 03:04 POST /a" in line for line in lines)
    assert all("…" in line and "8,318.5" in line and "20.186" in line for line in lines)
    assert ("count" in head) == (width >= 100)


def test_long_lines_of_a_summary_go_on_below_their_first_word() -> None:
    out = terminal(60)
    print_run(make_run(), out)
    first, *lines = shown(out).splitlines()
    assert first.startswith("run ")
    table = next(n for n, line in enumerate(lines) if line.split()[:1] == ["ms"])
    assert all(line.startswith("  ") and line[2] != " " for line in lines[:table])


def test_long_durations_fit_into_80_columns() -> None:
    out = terminal(80)
    longest = Distribution(*[99_000_000_000] * 8)
    exact = Distribution(1, 12_345, 99_123_456, 999_123_456, 1_000_400_000, 2, 3, 4)
    out.print(durations_table({"service time": longest, "latency": exact}))
    assert "…" not in shown(out)
    assert shown(out).split()[-8:] == [
        "0.000", "0.012", "99.123", "999.12", "1,000", "0.000", "0.000", "0.000"
    ]  # fmt: skip


EVIL = "\x1b]0;evil\x07\x1b[31mred\x9b0m\u202ex"


@pytest.mark.parametrize("color_system", [None, "standard"])
def test_what_is_printed_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, color_system: str | None
) -> None:
    monkeypatch.setenv("FORCE_COLOR" if color_system else "NO_COLOR", "1")
    for make in (console, error_console):
        out = make()
        out.file = io.StringIO()
        print_run(make_run(name=EVIL), out)
        print_frame(pd.DataFrame({EVIL: [EVIL]}), out, shortened=EVIL)
        out.print(EVIL, markup=False)
        text = re.sub(r"\x1b\[[\d;]*m", "", shown(out)) if color_system else shown(out)
        assert "\ufffd]0;evil" in text
        assert "red\ufffd0m\ufffdx" in text.splitlines()[-2], "the cell is whole"
        assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "\x1b[31mred" not in shown(out)


def test_lines_are_safe_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(EVIL)
    print_line(f"1\n2{EVIL}", err=False)
    told = capsys.readouterr()
    assert told.err == "\ufffd]0;evil\ufffd\ufffd[31mred\ufffd0m\ufffdx\n"
    assert told.out == f"1\n2{told.err}"


def test_a_list_in_a_table_has_the_format_of_its_column() -> None:
    out = terminal(80)
    print_frame(pd.DataFrame({"p": [[np.float64(1.23456), 2.0]], "names": [("a", None)]}), out)
    assert "[1.235, 2.000]" in shown(out)
    assert "[a, ]" in shown(out)
