"""Fetch what hosts have kept of runs: of a host that was lost, or of a parent that was.

A share is appended to the run's own spool where its copy ends, as during the run. A run whose
parent lost its disk gets a spool from its shares: each has the run's description and its start.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchlab import spool
from benchlab.errors import BenchlabError, RunError
from benchlab.load.cluster.connect import ClusterConnection, HostUnreachableError
from benchlab.load.cluster.mirror import Mirror, StepTable
from benchlab.load.cluster.reading import CHUNK_BYTES, read_files
from benchlab.paths import data_dir, spool_root
from benchlab.runs.host_record import HostRecord
from benchlab.samples.records import SAMPLE_DTYPE
from benchlab.spool.cluster_file import ClusterFile, read_cluster, write_cluster
from benchlab.spool.directory import OWNER, make_directory
from benchlab.spool.lock import acquire_lock, release_lock
from benchlab.spool.share import Share, find_share, read_share, remove_share, share_files, shares
from benchlab.spool.storage import replace_text

__all__ = ["KeptShare", "discard", "fetch", "kept_shares"]

_CALL_S = 30.0
_START = "start.json"
_LOST = "the parent of the run ended before it"


@dataclass(frozen=True, slots=True)
class KeptShare:
    """A share that a host has on its disk.

    ``address`` is that of a Dask worker which reads this disk, ``name`` its machine.
    ``sample_count`` is the number of its samples. ``is_in_use`` says that its workers or their
    agent are at work, ``was_started`` that load was made. ``problem`` says why it cannot be read.
    """

    address: str
    name: str
    share: Share
    bytes_kept: int = 0
    sample_count: int = 0
    is_in_use: bool = False
    was_started: bool = False
    problem: str = ""


def kept_shares(connection: ClusterConnection) -> tuple[dict[str, list[KeptShare]], list[str]]:
    """The shares on the disks of a cluster by the ids of their runs, and what could not be read.

    Dask workers that share a disk find the same ones; each is named once.
    """
    found: dict[tuple[str, int], KeptShare] = {}
    problems = []
    for address, listed in connection.call_each(shares_here, timeout_s=_CALL_S).items():
        if isinstance(listed, Exception):
            problems.append(f"{address} does not respond ({listed}): its shares are not known")
            continue
        for kept in listed:
            if kept.problem:
                problems.append(f"{kept.name}: {kept.problem}")
            else:
                known = replace(kept, address=address)
                found.setdefault((kept.share.run_id, kept.share.host), known)
    by_run: dict[str, list[KeptShare]] = defaultdict(list)
    for (run_id, _), kept in sorted(found.items()):
        by_run[run_id].append(kept)
    return dict(by_run), list(dict.fromkeys(problems))


def fetch(connection: ClusterConnection, kept: Sequence[KeptShare]) -> Path:
    """Fetch the shares ``kept`` of one run; returns its spool directory.

    May be repeated, and goes on where it was. A host deletes its share once all of it is on this
    machine's disk; one that sends its samples to a store keeps them
    (`benchlab.load.cluster.kept_direct`). One whose load never began, in a run that did, has
    nothing and is complete.

    Raises:
        RunError: a host does not respond any more, or the spool cannot be written.
    """
    kept = sorted(kept, key=lambda each: not each.was_started)
    run_id = kept[0].share.run_id
    with _own_spool(connection, kept[0]) as directory:
        plan = spool.read_head(directory).plan
        steps = None if plan.scenario is None else StepTable(directory)
        for each in kept:
            # The parent had written why it lacks these: a whole file does not begin with that.
            for worker in each.share.workers:
                spool.health_path(directory, worker).unlink(missing_ok=True)
            mirror = Mirror(directory, each.share.workers, steps, direct=each.share.is_direct)
            try:
                _copy(connection, each, mirror)
                _note_complete(connection, directory, each)
            except OSError as exc:
                raise RunError(
                    f"the spool {directory} of run {run_id} cannot be written ({exc.strerror})",
                    remedy="free space on its disk, and repeat benchlab recover --cluster",
                ) from exc
            if each.share.is_direct:  # it has the samples, and keeps them until they are stored
                continue
            with suppress(RunError):  # it is whole here: the next call removes it there
                _call(connection, each, remove_here, each.share)
        return directory


def discard(connection: ClusterConnection, kept: Sequence[KeptShare]) -> None:
    """Delete shares on the hosts that have them.

    Raises:
        RunError: a host does not respond any more.
    """
    for each in kept:
        _call(connection, each, remove_here, each.share)


def _copy(connection: ClusterConnection, kept: KeptShare, mirror: Mirror) -> None:
    """Copy what is missing of a share."""
    is_complete = False
    while not is_complete:
        chunks, is_complete = _call(
            connection, kept, read_here, kept.share, mirror.offsets, CHUNK_BYTES
        )
        mirror.write(chunks)
    mirror.sync()


def _note_complete(connection: ClusterConnection, directory: Path, kept: KeptShare) -> None:
    """Note that the run has the whole share, in what is known of its hosts and its cluster."""
    share = kept.share
    records = list(spool.read_hosts(directory))
    mine = [index for index, item in enumerate(records) if item.workers == share.workers]
    if not mine:
        mine = [len(records)]
        records.append(HostRecord(kept.address, kept.name, share.workers, lost=_LOST))
    if not any(worker.problem for worker in spool.read_health(directory, share.workers)):
        records[mine[0]] = replace(records[mine[0]], lost="")  # they had carried out all of it
    spool.write_hosts(directory, sorted(records, key=lambda item: item.workers))
    known = read_cluster(directory) or ClusterFile(connection.scheduler, ())
    whole = sorted({*known.complete, *share.workers})
    write_cluster(directory, replace(known, complete=tuple(whole), samples=share.samples))


@contextmanager
def _own_spool(connection: ClusterConnection, kept: KeptShare) -> Iterator[Path]:
    """The spool directory of the run, made from a share if it is gone; it belongs to this process.

    Raises:
        RunError: another process has it, or it cannot be written.
    """
    directory = spool_root() / kept.share.run_id
    if spool.is_in_use(directory):
        raise RunError(
            f"the run {kept.share.run_id} is in use by another process on this machine",
            remedy="wait until it has ended: benchlab live",
        )
    is_new = not (directory / spool.HEAD).exists()
    head, start = _call(connection, kept, head_here, kept.share) if is_new else ("", "")
    try:
        if is_new:
            data_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
            make_directory(spool_root())
            make_directory(directory)
        lock = acquire_lock(directory / OWNER)
        if is_new:
            write_cluster(directory, ClusterFile(connection.scheduler, ()))
            replace_text(directory / _START, start, private=True)
            replace_text(directory / spool.HEAD, head, private=True)  # last: with it, this is a run
    except OSError as exc:
        raise RunError(
            f"the spool {directory} cannot be written ({exc.strerror})",
            remedy="free space on its disk, or set BENCHLAB_DATA_DIR to another directory",
        ) from exc
    try:
        yield directory
    finally:
        release_lock(lock)


def _call(
    connection: ClusterConnection, kept: KeptShare, function: Callable[..., Any], *args: Any
) -> Any:
    """Call ``function`` on the host; a connection that breaks is tried again.

    Raises:
        RunError: it does not respond any more.
    """

    async def attempts() -> Any:
        for left in (2, 1, 0):
            try:
                return await connection.call(kept.address, function, *args, timeout_s=_CALL_S)
            except HostUnreachableError as exc:
                if not left:
                    raise RunError(
                        f"the host {kept.name} does not respond any more ({exc})",
                        remedy="repeat benchlab recover --cluster: it goes on where it was",
                    ) from exc
                await asyncio.sleep(1)
        raise AssertionError("unreachable")

    return connection.wait(connection.submit(attempts()))


def shares_here() -> list[KeptShare]:
    """The shares on the disk of this host; called on a host."""
    name, found = socket.gethostname(), []
    for directory in shares():
        try:
            share = read_share(directory)
            files = share_files(directory, share.workers, share.workers)
            found.append(
                KeptShare(
                    address="",
                    name=name,
                    share=share,
                    bytes_kept=sum(_size(path) for path, _ in files),
                    sample_count=sum(
                        _size(spool.samples_path(directory, worker)) // SAMPLE_DTYPE.itemsize
                        for worker in share.workers
                    ),
                    is_in_use=spool.is_in_use(directory),
                    was_started=spool.was_started(directory),
                )
            )
        except FileNotFoundError:  # removed just now
            continue
        except (BenchlabError, OSError) as exc:
            found.append(KeptShare("", name, Share(directory.name, 0, (), 0), problem=str(exc)))
    return found


def head_here(share: Share) -> tuple[str, str]:
    """What a run's spool begins with: its description and its start; called on a host.

    Raises:
        RunError: the share is gone.
    """
    directory = find_share(share)
    return (directory / spool.HEAD).read_text(), (directory / _START).read_text()


def read_here(share: Share, offsets: dict[str, int], limit: int) -> tuple[dict[str, bytes], bool]:
    """The next bytes of a share behind ``offsets``, and whether they are the last; called on a
    host.

    Raises:
        RunError: the share is gone.
    """
    return read_files(
        find_share(share),
        share.workers,
        share.workers,
        offsets,
        limit,
        direct=share.is_direct,
    )


def remove_here(share: Share) -> None:
    """Delete a share, of which the parent or the store has everything; called on a host."""
    with suppress(RunError):  # it is deleted
        remove_share(find_share(share))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
