"""Each sample file against the summary that the tool itself printed for the same run."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchlab.errors import InputError, InvalidRunError
from benchlab.exchange import import_file
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.plan.shapes import Imported
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.store import Store
from benchlab.units import NS_PER_MS, NS_PER_S

RUNS = {
    "k6.json.gz": "k6",
    "k6.csv": "k6",
    "vegeta.json": "vegeta",
    "vegeta.csv": "vegeta",
    "oha.csv": "oha",
    "jmeter.csv.jtl": "JMeter",
    "jmeter.xml.jtl": "JMeter",
    "ab.tsv": "ab",
    "ghz.json": "ghz",
    "hey.csv": "hey",
    "simulation.txt": "Gatling",
}
SUMMARIES = [
    "oha.json",
    "oha_failing.json",
    "wrk2.txt",
    "wrk2.hgrm",
    "locust_stats_history.csv",
    "locust.summary.csv",
    "ab.csv",
    "autocannon.json",
    "fortio.json",
    "vegeta_hdrplot.txt",
]


def run_of(path: Path) -> Run:
    found = import_file(path)
    assert isinstance(found, Run)
    return found


def summary_of(path: Path, **options: Any) -> ImportedSummary:
    found = import_file(path, **options)
    assert isinstance(found, ImportedSummary)
    return found


@pytest.mark.parametrize(("name", "tool"), RUNS.items())
def test_an_imported_run_is_marked_as_imported(data: Path, name: str, tool: str) -> None:
    run = run_of(data / name)
    assert run.verdict == "imported"
    assert f"imported from {tool}" in (run.invalid_reason or "")
    assert dict(run.plan.tags) == {"imported_from": tool}
    assert isinstance(run.plan.load, Imported)
    assert run.summary.intended_rate_rps is None
    assert run.warnings[0].startswith("not in the file: intended times")
    assert f"{tool} on its machine" in run.floor_note
    assert run.floor is None
    with pytest.raises(InvalidRunError, match="is imported"):
        run.require_valid()
    records = run.samples.records
    assert list(records["seq"]) == list(range(len(records)))
    assert records["sent_ns"][0] == 0
    assert np.all(np.diff(records["sent_ns"]) >= 0)
    np.testing.assert_array_equal(records["intended_ns"], records["sent_ns"])
    assert run.window_ns == (0, int(records["done_ns"].max()))
    assert run.id == run_of(data / name).id


@pytest.mark.parametrize("name", ["k6.json.gz", "k6.csv"])
def test_k6(data: Path, name: str) -> None:
    run = run_of(data / name)
    expected = json.loads((data / f"{name.removesuffix('.gz')}.summary.json").read_text())[
        "metrics"
    ]
    count = expected["http_reqs"]["count"]
    assert len(run.samples) == count == 63
    assert run.samples.error_count == expected["http_req_failed"]["passes"] == 3
    assert run.samples.errors == {"status": 3}
    total_ms = count * (expected["http_req_duration"]["avg"] + expected["http_req_blocked"]["avg"])
    assert run.samples.service_ns.sum() == pytest.approx(total_ms * NS_PER_MS, abs=count)
    receiving_ns = run.samples.column("done_ns") - run.samples.column("first_byte_ns")
    total_ms = count * expected["http_req_receiving"]["avg"]
    assert receiving_ns.sum() == pytest.approx(total_ms * NS_PER_MS, abs=count)
    assert np.count_nonzero(run.samples.column("flags") & Flag.NEW_CONNECTION) == 3
    assert {name: part.count for name, part in run.by_endpoint().items()} == {
        "GET /health": 30,
        "add two vectors": 30,
        "GET /nothing": 3,
    }


@pytest.mark.parametrize("form", ["json", "csv"])
def test_vegeta(data: Path, form: str) -> None:
    run = run_of(data / f"vegeta.{form}")
    expected = json.loads((data / "vegeta.summary.json").read_text())
    service_ns = run.samples.service_ns
    assert len(run.samples) == expected["requests"]
    assert service_ns.sum() == expected["latencies"]["total"]
    assert (service_ns.min(), service_ns.max()) == (
        expected["latencies"]["min"],
        expected["latencies"]["max"],
    )
    assert run.samples.column("bytes_in").sum() == expected["bytes_in"]["total"]
    codes, counts = np.unique(run.samples.column("status"), return_counts=True)
    assert {str(code): n for code, n in zip(codes, counts, strict=True)} == expected["status_codes"]
    assert 1 - run.summary.error_ratio == pytest.approx(expected["success"])
    assert run.started_at_ns % NS_PER_S == 73112501
    assert f"{run.started_at:%Y-%m-%dT%H:%M:%S}" == expected["earliest"][:19]
    assert run.window_ns[1] == expected["duration"] + expected["wait"]


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_jmeter(data: Path, form: str) -> None:
    run = run_of(data / f"jmeter.{form}.jtl")
    text = (data / f"jmeter.{form}.summary.txt").read_text()
    expected = re.search(r"(\d+) in .* Avg: +(\d+) Min: +(\d+) Max: +(\d+) Err: +(\d+)", text)
    assert expected is not None
    count, mean, low, high, errors = map(int, expected.groups())
    service_ms = run.samples.service_ns / NS_PER_MS
    assert (len(run.samples), run.samples.error_count) == (count, errors)
    assert (service_ms.min(), service_ms.max()) == (low, high)
    assert int(service_ms.mean()) == mean
    assert set(run.samples.endpoints) == {"health", 'nothing, "quoted"'}
    assert run.plan.requests[0].url == "http://127.0.0.1:18765/health"


@pytest.mark.parametrize(("name", "count"), [("vegeta_dead.json", 5), ("k6_dead.csv", 3)])
def test_refused_connections_are_connect_errors(data: Path, name: str, count: int) -> None:
    run = run_of(data / name)
    assert run.samples.errors == {"connect": count}
    assert not run.samples.column("status").any()
    assert not run.samples.column("first_byte_ns").any()
    ((message, n),) = run.environment["imported"]["errors"].items()
    assert "connection refused" in message
    assert "hidden" not in message
    assert n == count


def test_oha_summary_of_refused_connections(data: Path) -> None:
    summary = summary_of(data / "oha_dead.json")
    assert (summary.count, summary.error_count, summary.percentiles) == (5, 5, ())
    assert (summary.mean_ns, summary.max_ns) == (None, None)
    assert "Connection refused (os error 111): 5" in " ".join(summary.notes)


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_transactions_of_jmeter_are_not_requests(data: Path, form: str) -> None:
    """3 users made 2 visits of each kind, of 2 requests each."""
    run = run_of(data / f"transactions.{form}.jtl")
    assert {name: part.count for name, part in run.by_endpoint().items()} == {
        "health": 12,
        'nothing, "quoted"': 12,
    }
    assert run.samples.errors == {"status": 12}
    assert {request.url.rpartition("/")[2] for request in run.plan.requests} == {
        "health", "nothing",
    }  # fmt: skip


def test_oha_requests(data: Path) -> None:
    run = run_of(data / "oha.csv")
    with (data / "oha.csv").open() as file:
        rows = list(csv.DictReader(file))
    duration_s = [float(row["request-duration"]) for row in rows]
    assert len(run.samples) == len(rows) == 60
    assert run.samples.service_ns.sum() == pytest.approx(sum(duration_s) * NS_PER_S, abs=len(rows))
    assert np.count_nonzero(run.samples.column("flags") & Flag.NEW_CONNECTION) == 3
    assert run.url == "http://unknown.invalid/"
    known = import_file(data / "oha.csv", url="http://127.0.0.1:18765/health")
    assert isinstance(known, Run)
    assert known.url == "http://127.0.0.1:18765/health"
    assert known.id == run.id


@pytest.mark.parametrize("name", ["oha.json", "oha_failing.json"])
def test_oha_summary(data: Path, name: str) -> None:
    summary = summary_of(data / name)
    expected = json.loads((data / name).read_text())
    assert summary.count == sum(expected["statusCodeDistribution"].values())
    assert summary.error_count == expected["statusCodeDistribution"].get("404", 0)
    assert summary.duration_s == expected["summary"]["total"]
    for ratio, key in ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")):
        value_ns = round(expected["latencyPercentiles"][key] * NS_PER_S)
        assert summary.percentile_ns(ratio) == value_ns
    assert summary.percentile_ns(0.42) is None
    assert summary.max_ns == round(expected["summary"]["slowest"] * NS_PER_S)


def test_wrk2(data: Path) -> None:
    text = (data / "wrk2.txt").read_text()
    summary, table = summary_of(data / "wrk2.txt"), summary_of(data / "wrk2.hgrm")
    assert summary.tool == "wrk2"
    assert summary.url == "http://127.0.0.1:18765/health"
    assert f"Requests/sec:     {summary.rate_rps}" in text
    assert (summary.count, summary.error_count, summary.duration_s) == (162, 0, 4.01)
    for percent, ratio in (("50.000", 0.5), ("75.000", 0.75), ("90.000", 0.9)):
        expected = re.search(rf"{percent}% +([\d.]+)ms", text)
        value_ns = summary.percentile_ns(ratio)
        assert expected is not None
        assert value_ns is not None
        assert value_ns / NS_PER_MS == pytest.approx(float(expected[1]), abs=0.0051)
    assert summary.percentile_ns(0.99) == 68_799_000, "the next row above 0.99"
    assert table.percentiles == summary.percentiles
    frame = table.to_pandas()
    assert list(frame.iloc[0]) == [0.0, 0.71, 1]
    assert frame["request_count"].iloc[-1] == 160
    assert (table.tool, table.url, table.count, table.rate_rps) == ("HdrHistogram", "", 160, None)
    assert (table.mean_ns, table.max_ns) == (8_095_000, 78_272_000)
    micro = summary_of(data / "wrk2.hgrm", unit="us")
    assert micro.max_ns == 78_272
    assert "taken to be us" in " ".join(micro.notes)


def test_locust(data: Path) -> None:
    summary = summary_of(data / "locust_stats_history.csv")
    with (data / "locust.summary.csv").open() as file:
        expected = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    assert summary.count == int(expected["Request Count"])
    assert summary.error_count == int(expected["Failure Count"])
    assert summary.mean_ns == round(float(expected["Average Response Time"]) * NS_PER_MS)
    assert summary.max_ns == round(float(expected["Max Response Time"]) * NS_PER_MS)
    assert summary.percentile_ns(0.99) is None, "not of the whole run"
    totals = summary_of(data / "locust.summary.csv")
    assert (totals.count, totals.error_count) == (summary.count, summary.error_count)
    assert (totals.mean_ns, totals.max_ns) == (summary.mean_ns, summary.max_ns)
    assert totals.percentile_ns(0.99) == 57 * NS_PER_MS
    assert len(summary.timeline) == 22
    assert {item.endpoint for item in summary.timeline} == {
        "", "GET /nothing", "POST /api/vector/add",
    }  # fmt: skip
    assert summary.timeline[0].percentiles == ()
    last = summary.timeline[-1]
    assert (last.request_count, last.user_count) == (108, 3)
    assert (last.percentiles[0].ratio, last.percentiles[0].value_ns) == (0.5, 5 * NS_PER_MS)


def test_importing_twice_stores_one_copy(closed_store: Store, data: Path) -> None:
    with closed_store.connect():
        for _ in range(2):
            for name in RUNS:
                closed_store.save(run_of(data / name))
            for name in SUMMARIES:
                closed_store.save_imported(summary_of(data / name))
        assert len(closed_store.runs()) == len(RUNS)
        assert set(closed_store.runs()["verdict"]) == {"imported"}
        rows = closed_store.query_df("SELECT count() AS n FROM samples")["n"][0]
        assert rows == sum(len(run_of(data / name).samples) for name in RUNS)
        assert len(closed_store.imports()) == len(SUMMARIES)
        lines = closed_store.query_df("SELECT count() AS n FROM imported_timeline")["n"][0]
        assert lines == 22


def test_imports_are_the_same_when_read_from_the_store(closed_store: Store, data: Path) -> None:
    with closed_store.connect():
        assert list(closed_store.imports().columns)[:2] == ["id", "tool"]
        for name in SUMMARIES:
            summary = summary_of(data / name)
            closed_store.save_imported(summary)
            assert closed_store.imported(summary.id[:9]) == summary
        table = closed_store.imports().set_index("id")
        for name in SUMMARIES:
            summary = summary_of(data / name)
            for ratio, column in ((0.5, "latency_p50_ms"), (0.99, "latency_p99_ms")):
                value_ns = summary.percentile_ns(ratio)
                found = table[column][summary.id]
                assert np.isnan(found) if value_ns is None else found == value_ns / 1e6
        run = run_of(data / "vegeta.json")
        closed_store.save(run)
        back = closed_store.load(run.id)
        assert back.samples.records.tobytes() == run.samples.records.tobytes()
        assert (back.plan, back.health, back.verdict) == (run.plan, run.health, "imported")
        assert back.summary == run.summary


def test_gzipped_and_plain_files_are_the_same_run(tmp_path: Path, data: Path) -> None:
    plain = tmp_path / "k6.json"
    plain.write_bytes(gzip.decompress((data / "k6.json.gz").read_bytes()))
    assert run_of(plain).id == run_of(data / "k6.json.gz").id


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, "anything", ErrorKind.STATUS),
        (200, "assertion failed", ErrorKind.CHECK),
        (200, "unexpected EOF", ErrorKind.CLOSED),
        (0, "dial tcp 127.0.0.1:1: connect: connection refused", ErrorKind.CONNECT),
        (0, "dial tcp: lookup nowhere: no such host", ErrorKind.CONNECT),
        (0, "context deadline exceeded (Client.Timeout exceeded)", ErrorKind.TIMEOUT),
        (0, "read tcp: read: connection reset by peer", ErrorKind.RESET),
        (0, "tls: failed to verify certificate: x509: unknown authority", ErrorKind.TLS),
        (0, "Non HTTP response code: org.apache.http.NoHttpResponseException", ErrorKind.CLOSED),
        (0, "malformed HTTP response", ErrorKind.PROTOCOL),
        (0, "", ErrorKind.CLOSED),
    ],
)
def test_error_messages_are_mapped_to_kinds(status: int, message: str, kind: ErrorKind) -> None:
    assert kind_of_failure(status, message) == kind


def test_an_imported_plan_cannot_be_run(data: Path) -> None:
    import benchlab as bl

    with pytest.raises(InputError, match="that vegeta sent, but not their load"):
        bl.run(run_of(data / "vegeta.json").plan)


def test_credentials_in_results_of_other_tools_are_not_imported(
    closed_store: Store, tmp_path: Path, data: Path
) -> None:
    secret = "hunter2"
    url = f"http://me:{secret}@127.0.0.1/x?token={secret}"
    hit = json.loads((data / "vegeta.json").read_text().splitlines()[0])
    hit |= {
        "code": 0,
        "url": url,
        "error": f'Get "{url}": dial tcp: connection refused, not http://[',
    }
    path = tmp_path / "hits.json"
    path.write_text(json.dumps(hit, separators=(",", ":")) + "\n")
    run = run_of(path)
    assert run.samples.errors == {"connect": 1}
    assert secret not in json.dumps([run.plan.to_dict(), dict(run.environment)])
    summary = summary_of(data / "wrk2.hgrm", url=url)
    closed_store.save_imported(summary)
    assert (
        summary.url
        == closed_store.imported(summary.id).url
        == "http://me:***@127.0.0.1/x?token=***"
    )


def test_a_report_of_an_imported_run_invents_no_facts(data: Path, tmp_path: Path) -> None:
    from benchlab.report import write_report

    page = (write_report(run_of(data / "k6.json.gz"), tmp_path / "report")).read_text()
    assert "k6 reports nothing about its own generator" in page
    assert "not in the file: intended times, bytes received" in page
    for invented in ("s per request", "driver http", "No request was dropped", "benchlab run http"):
        assert invented not in page
