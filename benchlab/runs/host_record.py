"""A host of a run that was made by a cluster, and what is known of its clock."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchlab.decoding import Count, Integer
from benchlab.displayed import Displayed

__all__ = ["HostRecord"]


@dataclass(frozen=True, slots=True)
class HostRecord(Displayed):
    """One process of a cluster that ran workers of benchlab, as seen by the parent.

    ``address`` is the Dask worker's, ``name`` the host name of its machine, ``workers`` the numbers
    of the workers it ran. ``clock_offset_ns`` is what its monotonic clock showed more than the
    parent's before the start, known within ``clock_error_ns``: half of the shortest round trip.
    ``clock_drift_ns`` is how much more it showed at the end of the run than at its start; None if
    that was not measured. ``start_late_ns`` is how long after the agreed time its last worker
    started. ``lost`` says why the parent does not have all that its workers measured; empty if it
    has.
    """

    address: str
    name: str
    workers: tuple[Count, ...]
    clock_offset_ns: Integer = 0
    clock_error_ns: Count = 0
    clock_drift_ns: Integer | None = None
    start_late_ns: Count = 0
    lost: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "workers": list(self.workers)}
