"""The commands as a user types them: real processes, real output, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from benchlab import ConstantRate, Plan, Request, run, spool
from benchlab.bundled import TargetProcess
from benchlab.cli.exit_codes import EXIT_CODES
from tests.cli.in_process import Benchlab
from tests.docs.pages import DOCS, blocks

pytestmark = pytest.mark.usefixtures("closed_store")

KEYS = [
    "run_id",
    "name",
    "url",
    "started_at",
    "duration_s",
    "count",
    "error_count",
    "error_ratio",
    "errors",
    "rate_rps",
    "intended_rate_rps",
    "latency_ns",
    "service_ns",
    "lag_ns",
    "tries",
    "streams",
    "verdict",
    "invalid_reason",
    "hint",
    "warnings",
    "floor_ns",
    "floor_note",
    "stop_reason",
    "slo",
    "examples",
    "faults",
    "hosts",
    "endpoints",
    "steady_state",
    "littles_law",
    "modes",
    "fidelity",
]
STATISTICS = ["mean", "min", "p50", "p90", "p95", "p99", "p99_9", "max"]
INTERVAL = ["low", "high", "n_eff"]


def benchlab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchlab", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--rate", "x"], "Invalid value for '--rate' / '-r': 'x' is not a valid float"),
        (["run"], "Missing argument 'URL|PLAN.toml'"),
    ],
)
def test_invalid_arguments_are_one_line_with_a_hint(arguments: list[str], line: str) -> None:
    done = benchlab(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"benchlab: {line}: see benchlab run --help\n",
    )


def test_run_writes_exactly_the_promised_json(target: TargetProcess) -> None:
    done = benchlab(
        "run",
        f"{target.url}/api/vector/add",
        "--body",
        '{"a": [1, 2], "b": [3, 4]}',
        "--rate",
        "100",
        "--duration",
        "1s",
        "--warmup",
        "200ms",
        "--name",
        "a name",
        "--tag",
        "k=v",
        "--json",
        "-",
    )
    result = json.loads(done.stdout)
    assert done.returncode == EXIT_CODES[result["verdict"]], done.stderr
    assert list(result) == KEYS
    for name in ("latency_ns", "service_ns", "lag_ns"):
        found = {key: value for key, value in result[name].items() if key in STATISTICS}
        assert list(found) == STATISTICS
        assert all(isinstance(value, int) for value in found.values())
    with_interval = [key for key in STATISTICS if key.startswith("p")]
    intervals = [f"{key}_{part}" for key in with_interval for part in INTERVAL]
    assert set(result["latency_ns"]) == {*STATISTICS, *intervals}
    assert result["count"] == 100
    assert result["errors"] == {}
    assert result["name"] == "a name"
    assert result["intended_rate_rps"] == 100
    assert "p99.9" in done.stderr
    assert result["floor_ns"] is None
    assert result["floor_note"] == "not calibrated on this host: run benchlab calibrate"
    assert result["floor_note"] in done.stderr
    assert "saved in" in done.stderr

    shown = benchlab("show", "latest", "--json")
    assert json.loads(shown.stdout) == result
    history = benchlab("history")
    assert result["run_id"] in history.stdout
    rows = benchlab(
        "query",
        "SELECT * FROM benchmark_results ORDER BY timestamp DESC LIMIT 10",
        "--json",
    )
    (row,) = json.loads(rows.stdout)
    assert row["total_requests"] == 100
    assert row["p99_latency"] == pytest.approx(result["latency_ns"]["p99"] / 1e9)
    assert row["avg_latency"] == pytest.approx(result["latency_ns"]["mean"] / 1e9, abs=1e-9)
    assert {"timestamp", "endpoint", "p95_latency", "min_latency", "max_latency"} <= set(row)


def test_a_closed_loop_is_the_default_and_has_no_intended_rate(target: TargetProcess) -> None:
    done = benchlab(
        "run", f"{target.url}/health", "-c", "2", "--duration", "300ms", "--warmup", "0s",
        "--no-save", "--json", "-",
    )  # fmt: skip
    assert json.loads(done.stdout)["intended_rate_rps"] is None
    assert list(spool.pending()) == []


def test_csv_files_are_written(target: TargetProcess, tmp_path: Path) -> None:
    done = benchlab(
        "run", f"{target.url}/health", "-r", "50", "--duration", "500ms", "--no-save",
        "--csv", str(tmp_path / "out"), "--json", str(tmp_path / "result.json"),
        "--report", str(tmp_path / "report"),
    )  # fmt: skip
    result = json.loads((tmp_path / "result.json").read_text())
    assert done.returncode == EXIT_CODES[result["verdict"]], done.stderr
    assert "p99.9" in done.stdout
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert summary["count"].item() == 25
    histogram = pd.read_csv(tmp_path / "out" / "histogram.csv")
    assert histogram.filter(like="count").iloc[:, 0].sum() == 25
    assert (tmp_path / "out" / "timeseries.csv").exists()
    assert f"report: {tmp_path}/report/report.html" in done.stderr
    assert result["run_id"] in (tmp_path / "report" / "report.html").read_text()
    assert (tmp_path / "report" / "summary.csv").exists()
    assert result["count"] == 25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "127.0.0.1:8000/x"], "no scheme"),
        (["run", "ftp://127.0.0.1/"], "'ftp'"),
        (
            ["run", "http://127.0.0.1/", "--rate", "-5"],
            "--rate=-5.0 must be a number of requests/s, above 0",
        ),
        (["run", "http://127.0.0.1/", "--rate", "0"], "--rate 0"),
        (["run", "http://127.0.0.1/", "--duration", "10 parsecs"], "parsecs"),
        (["run", "http://127.0.0.1/", "--duration", "0s"], "--duration=0.0 must be"),
        (["run", "http://127.0.0.1/", "--connections", "0"], "--connections=0 must be"),
        (["run", "http://127.0.0.1/", "--workers", "99", "-c", "2"], "2 connections"),
        (["run", "http://127.0.0.1/", "--key", "k"], "--key: it is given without a certificate: "),
        (["run", "http://127.0.0.1/", "--ca-file", "/no/ca"], "--ca-file='/no/ca' cannot be used"),
        (["run", "http://127.0.0.1/", "--cert", "/no/cert"], "--cert='/no/cert' cannot be used"),
        (["run", "http://127.0.0.1/", "--header", "secret"], "--header number 1 has no colon"),
        (["run", "http://127.0.0.1/", "--body", "@/no/such/file"], "/no/such/file"),
        (["run", "http://127.0.0.1/", "--tag", "x"], "key=value"),
        (["run", "http://127.0.0.1/", "-d", "5s"], "write --duration 5s for"),
        (["run", "http://127.0.0.1/", "--vus", "9"], "write --connections 9 for"),
        (["run", "/x", "--target", "a=http://h", "--target", "http://me:pw@h"], "://me:***@h has"),
        (["run", "/x", "--target", "a=http://h", "--target", "a=http://i"], "are called a"),
        (["show", "--json", "latest"], "--json has 'latest' for its file"),
        (["run", "http://127.0.0.1/", "--slo", "p99<50"], "no unit: write 50ms"),
        (["run", "http://127.0.0.1/", "--slo", "speed<50ms"], "unknown metric 'speed': use mean"),
        (["run", "http://127.0.0.1/", "--slo", "p99<5ms over 1m"], "none would be complete"),
        (
            ["run", "http://127.0.0.1/", "--abort-on", "p99[x]<5ms"],
            "--abort-on='p99[x]<5ms' is",
        ),
        (["run", "http://127.0.0.1/", "--no-such-option"], "--no-such-option"),
        (["run", "http://127.0.0.1/", "--driver", "curl"], "curl"),
        (["report", "no_such_notebook"], "no_such_notebook"),
        (["report", "01_benchmark", "-p", "no_such_parameter", "1"], "no_such_parameter"),
        (["report", "01_benchmark", "-p", "rate_rps", "fast"], "'fast'"),
        (["report", "deadbeefdeadbeef"], "benchlab history"),
        (["show", "deadbeefdeadbeef"], "benchlab history"),
        (["sweep", "01_benchmark"], "nothing to vary"),
        (["sweep", "01_benchmark", "-g", "rate_rps"], "name=v1,v2"),
        (["sweep", "01_benchmark", "-g", "rate=1,2"], "'rate'"),
        (["ingest", "/no/such/file"], "/no/such/file"),
        (["run", "http://a..b/"], "impossible host"),
        (["sweep", "01_benchmark", "-g", "seed=1", "-p", "seed", "2"], "both an axis and fixed"),
        (["target", "--otlp-dir", "/proc/nope"], "/proc/nope"),
        (["target", "--port", "99999"], "99999"),
        (
            ["target", "--fault-token", "x"],
            "--fault-token: it lets nobody set faults: add --faults",
        ),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    benchlab_here: Benchlab, arguments: list[str], message: str
) -> None:
    done = benchlab_here(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_target_with_an_unusable_environment_reports_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    done = benchlab("target", "--port", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("benchlab: the target cannot start: OTEL_EXPORTER_OTLP_PROTOCOL")
    assert len(done.stderr.splitlines()) == 1


def test_unwritable_outputs_are_reported_before_the_run(
    benchlab_here: Benchlab, target: TargetProcess, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for option, place in (
        ("--json", tmp_path / "no" / "x.json"),
        ("--csv", tmp_path / "file" / "x"),
        ("--report", tmp_path / "file" / "x"),
    ):
        done = benchlab_here("run", f"{target.url}/health", option, str(place))
        assert done.returncode == 2
        assert f"cannot write {place}" in done.stderr
    assert list(spool.pending()) == []
    assert "no runs yet" in benchlab_here("history").stderr


def test_small_numbers_are_not_rounded_away(benchlab_here: Benchlab) -> None:
    done = benchlab_here("query", "SELECT 0.00000123 AS tiny, 12345.678 AS large")
    assert done.stdout.split() == ["tiny", "large", "1.23e-06", "12345.7"]


def test_recover_saves_the_other_runs_after_a_bad_spool(target: TargetProcess) -> None:
    plan = Plan([Request("GET", f"{target.url}/health")], ConstantRate(50), duration_s=0.2)
    first, second = run(plan), run(plan)
    assert first.spool is not None
    (first.spool / "run.json").write_text("{}")
    done = benchlab("recover")
    assert done.returncode == 1
    assert f"{first.spool / 'run.json'}: format=None is unknown" in done.stderr
    assert f"{second.id}:" in done.stderr
    assert second.id in benchlab("history").stdout


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/", "cannot connect"),
        ("http://no-such-host.invalid/", "unknown"),
    ],
)
def test_an_unreachable_service_is_one_clear_line_and_exit_code_1(
    benchlab_here: Benchlab, url: str, message: str
) -> None:
    done = benchlab_here("run", url, "--duration", "1s")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_error_in_a_query_is_one_clear_line(benchlab_here: Benchlab) -> None:
    done = benchlab_here("query", "SELECT no_such_column FROM runs")
    assert done.returncode == 2
    assert "no_such_column" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_query_changes_the_store_only_with_write(benchlab_here: Benchlab) -> None:
    assert benchlab_here("query", "CREATE TABLE mine (x UInt8) ENGINE = Memory").returncode != 0
    done = benchlab_here(
        "query", "CREATE TABLE mine (x UInt8) ENGINE = MergeTree ORDER BY x", "--write"
    )
    assert done.returncode == 0, done.stderr


def test_an_unwritable_store_is_reported_before_the_run(
    benchlab_here: Benchlab, target: TargetProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCHLAB_DSN", f"chdb://{tmp_path}/file/store")
    done = benchlab_here("run", f"{target.url}/health", "--duration", "1s")
    assert done.returncode == 4
    assert f"{tmp_path}/file" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(spool.pending()) == []


def test_ctrl_c_saves_the_run_and_leaves_no_process(target: TargetProcess) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchlab", "run", f"{target.url}/health", "--rate", "100",
         "--duration", "60s", "--warmup", "0s", "--json", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    workers = _wait_for_samples(process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    result = json.loads(output)
    assert result["verdict"] == "interrupted"
    assert result["count"] > 0
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert result["run_id"] in benchlab("history").stdout


def test_recover_saves_what_a_killed_process_left(target: TargetProcess) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchlab", "run", f"{target.url}/health", "--rate", "100",
         "--duration", "60s", "--warmup", "0s"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    workers = _wait_for_samples(process)
    process.kill()
    process.wait()
    assert not psutil.wait_procs(workers, timeout=10)[1]
    listed = benchlab("recover", "--list")
    assert "interrupted" in listed.stdout
    assert benchlab("recover").returncode == 0
    assert "interrupted" in benchlab("history").stdout
    assert list(spool.pending()) == []
    assert "nothing to recover" in benchlab("recover").stderr


def test_the_target_serves_and_stops_on_signals(tmp_path: Path) -> None:
    import httpx

    command = [sys.executable, "-m", "benchlab", "target", "--port", "0"]
    closed, process = (
        subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
        for options in ([], ["--otlp-dir", str(tmp_path), "--grpc-port", "0", "--faults"])
    )
    assert closed.stderr is not None
    assert process.stderr is not None
    assert closed.stderr.readline().startswith("target at ")
    closed.send_signal(signal.SIGHUP)
    url = process.stderr.readline().split()[2]
    response = httpx.post(f"{url}/api/vector/sub", json={"a": [5, 7], "b": [1, 2]})
    assert response.json() == {"result": [4, 5]}
    assert process.stderr.readline().startswith("gRPC at grpc://127.0.0.1:")
    assert process.stderr.readline() == f"faults at {url}/faults\n"
    assert httpx.get(f"{url}/faults").json()["requests_served"] == 1
    process.send_signal(signal.SIGINT)
    for ended in (closed, process):
        _, rest = ended.communicate(timeout=30)
        assert ended.returncode == 0, rest
        assert "Traceback" not in rest
    ingested = benchlab("ingest", str(tmp_path))
    assert ingested.returncode == 0, ingested.stderr
    spans = benchlab("query", "SELECT count() AS n FROM otel_traces", "--format", "csv")
    assert spans.stdout.split() == ['"n"', "2"] or spans.stdout.split() == ["n", "2"]


def test_notebooks_are_copied_and_never_overwritten(
    benchlab_here: Benchlab, tmp_path: Path
) -> None:
    done = benchlab_here("notebooks", str(tmp_path / "mine"))
    assert done.returncode == 0
    assert (tmp_path / "mine" / "01_benchmark.ipynb").exists()
    again = benchlab_here("notebooks", str(tmp_path / "mine"))
    assert again.returncode == 2
    assert "exists already" in again.stderr


def _wait_for_samples(
    process: subprocess.Popen[str] | subprocess.Popen[bytes],
) -> list[psutil.Process]:
    from benchlab.paths import spool_root

    while not any(path.stat().st_size > 1000 for path in spool_root().glob("*/samples-*.bin")):
        assert process.poll() is None, "the run ended before it measured anything"
        time.sleep(0.05)
    return psutil.Process(process.pid).children(recursive=True)


def test_show_reports_how_complete_the_traces_are(target: TargetProcess) -> None:
    run_it = ["run", f"{target.url}/health", "-r", "50", "--duration", "1s", "--warmup", "0s"]
    done = benchlab(*run_it, "--trace-ratio", "1", "--json", "-")
    assert done.returncode == EXIT_CODES[json.loads(done.stdout)["verdict"]], done.stderr
    shown = benchlab("show", "latest")
    assert "Server spans for 0 of 50 sampled requests (0.00 %). No span was found" in shown.stdout
    traces = json.loads(benchlab("show", "latest", "--json").stdout)["traces"]
    assert (traces["sampled"], traces["found"]) == (50, 0)
    assert traces["cause"].startswith("No span was found")


def test_a_broken_objective_is_shown_and_exit_code_3(target: TargetProcess) -> None:
    run_it = ["run", f"{target.url}/health", "-r", "50", "--duration", "1s", "--warmup", "0s"]
    done = benchlab(*run_it, "--json", "-", "--slo", "p99<1ns", "--slo", "p50<1h over 500ms")
    assert done.returncode == 2
    assert "'h'" in done.stderr
    done = benchlab(*run_it, "--json", "-", "--slo", "p99<1ns", "--slo", "error_count<=0 over .5s")
    result = json.loads(done.stdout)
    assert done.returncode == 3
    assert "verdict valid · 1 of 2 objectives broken" in done.stderr
    assert "valid · 1 of 2 objectives broken" in benchlab("history").stdout
    assert [(item["objective"], item["met"]) for item in result["slo"]] == [
        ("p99<1ns", False),
        ("error_count<=0 over .5s", True),
    ]
    assert "broken" in done.stderr
    assert "of 2 windows" in done.stderr
    again = benchlab("show", "latest", "--json")
    assert json.loads(again.stdout) == result


def test_a_dry_run_of_a_plan_file_is_a_plan_file(target: TargetProcess, tmp_path: Path) -> None:
    (example,) = blocks(DOCS / "plan-file.md", "toml")
    plan, again = tmp_path / "checkout.toml", tmp_path / "again.toml"
    plan.write_text(example.text.replace("http://127.0.0.1:8000", target.url))
    quick = ["--duration", "500ms", "--warmup", "0s", "--slo", "error_count<=0"]
    shown = benchlab("run", str(plan), "--dry-run", *quick)
    assert shown.returncode == 0, shown.stderr
    assert "# 100 requests in the measured window" in shown.stdout
    again.write_text(shown.stdout)
    assert benchlab("run", str(again), "--dry-run").stdout == shown.stdout
    assert "no runs yet" in benchlab("history").stderr
    done = benchlab("run", str(plan), *quick, "--json", "-")
    result = json.loads(done.stdout)
    assert done.returncode == EXIT_CODES[result["verdict"]], done.stderr
    assert (result["name"], result["count"], result["error_count"]) == ("checkout", 100, 0)
    assert [item["objective"] for item in result["slo"]] == ["error_count<=0"]


def test_a_run_stopped_by_its_plan_is_exit_code_3(target: TargetProcess) -> None:
    done = benchlab(
        "run", f"{target.url}/no-such-path", "-r", "100", "--duration", "60s", "--warmup", "0s",
        "--abort-on", "error_ratio>0.5",
    )  # fmt: skip
    assert done.returncode == 3
    shown = "interrupted · 100 % failed: stopped by abort_on error_ratio>0.5: 1 after"
    assert shown in done.stdout
    shown = json.loads(benchlab("show", "latest", "--json").stdout)
    assert shown["stop_reason"].startswith("stopped by abort_on")
