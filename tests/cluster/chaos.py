"""Rounds of a run by a cluster in which something is killed, and what may never happen then.

After each, what the service saw, what lay on the disks and what was saved are compared: nothing
that a worker had recorded is lost, nothing is there twice, the run ends, and no process is left.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from uuid import uuid4

import numpy as np
import psutil
from click.testing import CliRunner
from numpy.typing import NDArray

from benchlab import ClosedLoop, ConstantRate, Plan, Run, Store, spool
from benchlab.cli.recover import recover
from benchlab.paths import data_dir
from benchlab.plan.shapes import LoadShape
from benchlab.store.client.dsn import default_dsn
from benchlab.units import format_share
from tests.cluster.arrivals import Arrivals
from tests.cluster.local import Cluster, Part

__all__ = ["PAUSE_S", "VICTIMS", "Outcome", "Round", "drawn", "play", "recover_all", "restore"]

Victim = Literal["generator", "dask worker", "host", "hung", "scheduler", "parent", "all"]
Moment = Literal["starting", "running", "ending"]

VICTIMS: tuple[Victim, ...] = get_args(Victim)
"""What is killed: a worker process of benchlab, a Dask worker, both at once as when a machine
fails, the scheduler, the process that called ``bl.run``, or scheduler and all Dask workers. One
that is ``hung`` is a Dask worker that is stopped (SIGSTOP), and goes on after the run."""

USERS = 2
"""Requests under way of a worker in a closed loop: one that is killed has no record of them."""

PAUSE_S = 0.005
"""How long the service takes, so that a closed loop leaves some of the processor to others."""

RATE_RPS = 100.0
"""Of a worker in an open loop."""


@dataclass(frozen=True)
class Round:
    """What is killed, and when: ``at`` is the share of this part of the run that has passed."""

    victim: Victim
    moment: Moment = "running"
    at: float = 0.5
    host: int = 0
    closed: bool = True
    duration_s: float = 2.0
    samples: Literal["parent", "direct"] = "parent"

    def plan(self, arrivals: Arrivals, workers: int, name: str) -> Plan:
        """The run's plan."""
        load: LoadShape = ClosedLoop(USERS * workers)
        if not self.closed:
            load = ConstantRate(RATE_RPS * workers)
        return Plan([arrivals.request], load, self.duration_s, timeout_s=10, name=name)


def drawn(count: int, hosts: int, seed: int) -> Iterator[Round]:
    """Rounds at random moments; every victim has its turn."""
    rng = random.Random(seed)
    victims: list[Victim] = []
    for _ in range(count):
        if not victims:
            victims = rng.sample(VICTIMS, len(VICTIMS))
        victim = victims.pop()
        moment: Moment = rng.choices(("starting", "running", "ending"), (2, 6, 2))[0]
        yield Round(
            victim,
            moment,
            rng.random(),
            rng.randrange(hosts),
            # Of an open loop's worker nobody knows how many requests were under way.
            closed=victim in ("generator", "host") or rng.random() < 0.5,
            duration_s=rng.uniform(1.5, 4),
        )


@dataclass
class Outcome:
    """What came of a round."""

    round: Round
    ended_s: float = 0.0
    """How long after the kill the run had ended, and no worker was left."""

    result: dict[str, Any] = field(default_factory=dict)
    """What the process of the run said at last; empty if it was killed."""

    on_hosts: int = 0
    """Records that were on disks of hosts when the run had ended."""

    saved: Run | None = None
    arrived: int = 0
    missing: set[int] = field(default_factory=set)
    """Requests that arrived, and are not in the saved run."""


def play(cluster: Cluster, arrivals: Arrivals, this: Round) -> Outcome:
    """Make a run by ``cluster``, kill what ``this`` says, and check what is left.

    At the end the cluster is as it was before.
    """
    arrivals.all.clear()
    outcome = Outcome(this)
    name = f"chaos {uuid4()}"
    plan = this.plan(arrivals, len(cluster.hosts), name)
    parent = cluster.forks.fork(
        "parent",
        "tests.cluster.roles:parent",
        {
            "plan": plan.to_dict(),
            "cluster": cluster.address,
            "options": {"samples": this.samples},
        },
        cluster.directory / "parent.log",
        environment={"BENCHLAB_DATA_DIR": str(data_dir()), "BENCHLAB_DSN": default_dsn()},
    )
    address = cluster.hosts[this.host].address
    said = _until(parent, this)
    workers = _kill(cluster, parent, this)
    killed = time.monotonic()
    if this.victim == "parent":
        parent.await_end()
    else:
        outcome.result = said if _is_last(said) else _last(parent)
        parent.await_end()
    if this.victim == "hung":
        cluster.hosts[this.host].send(signal.SIGCONT)
    cluster.await_quiet()
    cluster.await_free_shares()
    outcome.ended_s = time.monotonic() - killed
    kept = _records_on_disks(cluster)
    restore(cluster)
    recover_all(cluster)
    assert not cluster.generators, "no load is made any more"
    arrived = arrivals.seqs  # the service may have read the last ones just now
    assert not arrivals.repeated
    stored = Store().runs(name=name)["run_id"].tolist()
    if stored:
        (run_id,) = stored
        outcome.saved = Store().load(run_id)
        _compare(outcome, outcome.saved, arrived, kept, workers, address)
    else:
        assert not arrived, "there was load, and nothing of it was saved"
        assert not any(map(len, kept))
        assert this.moment == "starting"
    return outcome


