"""k6's summaries in their three forms, against k6's requests where both are of one run."""

from __future__ import annotations

import json
from pathlib import Path

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


@pytest.mark.parametrize("name", ["k6.json.gz", "k6.csv"])
def test_an_export_agrees_with_its_requests(data: Path, name: str) -> None:
    run = import_file(data / name)
    assert isinstance(run, Run)
    path = data / f"{name.removesuffix('.gz')}.summary.json"
    summary, values = summary_of(path), json.loads(path.read_text())["metrics"]
    assert (summary.count, summary.error_count) == (len(run.samples), run.samples.error_count)
    duration = values["http_req_duration"]
    assert summary.mean_ns == round(duration["avg"] * NS_PER_MS)
    assert summary.percentile_ns(0.5) == round(duration["med"] * NS_PER_MS)
    assert summary.percentile_ns(0.95) == round(duration["p(95)"] * NS_PER_MS)
    assert summary.percentile_ns(0.99) is None
    assert (summary.duration_s, summary.started_at_ns) == (None, None)
    assert "are not in k6's http_req_duration" in summary.notes[0]


def test_handle_summary(data: Path) -> None:
    summary = summary_of(data / "k6_handle_summary.json")
    assert (summary.count, summary.error_count) == (36, 6)
    assert summary.duration_s == pytest.approx(0.040760611)
    assert (summary.min_ns, summary.max_ns) == (296_758, 7_064_414)
    assert [point.ratio for point in summary.percentiles] == [0.5, 0.9, 0.95]


def test_the_machine_readable_form(data: Path) -> None:
    summary = summary_of(data / "k6_machine_summary.json")
    assert (summary.count, summary.error_count) == (37, 7)
    assert summary.duration_s == 0.061756375
    assert summary.rate_rps == pytest.approx(37 / 0.061756375)
    assert f"{summary.started_at:%Y-%m-%dT%H:%M:%S}" == "2026-11-28T16:15:46"
    assert summary.percentile_ns(0.95) == 5_321_874


def test_percentiles_of_any_name_and_failed_checks(tmp_path: Path, data: Path) -> None:
    whole = json.loads((data / "k6_handle_summary.json").read_text())
    whole["metrics"]["http_req_duration"]["values"] |= {"p(99.99)": 7, "count": 36}
    whole["metrics"]["checks"]["values"] |= {"passes": 28, "fails": 2}
    path = tmp_path / "k6.json"
    path.write_text(json.dumps(whole))
    summary = summary_of(path)
    assert summary.percentile_ns(0.9999) == 7 * NS_PER_MS
    assert summary.notes[-1] == "2 of 30 checks failed"


def test_a_summary_without_http_is_refused(tmp_path: Path, data: Path) -> None:
    whole = json.loads((data / "k6_handle_summary.json").read_text())
    del whole["metrics"]["http_reqs"]
    path = tmp_path / "k6.json"
    path.write_text(json.dumps(whole))
    with pytest.raises(InputError, match=rf"{path}: the summary has no HTTP requests"):
        import_file(path)
