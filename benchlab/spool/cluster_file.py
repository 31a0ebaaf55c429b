"""``cluster.json``: that a run was made by a cluster, and how much of it is here.

Written when the workers are assigned their shares, and again at the end. A run whose ``complete``
lacks workers has files on the disks of hosts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchlab.decoding import Count, decode_file
from benchlab.spool.storage import replace_text

__all__ = ["ClusterFile", "is_direct", "read_cluster", "write_cluster"]

_CLUSTER = "cluster.json"


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """The ``scheduler`` of a run's cluster, the addresses of its ``hosts``, and the workers whose
    files are ``complete`` here. ``samples`` is where their samples went: ``parent`` or ``direct``.
    """

    scheduler: str
    hosts: tuple[str, ...]
    complete: tuple[Count, ...] = ()
    samples: str = "parent"


def write_cluster(directory: Path, found: ClusterFile) -> None:
    """Write the file to the spool ``directory`` of a run."""
    replace_text(directory / _CLUSTER, json.dumps(asdict(found), indent=1), private=True)


def read_cluster(directory: Path) -> ClusterFile | None:
    """What the spool ``directory`` says of the run's cluster; None of a run without one.

    Raises:
        DamagedError: the file holds something else.
    """
    try:
        return decode_file(directory / _CLUSTER, ClusterFile)
    except FileNotFoundError:
        return None


def is_direct(directory: Path) -> bool:
    """Whether the records of a run are not in its spool ``directory``: hosts send them to a store.

    Raises:
        DamagedError: the file that says so holds something else.
    """
    found = read_cluster(directory)
    return found is not None and found.samples == "direct"
