"""Locust's two files of one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.units import NS_PER_MS

HISTORY = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,100%,Total Request Count,"
    "Total Failure Count,Total Median Response Time,Total Average Response Time,"
    "Total Min Response Time,Total Max Response Time,Total Average Content Size\n"
)
STATS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,"
    "Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,99%,100%\n"
)


def summary_of(path: Path, text: str) -> ImportedSummary:
    path.write_text(text)
    found = import_file(path)
    assert isinstance(found, ImportedSummary)
    return found


def test_the_history_says_that_it_does_not_count_the_end(tmp_path: Path) -> None:
    rows = "1700000000,3,,Aggregated,0,0,N/A,N/A,0,0,0,0,0,0,0\n"
    rows += "1700000004,3,,Aggregated,50,0,5,20,190,1,5,5.5,1,20.5,100\n"
    summary = summary_of(tmp_path / "x_stats_history.csv", HISTORY + rows)
    assert (summary.name, summary.count, summary.duration_s) == ("x", 190, 4)
    assert "requests after the last line" in summary.notes[0]
    assert "NAME_stats.csv" in summary.notes[0]


def test_the_totals_are_of_the_whole_run(tmp_path: Path) -> None:
    numbers = "240,2,5,5.5,1,20.5,100,48,0.4,5,18,20"
    rows = f"GET,/a,{numbers}\n,Aggregated,{numbers}\n"
    summary = summary_of(tmp_path / "x_stats.csv", STATS + rows)
    assert (summary.name, summary.count, summary.error_count) == ("x", 240, 2)
    assert (summary.rate_rps, summary.duration_s) == (48, 5)
    assert (summary.mean_ns, summary.min_ns) == (5.5 * NS_PER_MS, NS_PER_MS)
    assert summary.max_ns == 20.5 * NS_PER_MS, "not rounded, unlike the 100 % percentile"
    assert summary.percentile_ns(0.99) == 18 * NS_PER_MS


def test_a_run_without_requests(tmp_path: Path) -> None:
    summary = summary_of(tmp_path / "x.csv", STATS + ",Aggregated,0,0,0,0,0,0,0,0,0,N/A,N/A,N/A\n")
    assert (summary.count, summary.duration_s, summary.mean_ns) == (0, None, None)
    assert summary.percentiles == ()


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "1e30", "x", ""])
def test_impossible_numbers_are_refused(tmp_path: Path, value: str) -> None:
    row = f",Aggregated,240,2,5,{value},1,20.5,100,48,0.4,5,18,20\n"
    with pytest.raises(InputError, match=r"x\.csv:2: "):
        summary_of(tmp_path / "x.csv", STATS + row)
    row = f"1700000000,3,,Aggregated,0,0,{value},N/A,0,0,0,0,0,0,0\n"
    with pytest.raises(InputError, match=r"x\.csv:2: "):
        summary_of(tmp_path / "x.csv", HISTORY + row)


def test_a_file_without_totals_is_refused(tmp_path: Path) -> None:
    for header in (STATS, HISTORY):
        with pytest.raises(InputError, match="has no line for all requests"):
            summary_of(tmp_path / "x.csv", header)
