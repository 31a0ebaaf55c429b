"""A run on disk while it is being made, and until a store has it.

    <data dir>/spool/<run id>/
        run.json            id, plan and environment, written before the first request; the plan is
                            without credentials, rows of data and code
        plan.json           the whole plan, for the workers; removed when all of them have it
        start.json          wall clock at time 0, written when the workers start sending
        samples-<w>.bin     records of worker w, appended in whole blocks during the run
        examples-<w>.jsonl  its first failed requests of each kind, one per line, as they occur
        connections-<w>.bin records of the connections that worker w opened
        tries-<w>.bin       records of its requests' further tries, if the plan has policies
        streams-<w>.bin     records of its responses that were streams, if the plan has such
        events-<w>.bin      records of their events, if the plan asks for them
        steps.jsonl         names of a scenario's steps, as they occur
        health-<w>.json     worker w's health, written at its end
        worker-<w>.log      its standard error
        faults.jsonl        when the plan's faults began and ended, as it happens
        faults.log          standard error of the process that makes them
        hosts.json          the hosts of a cluster that make the load, written by the supervisor
        cluster.json        where the rest of such a run is, and which shares are whole here
        outcome.json        how the run ended, written by the supervisor
        detached.log        standard error of a supervisor of its own process (`benchlab.start`)
        stop, abort         requests of anybody, for the supervisor: their existence is all
        owner.lock          locked for as long as the supervisor lives
        worker-<w>.lock     locked for as long as worker w lives
        faults.lock         locked for as long as the process that makes faults lives

Workers write, the supervisor reads; nothing is changed after it was written, so a run whose
processes were killed can be read back as far as it got. What is read back then is what a store
would have: a run with all its samples, whose plan cannot be sent again.

Directories are for their user alone, and so are the files: responses may hold personal data.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from attrs import evolve

from benchlab.decoding import Count, Integer, decode_file, decode_lines, naming_field
from benchlab.errors import DamagedError, RunError
from benchlab.paths import data_dir, spool_root
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.head import RunHead
from benchlab.runs.health import Health, WorkerHealth
from benchlab.runs.host_record import HostRecord
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.examples import Example, pick
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from benchlab.samples.streams import EVENT_DTYPE, STREAM_DTYPE, Events, Streams
from benchlab.samples.tries import TRY_DTYPE, Tries
from benchlab.spool.cluster_file import is_direct, read_cluster
from benchlab.spool.fault_log import read_fault_log
from benchlab.spool.lock import acquire_lock, is_locked, release_lock
from benchlab.spool.records import NewRecords, read_in_order, read_records
from benchlab.spool.storage import make_private, open_private, replace_text

if TYPE_CHECKING:
    from benchlab.runs.run import Run

__all__ = [
    "HEAD",
    "OWNER",
    "ROOM_BYTES",
    "check_room",
    "connections_path",
    "count_records",
    "create",
    "detached_log_path",
    "events_path",
    "examples_path",
    "fault_log_path",
    "fault_process_log_path",
    "forget_plan",
    "has_outcome",
    "health_path",
    "is_in_use",
    "log_path",
    "missing_workers",
    "make_directory",
    "new_records",
    "own_faults",
    "own_worker",
    "pending",
    "read_ended_head",
    "read_faults",
    "read_head",
    "read_hosts",
    "read_plan",
    "read_records",
    "read_run",
    "read_started_at_ns",
    "read_stopped_ns",
    "remove",
    "request_stop",
    "requested_stop",
    "runs",
    "samples_path",
    "steps_path",
    "streams_path",
    "tries_path",
    "was_started",
    "write_health",
    "write_hosts",
    "write_outcome",
    "write_plan",
    "write_plan_data",
    "write_start",
]

ROOM_BYTES = 8 << 20
"""Free disk space required per worker when a run starts: 150,000 records."""

_FORMAT = 1
HEAD = "run.json"
_PLAN = "plan.json"
_START = "start.json"
_OUTCOME = "outcome.json"
_HOSTS = "hosts.json"
OWNER = "owner.lock"
_FAULTS_LOCK = "faults.lock"
_REQUESTS = ("stop", "abort")
_REMOVED = ".removed"


@contextmanager
def create(run_id: str, plan: Plan, environment: Mapping[str, Any]) -> Iterator[Path]:
    """Create the spool directory of a new run and hold its lock for the ``with`` block.

    Raises:
        RunError: the directory cannot be written, or its disk is full.
    """
    directory = spool_root() / run_id
    try:
        data_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
        check_room(data_dir(), plan.workers)
        make_directory(spool_root())
        for abandoned in pending():  # killed before their workers had read it
            forget_plan(abandoned)
        for half in spool_root().glob(f".*{_REMOVED}"):  # whoever removed it was killed
            shutil.rmtree(half, ignore_errors=True)
        make_directory(directory, exist_ok=False)
        lock = acquire_lock(directory / OWNER)
        content = {
            "format": _FORMAT,
            "id": run_id,
            "plan": redacted_plan(plan.to_dict()),
            "environment": dict(environment),
        }
        write_plan(directory, plan)
        _write_json(directory / HEAD, content)
    except OSError as exc:
        raise RunError(
            f"cannot write the run's spool {directory} ({exc.strerror}):"
            " set BENCHLAB_DATA_DIR to a directory that you can write"
        ) from exc
    try:
        yield directory
    finally:
        release_lock(lock)


@contextmanager
def own_worker(directory: Path, worker: int) -> Iterator[None]:
    """Hold the lock that says that a worker still writes to ``directory``."""
    with _own(directory / f"worker-{worker}.lock"):
        yield


@contextmanager
def own_faults(directory: Path) -> Iterator[None]:
    """Hold the lock that says that the process that makes faults still writes to ``directory``."""
    with _own(directory / _FAULTS_LOCK):
        yield


@contextmanager
def _own(path: Path) -> Iterator[None]:
    lock = acquire_lock(path)
    try:
        yield
    finally:
        release_lock(lock)


def pending() -> Iterator[Path]:
    """Spool directories that no running process owns or writes to, oldest run first.

    The spool is made private to its user first, in case its files are from another umask.
    """
    if spool_root().is_dir():
        make_private(spool_root())
    yield from (directory for directory in runs() if not is_in_use(directory))


def is_in_use(directory: Path) -> bool:
    """Whether a living process owns ``directory`` or writes to it."""
    try:
        if is_locked(directory / OWNER):
            return True  # and the locks of its children are left alone, who may be taking them
        found = chain(directory.glob("worker-*.lock"), directory.glob(_FAULTS_LOCK))
        return any(map(is_locked, found))
    except FileNotFoundError:
        return False
    except OSError:  # of another user, whose run it is; or too many open files: nobody can tell
        return True


def request_stop(directory: Path, *, abort: bool = False) -> None:
    """Request, from any process, that the run in ``directory`` ends early.

    Its supervisor looks for this several times a second.

    Raises:
        RunError: the request cannot be written.
    """
    try:
        for name in _REQUESTS[: 1 + abort]:
            os.close(open_private(directory / name, os.O_WRONLY))
    except OSError as exc:
        raise RunError(
            f"the run {directory.name} cannot be stopped through {directory} ({exc.strerror})",
            remedy="end its process, which has the id of the run among its arguments (kill)",
        ) from exc


def requested_stop(directory: Path) -> int:
    """What was requested of the run in ``directory``: 0 nothing, 1 to stop, 2 to abort.

    Deleting the directory requests a stop: what is measured from then on is lost, and nobody finds
    the run to end it.
    """
    found = sum((directory / name).exists() for name in _REQUESTS)
    return found or int(not directory.is_dir())


def was_started(directory: Path) -> bool:
    """Whether the run got as far as generating load."""
    return (directory / _START).exists()


def runs() -> Iterator[Path]:
    """All spool directories, oldest run first; those of a run that is being made included."""
    root = spool_root()
    if root.is_dir():
        found = (path for path in sorted(root.iterdir()) if path.suffix != _REMOVED)
        yield from (path for path in found if (path / HEAD).exists())


def new_records(directory: Path, workers: int) -> NewRecords:
    """The records that ``workers`` workers append to their files of samples, as they come."""
    return NewRecords([samples_path(directory, worker) for worker in range(workers)])


def count_records(directory: Path, workers: int) -> int:
    """How many records ``workers`` workers have written so far, without reading them."""
    size = 0
    for worker in range(workers):
        with suppress(FileNotFoundError):
            size += samples_path(directory, worker).stat().st_size
    return size // SAMPLE_DTYPE.itemsize


def samples_path(directory: Path, worker: int) -> Path:
    """The file of records that worker number ``worker`` appends to."""
    return directory / f"samples-{worker}.bin"


def examples_path(directory: Path, worker: int) -> Path:
    """The file of failed requests that worker number ``worker`` appends to."""
    return directory / f"examples-{worker}.jsonl"


def steps_path(directory: Path) -> Path:
    """The file of a scenario's steps, a name in JSON on each line, shared by all workers."""
    return directory / "steps.jsonl"


