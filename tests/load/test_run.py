"""Carrying out plans: exact counts and windows, and a clean end in every case."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchlab import (
    BenchlabError,
    ClosedLoop,
    ConstantRate,
    Plan,
    PoissonRate,
    Recording,
    Request,
    run,
    run_async,
    spool,
)
from benchlab.bundled import TargetProcess
from benchlab.errors import InputError, TargetError
from benchlab.load.supervisor.progress import Progress
from benchlab.samples.samples import Flag
from tests.load.servers import HTTP1_DRIVERS, always, ok, serving

BODY = {"a": [1, 2], "b": [3, 4]}


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("driver", HTTP1_DRIVERS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_constant_rate_sends_exactly_its_schedule(
    target: TargetProcess, driver: str, workers: int
) -> None:
    plan = Plan(
        [Request("POST", f"{target.url}/api/vector/add", json=BODY)],
        ConstantRate(200),
        duration_s=1,
        warmup_s=0.25,
        workers=workers,
        driver=driver,
    )
    result = run(plan)
    schedule = np.concatenate([block.intended_ns for block in plan.arrivals()])
    assert result.summary.count == 200
    assert len(result.samples.warmup) == 50
    assert result.summary.errors == {}
    assert list(result.samples.column("seq")) == list(range(250))
    assert np.array_equal(result.samples.column("intended_ns"), schedule)
    assert result.samples.lag_ns.min() >= 0
    assert (result.samples.column("first_byte_ns") > result.samples.column("sent_ns")).all()
    assert (result.samples.column("done_ns") >= result.samples.column("first_byte_ns")).all()
    assert result.summary.duration_s == 1.0
    assert result.summary.intended_rate_rps == 200
    in_time = (result.measured.column("done_ns") <= plan.end_ns).sum()
    assert result.summary.rate_rps == in_time


def test_poisson_arrivals_are_those_of_the_plan(target: TargetProcess) -> None:
    plan = Plan([Request("GET", f"{target.url}/health")], PoissonRate(300), duration_s=1, seed=7)
    result = run(plan)
    schedule = np.concatenate([block.intended_ns for block in plan.arrivals()])
    assert np.array_equal(result.samples.column("intended_ns"), schedule)
    assert result.summary.intended_rate_rps == plan.intended_count() == result.summary.count


def test_a_closed_loop_keeps_its_connections_busy() -> None:
    with serving(always(ok())) as url:
        result = run(Plan([Request("GET", url)], ClosedLoop(3), duration_s=0.5, warmup_s=0.2))
    assert result.summary.count > 30
    assert result.summary.errors == {}
    assert (result.samples.lag_ns == 0).all()
    assert result.health.workers[0].in_flight_max == 3
    assert result.health.workers[0].connections_opened == 3
    assert len(np.unique(result.samples.column("seq"))) == len(result.samples)
    assert (result.measured.column("intended_ns") >= 200_000_000).all()


def test_requests_are_mixed_by_weight() -> None:
    with serving(always(ok())) as url:
        requests = [
            Request("GET", f"{url}a", name="often", weight=3),
            Request("GET", f"{url}b", name="rarely", weight=1),
        ]
        result = run(Plan(requests, ConstantRate(400), duration_s=1))
    counts = {name: summary.count for name, summary in result.by_endpoint().items()}
    assert sum(counts.values()) == 400
    assert 250 < counts["often"] < 350


@pytest.mark.parametrize("driver", HTTP1_DRIVERS)
def test_requests_of_one_connection_have_its_number(driver: str) -> None:
    with serving(always(ok())) as url:
        plan = Plan(
            Request("GET", url),
            ClosedLoop(3),
            request_count=90,
            warmup_s=0,
            workers=2,
            driver=driver,
        )
        result = run(plan)
    numbers = result.samples.column("connection")
    opened = result.samples.column("flags") & Flag.NEW_CONNECTION
    assert set(numbers) == {1, 2, 3}
    assert np.count_nonzero(opened) == (3 if driver == "httpx" else 0)
    assert {1, 3} == set(numbers[result.samples.column("seq") % 2 == 0])


def test_waiting_for_the_connection_cap_is_lag_and_drops_nothing() -> None:
    def slow(connection: socket.socket, _request: bytes, _number: int) -> bool:
        time.sleep(0.02)
        connection.sendall(ok())
        return True

    with serving(slow) as url:
        plan = Plan([Request("GET", url)], ConstantRate(200), duration_s=0.5, max_connections=2)
        result = run(plan)
    waited = (result.samples.column("flags") & Flag.CAP_WAIT) != 0
    assert result.summary.count == 100
    assert result.summary.errors == {}
    assert result.summary.lag_ns is not None
    assert result.summary.lag_ns.max > 300_000_000
    assert waited.sum() == result.health.workers[0].cap_wait_count > 80
    own = result.samples.lag_ns[~waited]
    assert own.max() < result.summary.lag_ns.max
    assert result.summary.intended_rate_rps == 200
    assert result.summary.rate_rps < 150  # two connections, 50 responses/s each


def test_requests_left_after_draining_are_abandoned_not_dropped() -> None:
    def silent(_connection: socket.socket, _request: bytes, _number: int) -> bool:
        return True

    with serving(silent) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(100),
            duration_s=0.2,
            max_connections=5,
            drain_s=0.2,
        )
        result = run(plan)
    assert result.summary.errors == {"abandoned": 20}


def test_trace_context_is_sampled_at_the_given_ratio() -> None:
    seen: list[bytes] = []

    def note(connection: socket.socket, request: bytes, _number: int) -> bool:
        seen.extend(line for line in request.split(b"\r\n") if line.startswith(b"traceparent"))
        connection.sendall(ok())
        return True

    with serving(note) as url:
        plan = Plan([Request("GET", url)], ConstantRate(400), duration_s=0.5, trace_ratio=0.5)
        result = run(plan)
    assert len(seen) == 200
    ids = {line.split(b"-")[1].decode() for line in seen}
    assert ids == {f"{result.id}{seq:016x}" for seq in range(200)}
    assert 60 < sum(line.endswith(b"-01") for line in seen) < 140


def test_progress_is_reported_until_the_end(target: TargetProcess) -> None:
    looks: list[Progress] = []
    plan = Plan([Request("GET", f"{target.url}/health")], ConstantRate(100), duration_s=1)
    run(plan, on_progress=looks.append)
    assert [look.count for look in looks] == sorted(look.count for look in looks)
    assert looks[-1].count == 100
    assert looks[-1].p99_ns is not None
    assert looks[0].total_s == 1


def test_cancelling_returns_what_was_measured(target: TargetProcess) -> None:
    plan = Plan([Request("GET", f"{target.url}/health")], ConstantRate(100), duration_s=60)

    async def cancelled() -> None:
        measuring = asyncio.Event()
        task = asyncio.create_task(
            run_async(plan, on_progress=lambda look: measuring.set() if look.count else None)
        )
        await measuring.wait()
        task.cancel()
        result = await task
        assert result.verdict == "interrupted"
        assert result.summary.count > 0

    asyncio.run(cancelled())


def test_run_works_inside_an_event_loop_which_keeps_running(target: TargetProcess) -> None:
    script = f"""