def _until(parent: Part, this: Round) -> dict[str, Any]:
    """Wait for the moment of the round; returns what the run said last."""
    if this.moment == "starting":
        time.sleep(this.at)  # anywhere between its first import and its first requests
        return {}
    while True:
        said: dict[str, Any] = parent.hear()
        if _is_last(said):
            return said
        if this.moment == "ending" and said["elapsed_s"] >= this.duration_s:
            time.sleep(this.at)
            return said
        if this.moment == "running" and said["elapsed_s"] >= this.at * this.duration_s:
            return said


def _is_last(said: dict[str, Any]) -> bool:
    return "verdict" in said or "error" in said


def _last(parent: Part) -> dict[str, Any]:
    while True:
        said: dict[str, Any] = parent.hear()
        if _is_last(said):
            return said


def _kill(cluster: Cluster, parent: Part, this: Round) -> set[int]:
    """Do it; returns the numbers of the workers that were killed themselves."""
    host = cluster.hosts[this.host]
    generators = host.generators if this.victim in ("generator", "host") else []
    match this.victim:
        case "generator":
            pass
        case "dask worker":
            host.kill()
        case "host":
            host.send(signal.SIGKILL)
        case "hung":
            host.send(signal.SIGSTOP)
        case "scheduler":
            cluster.scheduler.kill()
        case "parent":
            parent.kill()
        case "all":
            for part in (cluster.scheduler, *cluster.hosts):
                part.send(signal.SIGKILL)
    return {number for process in generators if (number := _killed(process)) is not None}


def _killed(generator: psutil.Process) -> int | None:
    """The number of the worker that was killed; None if it had ended."""
    try:
        command = generator.cmdline()
        generator.kill()
    except psutil.NoSuchProcess:
        return None
    return int(command[command.index("benchlab.load.worker") + 1]) if command else None


def _records_on_disks(cluster: Cluster) -> list[NDArray[np.void]]:
    """The records that the disks of hosts hold, of each worker."""
    directories = [directory for host in cluster.hosts for directory in host.shares]
    paths = [path for directory in directories for path in directory.glob("samples-*.bin")]
    return [spool.read_records(path) for path in paths]


def restore(cluster: Cluster) -> None:
    """Start again what is dead. Without a scheduler, Dask workers end by themselves."""
    if not cluster.scheduler.is_alive:
        for host in cluster.hosts:
            host.await_end()
        cluster.start_scheduler()
    cluster.start_hosts([host.number for host in cluster.hosts if not host.is_alive])


def recover_all(cluster: Cluster) -> None:
    """Save all that is unsaved, as a person would; a second time there is nothing left."""
    for _ in range(2):
        done = CliRunner().invoke(recover, ["--cluster", cluster.address], standalone_mode=False)
        assert done.exception is None, done.output
        assert done.return_value == 0, done.output
    assert not list(spool.runs())
    for host in cluster.hosts:
        assert not host.shares, "what was fetched is removed"


def _compare(
    outcome: Outcome,
    run: Run,
    arrived: set[int],
    kept: Sequence[NDArray[np.void]],
    killed: set[int],
    address: str,
) -> None:
    """The service's own record, the disks of the hosts and the saved run are about the same."""
    records = np.sort(run.samples.records, order="seq")
    seqs = records["seq"]
    assert len(np.unique(seqs)) == len(seqs), "nothing is there twice"
    for part in kept:
        assert np.isin(part["seq"], seqs).all(), "all that a disk held is saved"
        same = records[np.searchsorted(seqs, part["seq"])]
        assert same.tobytes() == part.tobytes(), "bit for bit"
    outcome.on_hosts = sum(map(len, kept))
    outcome.arrived = len(arrived)
    outcome.missing = arrived - set(seqs.tolist())
    workers = run.plan.workers
    assert {seq % workers for seq in outcome.missing} <= killed, "others forget nothing"
    if outcome.round.victim == "generator":
        assert len(outcome.missing) <= USERS, "only what was under way"
    succeeded = set(run.samples.succeeded.column("seq").tolist())
    assert succeeded <= arrived, "no response without a request"
    _check_verdict(outcome, run, address)


def _check_verdict(outcome: Outcome, run: Run, address: str) -> None:
    """A run that lost a part of its load is not valid, and says which: of ``address``."""
    this = outcome.round
    problems = [health.worker for health in run.health.workers if health.problem]
    if not this.closed:
        seqs = set(run.samples.column("seq").tolist())
        unsent = set(range(run.plan.intended_count() or 0)) - seqs
        short = {seq % run.plan.workers for seq in unsent}
        assert short <= set(problems), "a share that is not whole is known"
    if not problems:  # the run had ended, and all of it was fetched
        assert run.verdict != "degraded", run.verdict_reason
    elif this.victim == "parent":
        assert run.verdict in ("interrupted", "degraded"), run.verdict_reason
    elif len(run.samples) == 0:
        assert run.verdict in ("interrupted", "invalid"), run.verdict_reason
    elif run.verdict != "interrupted" or len(problems) < run.plan.workers:
        share = format_share(len(problems) / run.plan.workers)
        assert run.verdict == "degraded", run.verdict_reason
        assert f"{share} of the load" in str(run.invalid_reason)
    if this.moment == "running" and this.victim in ("dask worker", "host", "hung"):
        lost = [host["address"] for host in outcome.result["hosts"] if host["lost"]]
        assert lost in ([], [address]), "no other host is lost"
        assert outcome.result["verdict"] == "degraded" or not problems
        assert bool(lost) == (outcome.result["verdict"] == "degraded")
