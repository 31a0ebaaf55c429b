"""Which parts of a run are not in its spool, since hosts of a cluster have them."""

from __future__ import annotations

from pathlib import Path

from benchlab.spool.cluster_file import read_cluster
from benchlab.spool.directory import read_head

__all__ = ["missing_workers"]


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
