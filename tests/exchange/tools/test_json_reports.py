"""JSON reports that hold a tool's own percentiles, each against the file's own numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.units import NS_PER_MS, NS_PER_S


def summary_of(path: Path) -> ImportedSummary:
    found = import_file(path)
    assert isinstance(found, ImportedSummary)
    return found


def written(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_autocannon_counts_whole_milliseconds(data: Path) -> None:
    summary = summary_of(data / "autocannon.json")
    assert (summary.count, summary.error_count, summary.duration_s) == (3235, 0, 2.02)
    assert (summary.mean_ns, summary.max_ns) == (1_270_000, 27 * NS_PER_MS)
    assert summary.min_ns is None, "autocannon's minimum is the smallest above 0"
    assert summary.percentile_ns(0.5) == 0
    assert summary.percentile_ns(0.975) == 8 * NS_PER_MS
    assert summary.percentile_ns(0.999) == 23 * NS_PER_MS
    assert f"{summary.started_at:%H:%M:%S}" == "16:12:53"
    assert "0 is less than 1 ms" in summary.notes[0]


def test_autocannon_with_failures_and_with_corrected_latencies(tmp_path: Path, data: Path) -> None:
    failing = summary_of(data / "autocannon_404.json")
    assert failing.error_count == failing.count == 3719
    corrected = summary_of(data / "autocannon_rate.json")
    assert corrected.count == 101
    assert "161 values, for 101 responses" in corrected.notes[1]
    whole = json.loads((data / "autocannon_404.json").read_text())
    whole |= {"mismatches": 4, "errors": 3, "timeouts": 1}
    mixed = summary_of(written(tmp_path / "x.json", whole))
    assert (mixed.count, mixed.error_count) == (3722, None), "a response may be both"
    kinds = "status not 2xx: 3,719, unexpected body: 4, no response: 2, timeout: 1"
    assert mixed.notes[-1] == f"errors: {kinds}"


def test_bombardier_counts_microseconds(tmp_path: Path, data: Path) -> None:
    summary = summary_of(data / "bombardier.json")
    assert (summary.url, summary.count, summary.error_count) == (
        "http://127.0.0.1:18766/health", 60, 0,
    )  # fmt: skip
    assert summary.mean_ns == 1_763_433
    assert (summary.percentile_ns(0.5), summary.percentile_ns(0.99)) == (782_000, 12_582_000)
    assert summary.max_ns == 13_004_000
    dead = summary_of(data / "bombardier_dead.json")
    assert (dead.count, dead.error_count) == (6, 6)
    assert dead.notes[-1] == "errors: dial tcp 127.0.0.1:1: connect: connection refused: 6"
    whole = json.loads((data / "bombardier.json").read_text())
    del whole["result"]["latency"]["percentiles"]
    bare = summary_of(written(tmp_path / "x.json", whole))
    assert (bare.percentiles, bare.max_ns) == ((), 13_004_000)
    assert bare.notes == ("bombardier writes percentiles with --latencies",)


def test_fortio_counts_seconds(tmp_path: Path, data: Path) -> None:
    summary = summary_of(data / "fortio.json")
    assert (summary.url, summary.count, summary.error_count) == (
        "http://127.0.0.1:18766/health", 60, 0,
    )  # fmt: skip
    assert (summary.min_ns, summary.max_ns) == (373_834, 36_041_501)
    assert summary.percentile_ns(0.9) == 8_500_000
    assert summary.duration_s == 1.202259168
    assert "at least 1 ms wide" in summary.notes[0]
    for name, kind in (("fortio_404", "code 404: 20"), ("fortio_dead", "no response: 6")):
        failing = summary_of(data / f"{name}.json")
        assert failing.error_count == failing.count
        assert failing.notes[-1] == f"errors: {kind}"
    whole = json.loads((data / "fortio_404.json").read_text())
    del whole["ErrorsDurationHistogram"]  # not in older versions
    assert summary_of(written(tmp_path / "x.json", whole)).error_count == 20


def test_artillery_counts_milliseconds(tmp_path: Path, data: Path) -> None:
    summary = summary_of(data / "artillery.json")
    assert (summary.count, summary.error_count) == (40, 20)
    assert summary.duration_s == pytest.approx(1.927)
    assert (summary.mean_ns, summary.max_ns) == (1_800_000, 17 * NS_PER_MS)
    assert summary.percentile_ns(0.99) == summary.percentile_ns(0.999) == 10_100_000
    assert summary.notes[-1] == "errors: status 404: 20"
    dead = summary_of(data / "artillery_dead.json")
    assert (dead.count, dead.error_count, dead.percentiles) == (20, 20, ())
    assert dead.notes[-1] == "errors: ECONNREFUSED: 20"


NIGHTHAWK = {
    "options": {"uri": "http://127.0.0.1/x"},
    "results": [
        {"name": "worker_0", "statistics": [], "counters": []},
        {
            "name": "global",
            "statistics": [
                {
                    "count": "600",
                    "id": "benchmark_http_client.request_to_response",
                    "percentiles": [
                        {"percentile": 0.5, "count": "300", "duration": "0.001700s"},
                        {"percentile": 0.9902, "count": "595", "duration": "0.003300s"},
                        {"percentile": 1, "count": "600", "duration": "0.009s"},
                    ],
                    "mean": "0.002s",
                    "min": "0.001s",
                    "max": "0.009s",
                }
            ],
            "counters": [
                {"name": "upstream_rq_total", "value": "604"},
                {"name": "benchmark.http_2xx", "value": "590"},
                {"name": "benchmark.http_5xx", "value": "10"},
                {"name": "benchmark.stream_resets", "value": "4"},
            ],
            "execution_duration": "10s",
            "execution_start": "2026-11-28T16:00:00.5Z",
        },
    ],
}


def test_nighthawk_writes_durations_as_text(tmp_path: Path) -> None:
    summary = summary_of(written(tmp_path / "x.json", NIGHTHAWK))
    assert (summary.count, summary.error_count, summary.rate_rps) == (604, 14, 60.4)
    assert (summary.mean_ns, summary.min_ns, summary.max_ns) == (2_000_000, 1_000_000, 9_000_000)
    assert summary.percentile_ns(0.99) == 3_300_000, "the next row above"
    assert summary.started_at_ns == 1_795_881_600 * NS_PER_S + NS_PER_S // 2
    assert summary.notes[-1] == "errors: status 5xx: 10, stream reset: 4"


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("fortio.json", '"Count": 60', '"Count": 60.5', "60.5 is not a count"),
        ("fortio.json", '"Count": 60', '"Count": true', "True is not a number"),
        ("fortio.json", '"Avg"', '"Awg"', "'Avg' is missing"),
        ("bombardier.json", '"max":13004', '"max":-1', "-1 is not a number of at least 0"),
        ("bombardier.json", '"50":782', '"500":782', "percentile '500' is above 100"),
        ("bombardier.json", '"50":782', '"50":1e30', r"1e\+30 is too large"),
        ("autocannon.json", '"max":27', '"max":NaN', "nan is not a number of at least 0"),
        ("artillery.json", '"aggregate": {', '"aggregate": {"period": [', "the JSON is broken"),
        ("artillery.json", '"counters"', '"kounters"', "'counters' is missing"),
    ],
)
def test_a_wrong_value_is_refused(
    tmp_path: Path, data: Path, name: str, old: str, new: str, says: str
) -> None:
    text = (data / name).read_text()
    assert old in text
    path = tmp_path / "wrong.json"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"{path}.*{says}"):
        import_file(path)


def test_the_first_kinds_of_errors_are_listed_without_secrets(tmp_path: Path, data: Path) -> None:
    whole = json.loads((data / "bombardier_dead.json").read_text())
    whole["result"]["errors"] = [
        {"description": f"Get http://u:hunter2@h/{n}?token=hunter2", "count": n}
        for n in range(1, 31)
    ]
    whole["result"]["errors"][-1]["description"] = "half \ud800 of a character"
    whole["result"]["others"] = 465
    summary = summary_of(written(tmp_path / "x.json", whole))
    assert "hunter2" not in summary.notes[-1]
    assert summary.notes[-1].isprintable()
    assert summary.notes[-1].endswith("10 other kinds")
