"""One run from many hosts is the run of one machine: its requests, its samples, its end."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import trustme
from distributed import Client

from benchlab import (
    ClosedLoop,
    ConstantRate,
    Feed,
    Plan,
    PoissonRate,
    Request,
    Run,
    Transport,
    run,
    run_async,
    scenario,
    spool,
    start,
)
from benchlab.errors import InputError, TargetError
from benchlab.load.cluster.connect import ClusterConnection
from benchlab.load.cluster.host_link import HostLink
from benchlab.load.supervisor.progress import Progress
from benchlab.samples.records import SAMPLE_DTYPE
from benchlab.spool.share import share_files
from tests.cluster.local import Cluster
from tests.load.servers import always, by_path, ok, serving

LONG_S = 600.0  # a run that something else ends

pytestmark = pytest.mark.usefixtures("patient")


class Recorded:
    """A behaviour that responds, and records what it was sent."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    def __call__(self, connection: socket.socket, request: bytes, _number: int) -> bool:
        self.requests.append(request)
        connection.sendall(ok())
        return True


def threads_of_dask() -> Counter[str]:
    """The threads of Dask's and of ours in this process, by their names."""
    names = (re.sub(r"[\d_-]+$", "", thread.name) for thread in threading.enumerate())
    known = ("benchlab", "asyncio", "Dask", "IO loop", "Profile", "TCP", "Tornado")
    return Counter(name for name in names if name.startswith(known))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No thread or child process of a run is left when the test has ended."""
    threads, children = threads_of_dask(), set(psutil.Process().children())
    yield
    assert threads_of_dask() == threads
    assert set(psutil.Process().children()) <= children


def parts_of(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> dict[str, bytes]:
    """Files of the shares on the hosts' disks, as they were when the parent had them."""
    parts: dict[str, bytes] = {}
    usual = HostLink._part

    async def part(link: HostLink) -> None:
        (disk,) = [host.disk for host in cluster.hosts if host.address == link.address]
        (directory,) = disk.glob("shares/*/*")
        for path, _ in share_files(directory, tuple(link.workers), tuple(link.workers)):
            if path.exists() and path.stat().st_size:
                parts[path.name] = path.read_bytes()
        await usual(link)

    monkeypatch.setattr(HostLink, "_part", part)
    return parts


