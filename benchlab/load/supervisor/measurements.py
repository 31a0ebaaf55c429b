"""What is new in a run's spool: samples, or the sums of those that its hosts keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchlab import spool
from benchlab.load.supervisor.conditions import FROM_HOSTS_AFTER_NS, IN_THE_FILE_AFTER_NS
from benchlab.load.supervisor.sums import TallySums
from benchlab.load.supervisor.tally import decode_tally
from benchlab.plan.plan import Plan
from benchlab.spool.tallies import NewTallies, tally_path

__all__ = ["Measurements", "NewMeasurements"]

Measurements: TypeAlias = NDArray[np.void] | TallySums
"""Records of samples, or the sums of some."""


class NewMeasurements:
    """Reads what the workers of a run, or its hosts, append to its spool while it goes on.

    ``merged``: these are sums, since the hosts send their samples to a store by themselves.
    ``late_ns`` is how long after the end of a request it is among them.
    """

    def __init__(self, directory: Path, plan: Plan) -> None:
        cluster = spool.read_cluster(directory)
        self.merged = cluster is not None and cluster.samples == "direct"
        self.late_ns = IN_THE_FILE_AFTER_NS if cluster is None else FROM_HOSTS_AFTER_NS
        workers = range(plan.workers)
        self._records = spool.new_records(directory, plan.workers)
        self._tallies = NewTallies([tally_path(directory, worker) for worker in workers])

    def __iter__(self) -> Iterator[Measurements]:
        """What was appended since the last time, in parts."""
        return map(decode_tally, self._tallies) if self.merged else iter(self._records)
