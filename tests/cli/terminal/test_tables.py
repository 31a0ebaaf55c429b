"""Tables at the width that a terminal has."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchlab.cli.history import print_history
from benchlab.cli.terminal.tables import print_frame, print_rows
from tests.cli.terminal.screen import shown, terminal

RUN: dict[str, object] = {
    "run_id": "01a214dd12fb5fb5",
    "started_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "name": "POST /a/long/way/to/a/service/of/many/words/that/is/called/often/today",
    "verdict": "interrupted",
    "count": 16701,
    "error_count": 0,
    "rate_rps": 8318.5,
    "latency_p50_ms": 6.654,
    "latency_p99_ms": 20.186,
    "objective_count": 3,
    "broken_objective_count": 0,
}


@pytest.mark.parametrize(
    ("width", "not_shown"),
    [
        (40, "count, p50 ms, errors, rate_rps, started_at, name"),
        (60, "count, p50 ms, errors, rate_rps"),
        (80, "count, p50 ms"),
        (100, ""),
        (120, ""),
    ],
)
def test_a_run_has_one_line_in_a_history_of_any_width(width: int, not_shown: str) -> None:
    out = terminal(width)
    print_history([RUN, RUN], out)
    head, *lines = shown(out).splitlines()
    notes = " ".join(line.strip() for line in lines[2:])
    assert notes == (f"not shown, for lack of width: {not_shown}" if not_shown else "")
    for line in lines[:2]:
        assert line.startswith("01a214dd12fb5fb5 ")
        assert {"interrupted", "20.186"} <= set(line.split())
        assert ("8,318.5" in line.split()) == ("rate_rps" in head)
        assert ("POST /a" in line) == ("name" in head) == ("…" in line)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_history_has_what_generator_and_service_did(width: int) -> None:
    out = terminal(width)
    failing = {"verdict": "valid", "count": 1000, "error_count": 300, "broken_objective_count": 1}
    print_history([RUN | failing], out)
    words = " ".join(shown(out).split())
    for part in ("valid ·", "30 %", "failed", "broken", "20.186"):
        assert part in words


def test_verdict_in_a_history_has_the_colour_of_the_worse() -> None:
    out = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="standard")
    print_history([RUN | {"verdict": "valid", "error_count": count} for count in (0, 9999)], out)
    good, bad = shown(out).splitlines()[1:]
    assert "\x1b[32mvalid" in good
    assert "\x1b[31mvalid · 59.9 % failed" in bad


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_numbers_of_any_frame_are_whole(width: int) -> None:
    frame = pd.DataFrame(
        {
            "endpoint": ["GET /[api]", "POST /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o"],
            "total": pd.array([12345678901234567, None], dtype="Int64"),
            "huge": [2**100, 1],
            "exact": [Decimal("123456789.123456789"), None],
            "p50_latency": [0.00123456, 1234567.891],
            "when": [pd.Timestamp("2026-11-28 10:00:00.123456", tz="UTC"), pd.NaT],
        }
    )
    out = terminal(width)
    print_frame(frame, out, float_format="")
    words = shown(out).split()
    numbers = [
        "12345678901234567", str(2**100), "123456789.123456789", "0.00123456", "1234567.9",
        "10:00:00.123456+00:00", "/[api]",
    ]  # fmt: skip
    assert set(numbers) <= set(words)
    assert not {"NaT", "<NA>", "nan", "None"} & set(words)


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
