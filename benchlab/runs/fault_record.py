"""A fault as it really was in a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchlab.decoding import Count, Integer
from benchlab.displayed import Displayed

__all__ = ["FaultRecord"]


@dataclass(frozen=True, slots=True)
class FaultRecord(Displayed):
    """When a fault of the plan was on, on the clock of the samples.

    ``number`` is its index among the plan's faults, ``fault`` its text form. ``began_ns`` and
    ``ended_ns`` are from the run's start, each the time at which what makes the fault had confirmed
    it; ``ended_ns`` is None if it was never lifted, as far as is known. ``error`` says what went
    wrong and is empty otherwise: if the fault could not be set, ``began_ns`` is when that was
    known, and ``ended_ns`` is None.
    """

    number: Count
    fault: str
    kind: str
    began_ns: Integer
    ended_ns: Integer | None = None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)
