"""The CSV files, byte for byte. ``BENCHLAB_UPDATE_GOLDEN=1`` writes them anew after a change."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchlab.plan.request import Request
from benchlab.report import write_report, write_tables
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from tests.golden.files import assert_golden
from tests.report.blank_figures import blank_figures
from tests.runs.synthetic import URL, edge_cases, make_run

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("summary.csv", "histogram.csv", "timeseries.csv", "endpoints.csv")


def golden_run() -> Run:
    add = Request("POST", URL, json={"a": [1], "b": [2]})
    sub = Request("POST", URL.replace("add", "sub"), json={"a": [1], "b": [2]})
    return make_run(
        rate_rps=20,
        duration_s=8,
        requests=[add, sub],
        stall=True,
        errors=True,
        name="golden, “quoted” name",
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_the_golden_file(name: str, tmp_path: Path) -> None:
    write_tables(golden_run(), tmp_path)
    assert_golden(GOLDEN / name, (tmp_path / name).read_bytes().decode())


def test_the_summary_has_the_columns_of_the_run(tmp_path: Path) -> None:
    run = make_run(errors=True)
    write_tables(run, tmp_path)
    table = pd.read_csv(tmp_path / "summary.csv")
    assert list(table) == list(run.to_pandas())
    assert table["count"].item() == 1000


def test_the_tables_agree_with_each_other(tmp_path: Path) -> None:
    run = golden_run()
    write_tables(run, tmp_path)
    summary, histogram, timeseries, endpoints = (pd.read_csv(tmp_path / name) for name in NAMES)
    count = summary["count"].item()
    assert histogram["latency_count"].sum() == count
    assert timeseries["count"].sum() == count
    assert endpoints["count"].sum() == count
    assert timeseries["error_count"].sum() == endpoints["error_count"].sum()
    assert timeseries["latency_max_ms"].max() == summary["latency_max_ms"].item()


@pytest.mark.parametrize("name", edge_cases())
def test_any_run_has_its_tables(name: str, tmp_path: Path) -> None:
    write_tables(edge_cases()[name], tmp_path)
    assert len(pd.read_csv(tmp_path / "summary.csv")) == 1
    pd.read_csv(tmp_path / "histogram.csv")
    pd.read_csv(tmp_path / "timeseries.csv")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_foreign_text_is_a_formula(start: str, tmp_path: Path) -> None:
    name = f'{start}HYPERLINK("http://x","y")'
    requests = [Request("GET", f"http://h/{path}", name=f"{name}{path}") for path in "ab"]
    run = make_run()
    samples = Samples(run.samples.records, [request.name for request in requests])
    plan = run.plan.replace(requests=requests, name=name)
    write_tables(replace(run, plan=plan, samples=samples), tmp_path)
    for file, column, shown in (
        ("summary.csv", "name", f"'{name}"),
        ("endpoints.csv", "endpoint", f"'{name}a"),
    ):
        with (tmp_path / file).open(newline="") as lines:
            row = next(csv.DictReader(lines))
        assert row[column] == shown
        assert float(row["latency_p50_ms"]) > 0


def test_endpoints_are_written_for_several_only_and_old_ones_go(tmp_path: Path) -> None:
    with blank_figures():
        write_report(golden_run(), tmp_path)
        assert (tmp_path / "endpoints.csv").exists()
        write_report(make_run(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "histogram.csv",
        "report.html",
        "result.json",
        "summary.csv",
        "timeseries.csv",
    ]


def test_credentials_are_in_no_file(tmp_path: Path) -> None:
    url = "http://me:hunter2@host/x?api_key=hunter2&page=3"
    request = Request(
        "GET", url, headers={"Authorization": "Bearer hunter2", "X-Api-Key": "hunter2"}
    )
    write_report(make_run(requests=[request]), tmp_path)
    for path in tmp_path.iterdir():
        assert "hunter2" not in path.read_text()
    assert "page=3" in (tmp_path / "report.html").read_text()
