"""What one host of a cluster has of a run: a spool directory of its own, below another root.

    <data dir>/shares/<host number>/<run id>/

It has the files of a spool directory (`benchlab.spool.directory`) that the workers of this host
write, ``run.json`` and ``start.json`` as the parent's, and ``share.json``: whose share it is. So it
is read like a run, if the parent and its disk are lost. The parent copies its files into the run's
own directory under the same names; a host has its directory until the parent has all of it. Several
hosts may share a disk: each has a number in the run.

The files of steps differ between hosts, since their workers cannot agree on an order: whoever
copies samples of a scenario numbers their steps anew (`benchlab.load.cluster.mirror`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchlab.decoding import Count, decode_file
from benchlab.errors import DamagedError, RunError
from benchlab.paths import data_dir
from benchlab.spool import directory as run_directory
from benchlab.spool.lock import acquire_lock, release_lock
from benchlab.spool.record_files import RECORD_FILES
from benchlab.spool.storage import replace_text
from benchlab.spool.tallies import tally_path

__all__ = [
    "Share",
    "create_share",
    "find_share",
    "read_share",
    "remove_share",
    "share_files",
    "shares",
]

_SHARE = "share.json"


@dataclass(frozen=True, slots=True)
class Share:
    """Whose share a directory has: the run, the number of the host in it, and its workers.

    ``workers_total`` is how many the run has on all hosts. ``samples`` is ``direct`` if this host
    sends its records to a store by itself.
    """

    run_id: str
    host: Count
    workers: tuple[Count, ...]
    workers_total: Count
    samples: str = "parent"

    @property
    def is_direct(self) -> bool:
        """Whether the parent gets sums of the records instead of these."""
        return self.samples == "direct"


@contextmanager
def create_share(share: Share, head: bytes, plan: Mapping[str, Any]) -> Iterator[Path]:
    """Create the directory of ``share``, and hold its lock for the ``with`` block.

    ``head`` is the parent's ``run.json``, ``plan`` the whole plan for the workers.

    Raises:
        RunError: the directory cannot be written, or its disk is full.
    """
    directory = _root() / str(share.host) / share.run_id
    try:
        data_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
        run_directory.check_room(data_dir(), len(share.workers))
        for part in (_root(), directory.parent):
            run_directory.make_directory(part)
        run_directory.make_directory(directory, exist_ok=False)
        lock = acquire_lock(directory / run_directory.OWNER)
        run_directory.write_plan_data(directory, plan)
        replace_text(directory / _SHARE, json.dumps(asdict(share)), private=True)
        replace_text(directory / run_directory.HEAD, head.decode(), private=True)
    except OSError as exc:
        raise RunError(
            f"cannot write the run's spool {directory} ({exc.strerror}):"
            " set BENCHLAB_DATA_DIR of the Dask worker to a directory that it can write"
        ) from exc
    try:
        yield directory
    finally:
        release_lock(lock)


def shares() -> Iterator[Path]:
    """The directories of all shares on this disk, oldest run first; those in use included."""
    if _root().is_dir():
        found = [path for path in _root().glob("*/*") if (path / _SHARE).exists()]
        yield from sorted(found, key=lambda path: (path.name, path.parent.name))


def read_share(directory: Path) -> Share:
    """Whose share ``directory`` has.

    Raises:
        DamagedError: the file holds something else.
        FileNotFoundError: it is gone.
    """
    return decode_file(directory / _SHARE, Share)


def find_share(share: Share) -> Path:
    """The directory of ``share`` on this disk.

    Raises:
        RunError: it is gone.
    """
    for directory in shares():
        with suppress(FileNotFoundError, DamagedError):
            if read_share(directory) == share:
                return directory
    raise RunError(
        f"the share of host {share.host} in run {share.run_id} is gone",
        remedy="list what is left with benchlab recover --cluster --list",
    )


def share_files(
    directory: Path, workers: Sequence[int], ended: Sequence[int], *, direct: bool = False
) -> Iterator[tuple[Path, int]]:
    """The files of ``workers`` that a parent copies, and the size of their records in bytes.

    They are appended to, and copied in this order: a name of a step is in its file before a sample
    that refers to it, so that file is the last. Health and logs are whole once a worker has
    ``ended``. With ``direct`` there are sums in the place of the records.
    """
    whole = (run_directory.log_path, run_directory.health_path)
    if direct:
        yield tally_path(directory, min(workers)), 1
    for worker in workers:
        if not direct:
            for kind in RECORD_FILES:
                yield kind.path(directory, worker), kind.dtype.itemsize
        yield run_directory.examples_path(directory, worker), 1
        if worker in ended:
            for path_of in whole:
                yield path_of(directory, worker), 1
    yield run_directory.steps_path(directory), 1


def remove_share(directory: Path) -> None:
    """Delete the directory of a share, of which the parent has everything."""
    run_directory.remove(directory)
    with suppress(OSError):  # other runs' shares, or another process removes it too
        directory.parent.rmdir()


def _root() -> Path:
    return data_dir() / "shares"