def connections_path(directory: Path, worker: int) -> Path:
    """The file of connections that worker number ``worker`` opened."""
    return directory / f"connections-{worker}.bin"


def tries_path(directory: Path, worker: int) -> Path:
    """The file of further tries that worker number ``worker`` made of its requests."""
    return directory / f"tries-{worker}.bin"


def streams_path(directory: Path, worker: int) -> Path:
    """The file of streams that worker number ``worker`` read."""
    return directory / f"streams-{worker}.bin"


def events_path(directory: Path, worker: int) -> Path:
    """The file of events in the streams that worker number ``worker`` read."""
    return directory / f"events-{worker}.bin"


def health_path(directory: Path, worker: int) -> Path:
    """The file of the worker's health."""
    return directory / f"health-{worker}.json"


def log_path(directory: Path, worker: int) -> Path:
    """The worker's standard error; empty unless it failed."""
    return directory / f"worker-{worker}.log"


def fault_log_path(directory: Path) -> Path:
    """The file of when the plan's faults began and ended (`benchlab.spool.fault_log`)."""
    return directory / "faults.jsonl"


def fault_process_log_path(directory: Path) -> Path:
    """Standard error of the process that makes faults; empty unless it failed."""
    return directory / "faults.log"


def detached_log_path(directory: Path) -> Path:
    """Standard error of the supervisor, if it is a process of its own; else there is no file."""
    return directory / "detached.log"


