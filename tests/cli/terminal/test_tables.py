"""Tables at the width that a terminal has."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from benchlab.cli.history import print_history
from benchlab.cli.terminal.tables import print_frame, print_rows
from tests.cli.terminal.screen import shown, terminal


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
    print_history([row, row], out)
    head, *lines = shown(out).splitlines()
    assert len(lines) == 2
    assert all("01a214dd12fb5fb5 01-02 03:04 POST /a" in line for line in lines)
    assert all("…" in line and "8,318.5" in line and "20.186" in line for line in lines)
    assert ("count" in head) == (width >= 100)


def test_a_list_in_a_table_has_the_format_of_its_column() -> None:
    out = terminal(80)
    print_frame(pd.DataFrame({"p": [[np.float64(1.23456), 2.0]], "names": [("a", None)]}), out)
    assert "[1.235, 2.000]" in shown(out)
    assert "[a, ]" in shown(out)


def test_rows_and_a_frame_of_them_print_the_same_table() -> None:
    rows: list[dict[str, object]] = [
        {"name": "a", "count": 3, "ms": 1.5},
        {"name": "b", "count": 40, "ms": None},
    ]
    by_row, by_frame = terminal(80), terminal(80)
    print_rows(rows, by_row)
    print_frame(pd.DataFrame(rows), by_frame)
    assert shown(by_row) == shown(by_frame)


def test_table_of_no_rows_prints_nothing() -> None:
    out = terminal(80)
    print_rows([], out)
    assert shown(out) == ""
