"""The summary of a run at the width that a terminal has."""

from __future__ import annotations

from benchlab.cli.terminal.run import print_run
from benchlab.display.terminal import durations_table
from benchlab.samples.summary import Distribution
from tests.cli.terminal.screen import shown, terminal
from tests.runs.synthetic import make_run


def test_long_lines_of_a_summary_are_indented() -> None:
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