import asyncio, benchlab as bl
turns = 0
async def tick():
    global turns
    while True:
        turns += 1
        await asyncio.sleep(0.01)
async def main():
    asyncio.create_task(tick())
    plan = bl.Plan([bl.Request("GET", "{target.url}/health")], bl.ConstantRate(50), duration_s=0.5)
    result = bl.run(plan)
    print(result.summary.count, turns > 5)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["25", "True"]


def test_a_run_read_from_the_spool_is_the_same(target: TargetProcess) -> None:
    plan = Plan([Request("GET", f"{target.url}/health")], ConstantRate(100), duration_s=0.3)
    result = run(plan)
    assert result.spool is not None
    again = spool.read_run(result.spool)
    assert again.plan == result.plan
    assert np.array_equal(again.samples.records, result.samples.records)
    assert again.to_dict() == result.to_dict()
    assert json.dumps(result.to_dict())
    assert result.environment["python"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/", "cannot connect to 127.0.0.1:1"),
        ("http://[::1]:1/", r"cannot connect to \[::1\]:1"),
        ("http://no-such-host.invalid/", "'no-such-host.invalid' is unknown"),
    ],
)
def test_an_unreachable_service_is_reported_before_any_load(
    url: str, message: str, own_data: Path
) -> None:
    with pytest.raises(TargetError, match=message):
        run(Plan([Request("GET", url)], ConstantRate(10), duration_s=1))
    assert list(spool.pending()) == []


def test_credentials_that_were_hidden_are_not_sent(target: TargetProcess) -> None:
    hidden = Request("GET", f"{target.url}/health", headers={"Authorization": "***"})
    with pytest.raises(InputError, match="Authorization"):
        run(Plan([hidden], ConstantRate(10), duration_s=0.1))


def test_tls_to_a_plain_port_is_reported(target: TargetProcess) -> None:
    url = target.url.replace("http://", "https://")
    with pytest.raises(TargetError, match="does not speak TLS"):
        run(Plan([Request("GET", url)], ConstantRate(10), duration_s=1))


