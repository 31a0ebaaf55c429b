from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from benchlab.samples.samples import Flag
from benchlab.units import NS_PER_S


def test_requests(data: Path) -> None:
    run = import_file(data / "hey.csv", url="http://127.0.0.1:18766/health")
    assert isinstance(run, Run)
    with (data / "hey.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(run.samples) == len(rows) == 60
    total_s = sum(float(row["response-time"]) for row in rows)
    assert run.samples.service_ns.sum() == pytest.approx(total_s * NS_PER_S, abs=len(rows))
    offsets = sorted(float(row["offset"]) for row in rows)
    assert run.window_ns[1] >= round((offsets[-1] - offsets[0]) * NS_PER_S)
    sent_ns = run.samples.column("sent_ns")
    assert sent_ns[-1] == round((offsets[-1] - offsets[0]) * NS_PER_S)
    assert np.all(run.samples.column("first_byte_ns") <= run.samples.column("done_ns"))
    opened = sum(float(row["DNS+dialup"]) > 0 for row in rows)
    assert np.count_nonzero(run.samples.column("flags") & Flag.NEW_CONNECTION) == opened
    assert run.url == "http://127.0.0.1:18766/health"
    assert run.samples.errors == {}


def test_report(data: Path) -> None:
    summary = import_file(data / "hey.txt")
    assert isinstance(summary, ImportedSummary)
    assert (summary.count, summary.error_count, summary.duration_s) == (60, 0, 0.0514)
    assert (summary.mean_ns, summary.min_ns, summary.max_ns) == (2_500_000, 500_000, 9_100_000)
    assert summary.percentile_ns(0.95) == 8_300_000
    assert summary.percentile_ns(0.99) is None, "hey did not reach it, and prints 0%"
    assert [point.ratio for point in summary.percentiles] == [0.1, 0.25, 0.5, 0.75, 0.9, 0.95]


def test_report_without_a_response(data: Path) -> None:
    summary = import_file(data / "hey_dead.txt")
    assert isinstance(summary, ImportedSummary)
    assert (summary.count, summary.error_count) == (4, 4)
    assert (summary.mean_ns, summary.max_ns, summary.percentiles) == (None, None, ())
    assert "connection refused: 4" in summary.notes[-1]


def test_a_report_that_lost_its_end_is_refused(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "cut.txt"
    path.write_text((data / "hey_dead.txt").read_text().partition("Error distribution")[0])
    with pytest.raises(InputError, match="counts 0 requests by status and error, of about 4"):
        import_file(path)