def write_start(directory: Path, started_at_ns: int) -> None:
    """Write the wall clock (ns since 1970) at time 0 of the samples."""
    _write_json(directory / _START, {"started_at_ns": started_at_ns})


def read_started_at_ns(directory: Path) -> int:
    """The wall clock (ns since 1970) at time 0 of the samples.

    Raises:
        RunError: the run never started, or the file cannot be read.
        DamagedError: the file is damaged.
    """
    with _naming_problems(directory):
        return decode_file(directory / _START, _Start).started_at_ns


def write_health(directory: Path, health: WorkerHealth) -> None:
    """Write a worker's health."""
    _write_json(health_path(directory, health.worker), asdict(health))


def write_outcome(directory: Path, stopped_ns: int | None, stop_reason: str = "") -> None:
    """Write how the run ended: when it was stopped, if early, and why, if by its plan."""
    outcome = {"stopped_ns": stopped_ns, "stop_reason": stop_reason}
    _write_json(directory / _OUTCOME, outcome)


def write_hosts(directory: Path, hosts: Sequence[HostRecord]) -> None:
    """Write the hosts of a cluster that make the load, as far as is known of them."""
    _write_json(directory / _HOSTS, {"hosts": [host.to_dict() for host in hosts]})


def write_plan(directory: Path, plan: Plan) -> None:
    """Write the whole plan of the run in ``directory``, for its workers."""
    write_plan_data(directory, plan.to_dict())


def write_plan_data(directory: Path, plan: Mapping[str, Any]) -> None:
    """`write_plan` for what `benchlab.plan.plan.Plan.to_dict` made."""
    _write_json(directory / _PLAN, plan)


def read_faults(directory: Path, plan: Plan) -> tuple[FaultRecord, ...]:
    """The faults of ``plan`` as they really were so far, in the order in which they began.

    Raises:
        DamagedError: the file holds something else.
    """
    return read_fault_log(fault_log_path(directory), plan.faults)


def read_plan(directory: Path) -> Plan:
    """The whole plan of the run in ``directory``, for its workers.

    Raises:
        DamagedError: the file holds something else.
    """
    path = directory / _PLAN
    with naming_field("", str(path)):
        return Plan.from_dict(decode_file(path, dict, exact=True))


def missing_workers(directory: Path) -> tuple[int, ...]:
    """The workers of the run in the spool ``directory`` of whose files a host has more.

    None of a run without a cluster. Whether the host still has them is not known.

    Raises:
        DamagedError: a file of the run is damaged.
    """
    found = read_cluster(directory)
    if found is None:
        return ()
    workers = read_head(directory).plan.workers
    return tuple(sorted(set(range(workers)) - set(found.complete)))


def forget_plan(directory: Path) -> None:
    """Remove what only the workers need, once they have read it: credentials, rows and code."""
    (directory / _PLAN).unlink(missing_ok=True)