def test_an_unwritable_spool_is_reported(
    target: TargetProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCHLAB_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(BenchlabError, match="BENCHLAB_DATA_DIR"):
        run(Plan([Request("GET", f"{target.url}/health")], ConstantRate(10), duration_s=1))


def test_a_run_from_a_thread_needs_no_signals(target: TargetProcess) -> None:
    plan = Plan([Request("GET", f"{target.url}/health")], ConstantRate(50), duration_s=0.3)
    counts: list[int] = []
    thread = threading.Thread(target=lambda: counts.append(run(plan).summary.count))
    thread.start()
    thread.join()
    assert counts == [15]


def test_running_out_of_files_makes_the_run_invalid() -> None:
    """More connections than the limit of open files are refused before any load."""
    script = """
import resource, benchlab as bl
from tests.load.servers import always, ok, serving
with serving(always(ok())) as url:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    bl.run(bl.Plan([bl.Request("GET", url)], bl.ClosedLoop(150), duration_s=0.2))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "150 connections per worker exceed this system's limit of 100 open" in done.stderr


def test_a_stalled_worker_makes_the_run_invalid() -> None:
    stopped: list[int] = []
    before = children()

    def stand_still(progress: Progress) -> None:
        if progress.count and not stopped:
            stopped.extend(children() - before)
            os.kill(stopped[0], signal.SIGSTOP)
            threading.Timer(0.3, os.kill, (stopped[0], signal.SIGCONT)).start()

    with serving(always(ok())) as url:
        plan = Plan([Request("GET", url)], ClosedLoop(2), duration_s=1.5)
        result = run(plan, on_progress=stand_still)
    assert result.verdict == "invalid"
    assert result.health.workers[0].stall_max_ns > 200_000_000
    assert result.health.workers[0].stall_total_ns >= result.health.workers[0].stall_max_ns


def test_overlapping_runs_share_ctrl_c_and_restore_its_handler(target: TargetProcess) -> None:
    request = Request("GET", f"{target.url}/health")
    handler = signal.getsignal(signal.SIGINT)

    async def both() -> None:
        long = asyncio.create_task(run_async(Plan([request], ConstantRate(50), duration_s=60)))
        short = await run_async(Plan([request], ConstantRate(50), duration_s=0.2))
        assert short.stopped_ns is None
        os.kill(os.getpid(), signal.SIGINT)
        assert (await long).verdict == "interrupted"

    asyncio.run(both())
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("driver", HTTP1_DRIVERS)
def test_both_drivers_send_the_same_request(driver: str) -> None:
    seen: list[bytes] = []

    def note(connection: socket.socket, request: bytes, _number: int) -> bool:
        seen.append(request)
        connection.sendall(ok())
        return True

    with serving(note) as url:
        request = Request(
            "POST",
            f"{url.replace('http://', 'http://me:pw@')}a%20b?q=1",
            headers={"X-Own": "1", "Traceparent": "00-own"},
            body=b"body",
        )
        run(Plan([request], ConstantRate(10), duration_s=0.1, trace_ratio=1.0, driver=driver))
    (raw,) = seen
    head, _, body = raw.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    assert start == "POST /a%20b?q=1 HTTP/1.1"
    assert body == b"body"
    assert sorted(line.lower() for line in lines) == [
        "accept: */*",
        "authorization: basic bwu6chc=",
        "content-length: 4",
        f"host: {url.removeprefix('http://').rstrip('/')}",
        "traceparent: 00-own",
        "user-agent: benchlab",
        "x-own: 1",
    ]


def test_an_object_that_is_not_a_plan_is_refused() -> None:
    with pytest.raises(InputError, match="is not a plan: make one"):
        run(Request("GET", "http://127.0.0.1:8000/"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("driver", "workers"), [("http", 2), ("httpx", 1)])
def test_a_recording_is_sent_in_its_order(driver: str, workers: int) -> None:
    seen: dict[int, tuple[bytes, bytes]] = {}

    def note(connection: socket.socket, request: bytes, _number: int) -> bool:
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        seen[int(fields[b"X-Seq"])] = head.split(b" ")[1], body
        connection.sendall(ok())
        return True

    count = 40
    found = Recording.from_table(
        offset_s=[number / 400 for number in range(count)],
        method=["GET", "POST"] * (count // 2),
        path=[f"/items/{number * 7919 % 97}?n={number}" for number in range(count)],
        body=[None if number % 2 == 0 else b"%d" % number for number in range(count)],
    )
    with serving(note) as url:
        plan = found.plan(url, workers=workers, driver=driver, headers={"X-Seq": "{{seq}}"})
        result = run(plan)
    assert (result.summary.count, result.summary.errors) == (count, {})
    assert seen == {
        seq: (path.encode(), b"%d" % seq if seq % 2 else b"")
        for seq, path in enumerate(found.requests.path.to_array())
    }
    sent = np.sort(result.samples.records, order="seq")
    assert sent["endpoint"].tolist() == [plan.request_of(seq) for seq in range(count)]
    assert sent["intended_ns"].tolist() == [round(n / 400 * 1e9) for n in range(count)]


def test_a_plan_of_ten_thousand_requests() -> None:
    with serving(always(ok())) as url:
        requests = [Request("GET", f"{url}{n}/{{{{seq}}}}") for n in range(10_000)]
        plan = Plan(requests, ClosedLoop(4), request_count=2_000)
        result = run(plan)
    assert (result.summary.count, result.summary.errors) == (2_000, {})
    sent = np.sort(result.samples.records, order="seq")["endpoint"]
    assert sent.tolist() == [plan.request_of(seq) for seq in range(2_000)]
    assert result.health.workers[0].memory_max_bytes < 200 * 2**20
