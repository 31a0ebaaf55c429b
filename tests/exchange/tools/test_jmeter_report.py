"""JMeter's tables of statistics, in the columns that its versions write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.units import NS_PER_MS

WINDOW = (
    "Label,# Samples,Average,Median,90% Line,95% Line,99% Line,Min,Max,Error %,Throughput,"
    "Received KB/sec,Sent KB/sec\n"
)
COMMAND_LINE = (
    "sampler_label,aggregate_report_count,average,aggregate_report_median,"
    "aggregate_report_90%_line,aggregate_report_95%_line,aggregate_report_99%_line,"
    "aggregate_report_min,aggregate_report_max,aggregate_report_error%,aggregate_report_rate,"
    "aggregate_report_bandwidth,aggregate_report_stddev\n"
)
LABEL = "home,100,5,4,8,9,12,1,20,2.000%,{},1.0,2.0\n"
TOTAL = "TOTAL,400,6,5,9,10,15,1,31,0.500%,40.00000,4.0,2.0\n"


def summary_of(path: Path, text: str) -> ImportedSummary:
    path.write_text(text)
    found = import_file(path)
    assert isinstance(found, ImportedSummary)
    return found


@pytest.mark.parametrize("header", [WINDOW, COMMAND_LINE])
def test_the_row_of_all_labels_counts(tmp_path: Path, header: str) -> None:
    path = tmp_path / "aggregate.csv"
    summary = summary_of(path, header + LABEL.format("10.0") * 3 + TOTAL)
    assert (summary.count, summary.error_count, summary.rate_rps) == (400, 2, 40.0)
    assert (summary.mean_ns, summary.min_ns, summary.max_ns) == (
        6 * NS_PER_MS, NS_PER_MS, 31 * NS_PER_MS,
    )  # fmt: skip
    assert [(point.ratio, point.value_ns // NS_PER_MS) for point in summary.percentiles] == [
        (0.5, 5), (0.9, 9), (0.95, 10), (0.99, 15),
    ]  # fmt: skip


@pytest.mark.parametrize(("rate", "rps"), [("10.0", 10), ("90.0/min", 1.5), ("1800/hour", 0.5)])
def test_an_only_label_is_the_whole(tmp_path: Path, rate: str, rps: float) -> None:
    summary = summary_of(tmp_path / "aggregate.csv", WINDOW + LABEL.format(rate))
    assert (summary.count, summary.error_count, summary.rate_rps) == (100, 2, rps)


def test_percentiles_of_labels_are_not_combined(tmp_path: Path) -> None:
    other = LABEL.replace("home", "search")
    with pytest.raises(InputError, match="2 labels, and no row 'TOTAL' for all of them"):
        summary_of(tmp_path / "aggregate.csv", WINDOW + LABEL.format(1) + other.format(1))


def test_statistics_of_the_html_report(tmp_path: Path) -> None:
    row = {
        "sampleCount": 1744, "errorCount": 17, "errorPct": 0.97, "meanResTime": 21.9,
        "medianResTime": 22.0, "minResTime": 3.0, "maxResTime": 49.0, "pct1ResTime": 23.0,
        "pct2ResTime": 24.0, "pct3ResTime": 28.0, "throughput": 175.3,
    }  # fmt: skip
    summary = summary_of(
        tmp_path / "statistics.json", json.dumps({"home": {**row, "sampleCount": 1}, "Total": row})
    )
    assert (summary.count, summary.error_count, summary.rate_rps) == (1744, 17, 175.3)
    assert summary.mean_ns == 21_900_000
    assert [(point.ratio, point.value_ns // NS_PER_MS) for point in summary.percentiles] == [
        (0.5, 22), (0.9, 23), (0.95, 24), (0.99, 28),
    ]  # fmt: skip
    assert "does not say which percentiles" in summary.notes[0]
