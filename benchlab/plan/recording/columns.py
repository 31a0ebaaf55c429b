"""The requests of a recording as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Columns", "Labels"]


@frozen(eq=False)
class Labels:
    """A column of texts, each different one kept once: ``values[index]`` for each row."""

    values: tuple[str, ...]
    index: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Any) -> Labels:
        """The rows of a mask, a slice or an array of their numbers."""
        return Labels(self.values, self.index[rows])

    def to_array(self) -> NDArray[np.object_]:
        """The text of each row."""
        import numpy as np

        values = np.empty(len(self.values), dtype=object)
        values[:] = self.values
        texts: NDArray[np.object_] = values[self.index]
        return texts


@frozen(eq=False)
class Columns:
    """Recorded requests in the order of their arrival, a row each.

    ``offset_s`` are seconds (float64) from the first arrival. ``path`` has the query, and no
    secrets. ``host`` is empty where the recording does not have it. ``status`` (uint16) is 0 and
    ``duration_ms`` (float32) is nan where they are not known. ``session`` (int32) numbers sessions
    in the order in which they begin; -1 is a request of no known session. ``body`` (int32) is the
    number of the body in ``bodies``, -1 for one that was not recorded; number 0 is no body.
    """

    offset_s: NDArray[np.float64]
    method: Labels
    path: Labels
    host: Labels
    status: NDArray[np.uint16]
    duration_ms: NDArray[np.float32]
    session: NDArray[np.int32]
    body: NDArray[np.int32]
    content_type: Labels
    bodies: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.offset_s)

    def __getitem__(self, rows: Any) -> Columns:
        """The rows of a mask, a slice or an array of their numbers."""
        return Columns(
            offset_s=self.offset_s[rows],
            method=self.method[rows],
            path=self.path[rows],
            host=self.host[rows],
            status=self.status[rows],
            duration_ms=self.duration_ms[rows],
            session=self.session[rows],
            body=self.body[rows],
            content_type=self.content_type[rows],
            bodies=self.bodies,
        )