def read_run(directory: Path, plan: Plan | None = None) -> Run:
    """Read the run in ``directory`` as far as it got. Samples are in order of ``seq``.

    ``plan`` is the one that the run was created with, if that is known: the directory has it only
    without credentials. A worker without a health file is reported as lost. A run without an
    outcome counts as stopped when its last sample was done.

    Raises:
        RunError: the directory holds no run, one that never started, or cannot be read; or the
            samples are not in it.
        DamagedError: a file is damaged, or of another version of benchlab.
    """
    with _naming_problems(directory):
        if is_direct(directory):
            raise RunError(
                f"the samples of the run {directory.name} are not here: its hosts send them to a"
                " store, and keep them until it has all",
                remedy="benchlab recover --cluster ADDRESS completes it",
            )
        return _read_run(directory, plan)


def read_head(directory: Path) -> RunHead:
    """What is known of the run in ``directory`` from its start; its plan has no credentials.

    Raises:
        RunError: the directory holds no run, one that never started, or cannot be read.
        DamagedError: a file is damaged, or of another version of benchlab.
    """
    with _naming_problems(directory):
        return _read_head(directory)


def read_ended_head(directory: Path, plan: Plan | None, last_ns: int) -> RunHead:
    """What `read_run` reads, of a run whose records are elsewhere.

    The last of its samples was done at ``last_ns``.

    Raises:
        RunError: the directory holds no run, one that never started, or cannot be read.
        DamagedError: a file is damaged, or of another version of benchlab.
    """
    with _naming_problems(directory):
        head = _read_head(directory)
        plan = _with_steps(plan or head.plan, directory)
        return _ended(head, plan, directory, last_ns)


def has_outcome(directory: Path) -> bool:
    """Whether the supervisor of the run in ``directory`` wrote how it ended."""
    return (directory / _OUTCOME).exists()


def read_stopped_ns(directory: Path) -> int | None:
    """When the run in ``directory``, which `has_outcome`, was stopped early; None if it was not.

    Raises:
        RunError: the outcome cannot be read.
        DamagedError: the file is damaged.
    """
    with _naming_problems(directory):
        outcome = _read_outcome(directory)
    return None if outcome is None else outcome.stopped_ns


