"""Load that another tool made, whose schedule is unknown."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from benchlab.errors import InputError
from benchlab.plan.shapes.base import LoadShape
from benchlab.plan.validation import check_whole

__all__ = ["Imported"]


@frozen
class Imported(LoadShape):
    """The load in another tool's results, which show what was sent but not what was intended.

    Intended times are taken to be the times of sending, as in a closed loop. ``connections`` is the
    most requests that were open at once by the file's clock; ``source`` names the tool. It cannot
    be made again.
    """

    connections: int = 1
    source: str = ""
    kind: ClassVar[str] = "imported"
    is_imported: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        check_whole("connections", self.connections, 1, 2**31)
        if not isinstance(self.source, str):
            raise InputError("must be text", field="source", value=self.source)

    def connection_limit(self, max_connections: int) -> int:
        """The connections that the file shows."""
        del max_connections
        return self.connections

    def describe(self) -> str:
        """Short description."""
        return f"as {self.source} sent it; intended times unknown"
