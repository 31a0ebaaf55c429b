"""vegeta's reports of the same results as text and JSON, and of requests that are here too."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run


def summary_of(path: Path) -> ImportedSummary:
    found = import_file(path)
    assert isinstance(found, ImportedSummary)
    return found


def test_a_report_agrees_with_its_requests(data: Path) -> None:
    summary, run = summary_of(data / "vegeta.summary.json"), import_file(data / "vegeta.json")
    assert isinstance(run, Run)
    assert summary.count == len(run.samples)
    assert summary.error_count == run.samples.error_count
    assert (summary.min_ns, summary.max_ns) == (
        run.samples.service_ns.min(),
        run.samples.service_ns.max(),
    )
    assert summary.started_at_ns == run.started_at_ns
    assert summary.duration_s == run.window_ns[1] / 1e9


@pytest.mark.parametrize("name", ["vegeta_report", "vegeta_report_failing"])
def test_text_and_json_are_the_same_report(data: Path, name: str) -> None:
    exact, rounded = summary_of(data / f"{name}.json"), summary_of(data / f"{name}.txt")
    assert (exact.count, exact.error_count) == (rounded.count, rounded.error_count)
    assert exact.notes == rounded.notes
    assert [point.ratio for point in exact.percentiles] == [0.5, 0.9, 0.95, 0.99]
    for one, other in zip(exact.percentiles, rounded.percentiles, strict=True):
        assert one.ratio == other.ratio
        assert other.value_ns == pytest.approx(one.value_ns, rel=1e-3)
    assert rounded.max_ns == pytest.approx(exact.max_ns, rel=1e-3)
    assert rounded.duration_s == pytest.approx(exact.duration_s, abs=1e-6)


def test_failures_are_counted_by_status(data: Path) -> None:
    summary = summary_of(data / "vegeta_report_failing.json")
    assert (summary.count, summary.error_count) == (20, 20)
    assert summary.notes[-1] == "errors: no response: 10, status 404: 10"


def test_a_report_that_lost_its_end(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "report.txt"
    text = (data / "vegeta_report.txt").read_text()
    path.write_text(text.partition("Bytes In")[0])
    summary = summary_of(path)
    assert (summary.count, summary.error_count) == (40, None)
    assert "failures are unknown" in summary.notes[-1]
    path.write_text(text[: text.index("\nBytes In") - 1])
    with pytest.raises(InputError, match="not a complete result of vegeta"):
        import_file(path)


def test_hdrplot(data: Path) -> None:
    summary, report = (
        summary_of(data / "vegeta_hdrplot.txt"),
        summary_of(data / "vegeta_report.json"),
    )
    assert (summary.tool, summary.count, summary.max_ns) == ("vegeta", 40, report.max_ns)
    assert summary.percentile_ns(0.5) == report.percentile_ns(0.5)
    assert summary.error_count is None
    micro = import_file(data / "vegeta_hdrplot.txt", unit="us")
    assert isinstance(micro, ImportedSummary)
    assert micro.max_ns == summary.max_ns, "the header names the unit"
