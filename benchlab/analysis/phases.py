"""Where the time of requests went: opening a connection, waiting for the response, reading it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.samples.connections import Connections
from benchlab.samples.samples import Endpoints, Flag, Samples
from benchlab.samples.summary import Distribution
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATISTICS", "phases"]

STATISTICS = ("mean", "p50", "p95", "p99", "max")

_OPENING = {"name look-up": "dns", "connect": "connect", "TLS handshake": "tls"}


def phases(
    samples: Samples, connections: Connections, *, endpoint: Endpoints | None = None
) -> pd.DataFrame:
    """One row per phase of the requests that got a response, on new and on reused connections.

    Columns: connection ("new" or "reused"), phase, count, and statistics in ms. "first byte" is the
    time from sending the request (on a new connection: from when it was open) to the first byte of
    the response, "body" from there to its end. Phases that took no time anywhere, such as
    TLS without TLS, are left out. ``endpoint`` selects one endpoint, or several together.

    Raises:
        InputError: no endpoint has this name.
    """
    import pandas as pd

    responded = samples.endpoint(endpoint).choose(lambda records: records["first_byte_ns"] > 0)
    new = responded.choose(lambda records: (records["flags"] & Flag.NEW_CONNECTION) != 0)
    reused = responded.choose(lambda records: (records["flags"] & Flag.NEW_CONNECTION) == 0)
    opened, opening = _opened_by(new, connections)
    took = sum((opening[f"{field}_ns"] for field in _OPENING.values()), np.zeros(len(opened), int))
    rows: list[tuple[str, str, Iterable[NDArray[np.int64]]]] = [
        *(("new", phase, [opening[f"{field}_ns"]]) for phase, field in _OPENING.items()),
        ("new", "first byte", [np.maximum(_waited(opened) - took, 0)]),
        ("new", "body", opened.in_blocks(_body)),
        ("reused", "first byte", reused.in_blocks(_waited)),
        ("reused", "body", reused.in_blocks(_body)),
    ]
    found = [
        {
            "connection": connection,
            "phase": phase,
            "count": sum(map(len, blocks)),
            **{f"{name}_ms": getattr(spread, name) / NS_PER_MS for name in STATISTICS},
        }
        for connection, phase, blocks in rows
        if (spread := Distribution.of_blocks(blocks)) is not None and spread.max > 0
    ]
    columns = ["connection", "phase", "count", *(f"{name}_ms" for name in STATISTICS)]
    return pd.DataFrame(found, columns=columns)


def _waited(samples: Samples) -> NDArray[np.int64]:
    waited: NDArray[np.int64] = samples.column("first_byte_ns") - samples.column("sent_ns")
    return np.maximum(waited, 0)


def _body(samples: Samples) -> NDArray[np.int64]:
    body: NDArray[np.int64] = samples.column("done_ns") - samples.column("first_byte_ns")
    return body


def _opened_by(samples: Samples, connections: Connections) -> tuple[Samples, NDArray[np.void]]:
    """The samples whose connection left a record, and those records, in the same order."""
    records = connections.opened.records
    records = records[records["seq"] >= 0]
    _, left, right = np.intersect1d(samples.column("seq"), records["seq"], return_indices=True)
    return samples.where(left), records[right]
