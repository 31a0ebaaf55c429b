"""One record per opened connection: name lookup, connecting, TLS handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.record_array import RecordArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CONNECTION_DTYPE", "Connections"]

CONNECTION_DTYPE = np.dtype(
    [
        ("seq", "<i8"),
        ("start_ns", "<i8"),
        ("dns_ns", "<i8"),
        ("connect_ns", "<i8"),
        ("tls_ns", "<i8"),
        ("origin", "<u4"),
        ("error", "<u4"),
    ]
)
"""Layout of a record, in memory and in the spool.

``seq`` is the request it was opened for, -1 when it was opened before the run; ``start_ns`` the
moment the generator began, from the start of the run. The three phases follow each other: looking
up the name (0 if it was cached), connecting (TCP, or a Unix socket), and the TLS
handshake (0 without TLS). A phase that was not reached is 0; ``error`` is the
`benchlab.samples.samples.ErrorKind` of an attempt that failed. ``origin`` indexes `Plan.origins`.
"""


class Connections(RecordArray):
    """The connections of a run, in the order of their opening. Length: number of attempts."""

    __slots__ = ()

    dtype = CONNECTION_DTYPE

    def __repr__(self) -> str:
        return f"<Connections: {len(self):,} opened, {self.failed_count:,} failed>"

    @property
    def failed_count(self) -> int:
        """Number of failed attempts."""
        return int(np.count_nonzero(self.records["error"]))

    @property
    def opened(self) -> Connections:
        """The attempts that succeeded."""
        return Connections(self.records[self.records["error"] == 0])

    def phase_ns(self, name: str) -> NDArray[np.int64]:
        """``dns``, ``connect`` or ``tls`` of every connection, int64 ns."""
        phase: NDArray[np.int64] = self.records[f"{name}_ns"]
        return phase

    def to_pandas(self) -> pd.DataFrame:
        """One row per connection: seq, origin, error (code), start_ns and the phases in ms."""
        import pandas as pd

        return pd.DataFrame(
            {
                "seq": self.records["seq"],
                "origin": self.records["origin"],
                "error": self.records["error"],
                "start_ns": self.records["start_ns"],
                **{f"{name}_ms": self.phase_ns(name) / 1e6 for name in ("dns", "connect", "tls")},
            }
        )
