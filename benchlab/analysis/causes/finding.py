"""What one detector found, before the causes are weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass

from benchlab.analysis.causes.cause import CauseId, Evidence
from benchlab.analysis.causes.requests import Floats

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """A cause, and how much of each request's latency it explains, in ns.

    ``typical_ns`` is what it adds to the median: a slow dependency of every request is in the
    median too, and without it the median would be lower. ``weight`` takes the place of the share
    of the tail in the ranking, for what latency does not show.
    """

    cause: CauseId
    explained: Floats
    evidence: tuple[Evidence, ...]
    figure: str
    try_next: str
    typical_ns: float = 0.0
    weight: float = 0.0