@contextmanager
def _naming_problems(directory: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        if not directory.is_dir():
            problem = f"the spool {directory} was deleted, and what the run measured with it"
            raise RunError(problem, remedy="leave it alone until the run is saved") from exc
        raise RunError(f"{directory} does not hold a run that was started") from exc
    except OSError as exc:
        raise RunError(f"the run in {directory} cannot be read ({exc.strerror})") from exc


class _Start(msgspec.Struct):
    started_at_ns: Integer


class _Outcome(msgspec.Struct):
    stopped_ns: Count | None
    stop_reason: str


class _Hosts(msgspec.Struct):
    hosts: tuple[HostRecord, ...]


def _read_head(directory: Path) -> RunHead:
    path = directory / HEAD
    written = decode_file(path, dict)
    if written.get("format") != _FORMAT:
        raise DamagedError(
            f"is unknown: this benchlab reads {_FORMAT}",
            field="format",
            value=written.get("format"),
            where=str(path),
        )
    start = decode_file(directory / _START, _Start)
    return RunHead.from_metadata({**written, "started_at_ns": start.started_at_ns}, str(path))


def _read_outcome(directory: Path) -> _Outcome | None:
    try:
        return decode_file(directory / _OUTCOME, _Outcome)
    except FileNotFoundError:
        return None


def read_hosts(directory: Path) -> tuple[HostRecord, ...]:
    """The hosts of a cluster that make the load, as far as is known of them; none without one.

    Raises:
        DamagedError: the file holds something else.
    """
    try:
        return decode_file(directory / _HOSTS, _Hosts).hosts
    except FileNotFoundError:
        return ()


def _read_run(directory: Path, plan: Plan | None) -> Run:
    from benchlab.runs.run import Run

    head = _read_head(directory)
    plan = _with_steps(plan or head.plan, directory)
    files = [samples_path(directory, worker) for worker in range(plan.workers)]
    records = read_in_order(files, directory)
    for name, limit in (("error", len(ErrorKind)), ("endpoint", len(plan.endpoint_names))):
        if (highest := int(records[name].max(initial=0))) >= limit:
            raise DamagedError(
                f"is above {limit - 1}, the highest known",
                field=name,
                value=highest,
                where=f"the samples in {directory}",
            )
    return Run.from_head(
        _ended(head, plan, directory, int(records["done_ns"].max(initial=0))),
        Samples(records, plan.endpoint_names),
        _read_connections(directory, plan.workers),
        _read_tries(directory, plan.workers),
        _read_streams(directory, plan.workers),
        _read_events(directory, plan.workers),
        spool=directory,
    )


def _ended(head: RunHead, plan: Plan, directory: Path, last_ns: int) -> RunHead:
    """``head`` with all that is known of a run at its end; its last sample was done at last_ns."""
    outcome = _read_outcome(directory) or _Outcome(max(0, last_ns), "")
    return replace(
        head,
        plan=plan,
        stopped_ns=outcome.stopped_ns,
        stop_reason=outcome.stop_reason,
        health=Health(tuple(_read_health(directory, worker) for worker in range(plan.workers))),
        examples=_read_examples(directory, plan),
        faults=read_faults(directory, plan),
        hosts=read_hosts(directory),
    )


def remove(directory: Path) -> None:
    """Delete a spool directory. Only for a run that is stored, or not wanted."""
    removed = directory.with_name(f".{directory.name}{_REMOVED}")
    with suppress(OSError):  # another process removes it too
        directory.rename(removed)  # at once: nobody ever reads a run of which parts are missing
    shutil.rmtree(removed, ignore_errors=True)


def make_directory(path: Path, *, exist_ok: bool = True) -> None:
    """Make a directory for this user alone."""
    path.mkdir(exist_ok=exist_ok)
    path.chmod(0o700)  # the umask would narrow a mode given to mkdir


def check_room(directory: Path, workers: int) -> None:
    """Check that the disk of ``directory`` has room for the first samples of ``workers`` workers.

    Raises:
        RunError: it is nearly full.
    """
    free, needed = shutil.disk_usage(directory).free, workers * ROOM_BYTES
    if free < needed:
        raise RunError(
            f"the disk of {directory} has {free / 2**20:.1f} MB left and a run needs at least"
            f" {needed / 2**20:.0f} MB: make room, or set BENCHLAB_DATA_DIR to a directory on a"
            " larger disk"
        )


def _read_examples(directory: Path, plan: Plan) -> tuple[Example, ...]:
    paths = [examples_path(directory, worker) for worker in range(plan.workers)]
    found = [item for path in paths if path.exists() for item in decode_lines(path, Example)]
    return pick(found, plan.warmup_ns)


def _with_steps(plan: Plan, directory: Path) -> Plan:
    """``plan`` with the steps of its scenario that occurred in the run."""
    path = steps_path(directory)
    if plan.scenario is None or not path.exists():
        return plan
    return plan.replace(scenario=evolve(plan.scenario, steps=decode_lines(path, str)))


def _read_connections(directory: Path, workers: int) -> Connections:
    files = [connections_path(directory, worker) for worker in range(workers)]
    records = np.concatenate([read_records(path, dtype=CONNECTION_DTYPE) for path in files])
    return Connections(records[np.argsort(records["start_ns"], kind="stable")])


def _read_tries(directory: Path, workers: int) -> Tries:
    files = [tries_path(directory, worker) for worker in range(workers)]
    records = np.concatenate([read_records(path, dtype=TRY_DTYPE) for path in files])
    return Tries(records[np.argsort(records["seq"], kind="stable")])


def _read_streams(directory: Path, workers: int) -> Streams:
    files = [streams_path(directory, worker) for worker in range(workers)]
    records = np.concatenate([read_records(path, dtype=STREAM_DTYPE) for path in files])
    return Streams(records[np.argsort(records["seq"], kind="stable")])


def _read_events(directory: Path, workers: int) -> Events:
    files = [events_path(directory, worker) for worker in range(workers)]
    records = np.concatenate([read_records(path, dtype=EVENT_DTYPE) for path in files])
    return Events(records[np.argsort(records["seq"], kind="stable")])


def _read_health(directory: Path, worker: int) -> WorkerHealth:
    try:
        return decode_file(health_path(directory, worker), WorkerHealth)
    except FileNotFoundError:
        log = log_path(directory, worker)
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
        cause = f": {last[0]}" if last else " (killed?)"
        problem = f"ended without reporting on itself{cause}"
        return WorkerHealth(worker, problem=problem, problem_kind="failed" if last else "killed")


def _write_json(path: Path, content: Any) -> None:
    replace_text(path, json.dumps(content, indent=1), private=True)