def test_one_run_is_its_parts_bit_for_bit_whoever_sends_the_requests(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    parts = parts_of(monkeypatch, cluster)
    rows = [{"user": f"u{number}"} for number in range(7)]
    drawn, in_turn = Feed(rows, "random"), Feed(rows)
    sent: list[Counter[bytes]] = []
    for workers, where in ((1, None), (2, cluster.address), (4, cluster.address)):
        parts.clear()
        recorded = Recorded()
        with serving(recorded) as url:
            requests = [
                Request("GET", url + "a?n={{seq}}&user={{user}}", data=drawn),
                Request("POST", url + "b?n={{seq}}", body="x{{user}}", data=in_turn, weight=3),
            ]
            plan = Plan(
                requests,
                PoissonRate(100),
                duration_s=1,
                warmup_s=0.2,
                workers=workers % 4 or 1,  # by default, one on each host
                timeout_s=60,
            )
            result = run(plan, cluster=where)
        assert result.plan.workers == workers
        assert len(result.hosts) == (0 if where is None else workers)
        port = url.rsplit(":", 1)[1].strip("/").encode()
        sent.append(Counter(re.sub(b":" + port, b"", request) for request in recorded.requests))
        schedule = np.concatenate([block.intended_ns for block in plan.arrivals()])
        assert result.samples.column("intended_ns").tolist() == schedule.tolist()
        if where is not None:
            check_parts(result, parts)
    assert sent[1] == sent[0]
    assert sent[2] == sent[0]
    # Nothing is left on the hosts, and what is known of them is in the run.
    assert [list(host.disk.glob("shares/*/*")) for host in cluster.hosts] == [[]] * 4
    assert cluster.generators == []
    assert {host.address for host in result.hosts} == {host.address for host in cluster.hosts}
    assert sorted(number for host in result.hosts for number in host.workers) == [0, 1, 2, 3]
    for host in result.hosts:
        assert host.name == socket.gethostname()
        assert host.lost == ""
        assert host.clock_drift_ns is not None
        assert abs(host.clock_offset_ns) <= host.clock_error_ns  # it is the same clock
    assert result.spool is not None
    found = spool.read_cluster(result.spool)
    assert found is not None
    assert found.scheduler == cluster.address
    assert found.complete == (0, 1, 2, 3)
    machines = result.environment["hosts"]
    assert [machine["host"] for machine in machines] == [socket.gethostname()] * 4
    assert all("calibration" in machine for machine in machines)


def check_parts(result: Run, parts: Mapping[str, bytes]) -> None:
    """Check that ``result`` is the ``parts`` that its workers wrote, byte for byte."""
    directory, workers = result.spool, result.plan.workers
    assert directory is not None
    assert {name: (directory / name).read_bytes() for name in parts} == parts
    assert len([name for name in parts if name.startswith("samples-")]) == workers
    records = np.frombuffer(
        b"".join(parts[f"samples-{worker}.bin"] for worker in range(workers)), SAMPLE_DTYPE
    )
    records = records[np.argsort(records["seq"])]
    assert result.samples.records.tobytes() == records.tobytes()


def test_steps_of_a_scenario_are_numbered_as_one(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClusterConnection, "_reaches_workers", _never)  # but by the scheduler
    odd = min(cluster.hosts, key=lambda host: host.address).number  # it has the first worker

    async def visit(client: Any, ctx: Any) -> None:
        order = [0, 1, 2] if f"host-{odd}" in os.environ["BENCHLAB_DATA_DIR"] else [2, 1, 0]
        for number in order:
            async with ctx.step(f"step {number}"):
                await client.get(f"/{number}")

    with serving(by_path(*(always(ok(name)) for name in (b"a", b"bb", b"ccc")))) as url:
        plan = Plan(
            scenario=scenario(visit, url),
            load=ConstantRate(40),
            duration_s=1,
            workers=2,
            timeout_s=60,
        )
        result = run(plan, cluster=cluster.address)
    names = result.plan.endpoint_names
    assert sorted(names[1:]) == ["step 0", "step 1", "step 2"]
    sizes = {"step 0": 1, "step 1": 2, "step 2": 3}
    records = result.samples.records
    assert len(records) == 120
    for number, name in enumerate(names[1:], 1):
        assert set(records["bytes_in"][records["endpoint"] == number]) == {sizes[name]}


async def _never(_connection: ClusterConnection) -> bool:
    return False


def test_certificates_travel(cluster: Cluster, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    with serving(always(ok()), tls=context) as url:
        plan = Plan(
            Request("GET", url),
            ConstantRate(40),
            duration_s=0.5,
            workers=2,
            timeout_s=60,
            transport=Transport(ca_file=str(file)),
        )

        def lose(_progress: Progress) -> None:
            file.unlink(missing_ok=True)  # no host reads it here

        result = run(plan, cluster=cluster.address, on_progress=lose)
        assert result.summary.error_count == 0
        assert result.plan.transport.ca_file == str(file)
        with pytest.raises(TargetError, match="is not trusted"):
            run(plan.replace(transport=Transport()), cluster=cluster.address)


def test_a_stop_reaches_every_host(cluster: Cluster, nothing_left: None) -> None:
    with serving(always(ok())) as url, Client(cluster.address, set_as_default=False) as client:
        plan = Plan(Request("GET", url), ClosedLoop(4), duration_s=LONG_S, workers=2, timeout_s=60)
        before = threads_of_dask()

        def stop(progress: Progress) -> None:
            if progress.count > 50:
                spool.request_stop(next(spool.runs()))

        result = asyncio.run(run_async(plan, cluster=client, on_progress=stop))
        assert result.verdict == "interrupted"
        assert len(result.hosts) == 2
        for worker in range(2):
            seqs = result.samples.column("seq")
            theirs = sorted(seqs[seqs % 2 == worker])
            assert theirs == list(range(worker, 2 * len(theirs), 2))
        assert cluster.generators == []
        # The user's client is left alone, and nothing of ours is left beside it.
        assert threads_of_dask() == before
        assert client.run_on_scheduler(_clients_and_tasks) == (1, 0)
        assert client.submit(len, "four").result() == 4


def _clients_and_tasks(dask_scheduler: Any) -> tuple[int, int]:
    own = [name for name in dask_scheduler.clients if name != "fire-and-forget"]
    return len(own), len(dask_scheduler.tasks)


def test_a_condition_of_all_samples_aborts(cluster: Cluster) -> None:
    with serving(always(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as url:
        plan = Plan(
            Request("GET", url),
            ConstantRate(100),
            duration_s=LONG_S,
            abort_on="error_count>100",
            workers=2,
            timeout_s=60,
        )
        result = run(plan, cluster=cluster.address)
    assert "abort_on" in result.stop_reason
    assert len(result.samples) > 100
    assert result.examples


def test_a_killed_worker_leaves_the_run_degraded(cluster: Cluster) -> None:
    killed: list[psutil.Process] = []
    with serving(always(ok())) as url:
        plan = Plan(
            Request("GET", url), ConstantRate(200), duration_s=LONG_S, workers=2, timeout_s=60
        )

        def kill(progress: Progress) -> None:
            if progress.count > 100 and not killed:
                killed.append(cluster.generators[0])
                killed[0].kill()
                spool.request_stop(next(spool.runs()))

        result = run(plan, cluster=cluster.address, on_progress=kill)
    assert result.verdict == "degraded"
    (lost,) = [worker for worker in result.health.workers if worker.problem]
    (host,) = [host for host in result.hosts if lost.worker in host.workers]
    assert f"worker {lost.worker} on {host.name}" in str(result.invalid_reason)
    seqs = result.samples.column("seq")
    others = sorted(seqs[seqs % 2 != lost.worker])
    assert others == list(range(1 - lost.worker, 2 * len(others), 2))
    assert len(seqs) > len(others) > 0


def test_a_run_that_outlives_its_caller_with_faults_of_this_machine(cluster: Cluster) -> None:
    with serving(always(ok())) as url:
        plan = Plan(
            Request("GET", url),
            ConstantRate(50),
            duration_s=1,
            workers=2,
            timeout_s=60,
            faults="delay 20ms at 0s",  # all hosts are this machine, whose proxy they reach
        )
        result = start(plan, cluster=cluster.address).wait()
    assert len(result.samples) == 50
    assert len(result.hosts) == 2
    (fault,) = result.faults
    sent = result.samples.column("sent_ns") > fault.began_ns
    assert sent.any()
    assert result.samples.service_ns[sent].min() >= 20_000_000


@pytest.mark.parametrize(
    "given", [5, " ", object(), "nonsense://x:1", "tcp://scheduler", "http://scheduler:8786"]
)
def test_what_is_no_cluster_is_refused(given: object) -> None:
    with pytest.raises(InputError) as raised:
        run(Plan(Request("GET", "http://127.0.0.1:1/")), cluster=given)
    assert raised.value.field == "cluster"


def test_samples_go_nowhere_else_without_a_cluster() -> None:
    with pytest.raises(InputError) as raised:
        run(Plan(Request("GET", "http://127.0.0.1:1/")), samples="direct")
    assert raised.value.field == "samples"
