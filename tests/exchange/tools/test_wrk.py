from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary


def summary_of(path: Path) -> ImportedSummary:
    found = import_file(path)
    assert isinstance(found, ImportedSummary)
    return found


def test_with_percentiles(data: Path) -> None:
    summary = summary_of(data / "wrk_latency.txt")
    assert (summary.tool, summary.url) == ("wrk", "http://127.0.0.1:18766/health")
    assert (summary.count, summary.error_count, summary.duration_s) == (7143, 0, 2.0)
    assert summary.rate_rps == 3563.23
    assert (summary.mean_ns, summary.max_ns) == (2_010_000, 51_040_000)
    assert [(point.ratio, point.value_ns) for point in summary.percentiles] == [
        (0.5, 980_000), (0.75, 1_270_000), (0.9, 3_420_000), (0.99, 27_270_000),
    ]  # fmt: skip


def test_without_percentiles(data: Path) -> None:
    summary = summary_of(data / "wrk.txt")
    assert (summary.count, summary.max_ns, summary.percentiles) == (4620, 33_530_000, ())
    assert "wrk prints percentiles with --latency" in summary.notes


def test_units_and_errors(tmp_path: Path, data: Path) -> None:
    failing = summary_of(data / "wrk_404.txt")
    assert failing.error_count == failing.count == 5781
    assert failing.percentile_ns(0.5) == 261_000, "printed in us, the others in ms"
    path = tmp_path / "wrk.txt"
    socket = "  Socket errors: connect 0, read 3, write 0, timeout 1\n"
    text = (data / "wrk_latency.txt").read_text()
    path.write_text(
        text.replace("27.27ms", "1.50m ").replace("Requests/sec", f"{socket}Requests/sec")
    )
    summary = summary_of(path)
    assert summary.percentile_ns(0.99) == 90_000_000_000
    assert (summary.error_count, summary.notes[-1]) == (4, "errors: read: 3, timeout: 1")


def test_an_output_that_was_cut_off_is_refused(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "wrk.txt"
    path.write_text((data / "wrk.txt").read_text().partition("Requests/sec")[0])
    with pytest.raises(InputError, match="its end, with the number of requests"):
        import_file(path)
