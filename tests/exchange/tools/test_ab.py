"""The three files that ab wrote of one run, and one of a run with wrong statuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from benchlab.units import NS_PER_MS


def summary_of(path: Path) -> ImportedSummary:
    found = import_file(path)
    assert isinstance(found, ImportedSummary)
    return found


def test_the_report(data: Path) -> None:
    summary = summary_of(data / "ab.txt")
    assert (summary.tool, summary.url) == ("ab", "http://127.0.0.1:18766/health")
    assert (summary.count, summary.error_count) == (60, 0)
    assert (summary.duration_s, summary.rate_rps) == (0.024, 2513.83)
    assert (summary.min_ns, summary.max_ns) == (NS_PER_MS, 2 * NS_PER_MS)
    assert [point.ratio for point in summary.percentiles] == [
        0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0,
    ]  # fmt: skip
    assert summary.percentile_ns(0.95) == 2 * NS_PER_MS


def test_the_percentiles_and_the_requests_are_those_of_the_report(data: Path) -> None:
    report, table, run = (import_file(data / f"ab.{ending}") for ending in ("txt", "csv", "tsv"))
    assert isinstance(table, ImportedSummary)
    assert isinstance(report, ImportedSummary)
    assert isinstance(run, Run)
    for ratio in (0.5, 0.9, 0.95, 0.99):
        exact, rounded = table.percentile_ns(ratio), report.percentile_ns(ratio)
        assert exact is not None
        assert rounded == (exact + NS_PER_MS // 2) // NS_PER_MS * NS_PER_MS
    assert (table.count, table.error_count, table.duration_s) == (None, None, None)
    assert table.max_ns == 1_677_000
    assert len(run.samples) == report.count
    assert run.samples.service_ns.max() == report.max_ns
    assert not np.count_nonzero(run.samples.column("status"))
    assert "statuses and failures" in run.environment["imported"]["not_in_the_file"]


@pytest.mark.parametrize(
    ("lines", "errors", "kinds"),
    [
        ("Failed requests:        0\nNon-2xx responses:      20\n", 20, "status not 2xx: 20"),
        (
            "Failed requests:        5\n   (Connect: 0, Receive: 2, Length: 0, Exceptions: 3)\n"
            "Non-2xx responses:      20\n",
            25,
            "status not 2xx: 20, exception: 3, receive: 2",
        ),
        (
            "Failed requests:        5\n   (Connect: 0, Receive: 0, Length: 5, Exceptions: 0)\n"
            "Non-2xx responses:      20\n",
            None,
            "status not 2xx: 20, length: 5",
        ),
    ],
)
def test_failures_that_may_overlap_are_not_added(
    tmp_path: Path, data: Path, lines: str, errors: int | None, kinds: str
) -> None:
    path = tmp_path / "ab.txt"
    text = (data / "ab.txt").read_text()
    path.write_text(text.replace("Failed requests:        0\n", lines))
    summary = summary_of(path)
    assert summary.error_count == errors
    assert summary.notes[-1] == f"errors: {kinds}"


def test_files_that_were_cut_off_are_refused(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "cut"
    text = (data / "ab.txt").read_text()
    path.write_text(text[: text.index(" 100%")])
    with pytest.raises(InputError, match="with the percentiles up to 100%, is missing"):
        import_file(path)
    path.write_text("".join((data / "ab.csv").read_text().splitlines(keepends=True)[:90]))
    with pytest.raises(InputError, match=rf"{path}:90: the table was cut off"):
        import_file(path)
