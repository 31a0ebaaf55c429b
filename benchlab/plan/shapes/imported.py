"""Imported: load that another tool made, of which no schedule is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from benchlab.plan.shapes.closed_loop import ClosedLoop

__all__ = ["Imported"]


@dataclass(frozen=True, slots=True)
class Imported(ClosedLoop):
    """The load in another tool's results: what was sent is known, what was intended is not.

    So it is counted like a closed loop: intended when sent. ``connections`` is the most requests
    that were open at once as far as the file's clock tells, ``source`` the tool. It cannot be made
    again.
    """

    source: str = ""
    kind: ClassVar[str] = "imported"

    def describe(self) -> str:
        """What it is, as a phrase."""
        return f"as {self.source} sent it; intended times unknown"
