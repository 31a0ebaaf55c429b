"""Failed requests by kind and status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchlab.samples.samples import Endpoints, ErrorKind, Samples

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["errors_table"]

_STATUSES = 1 << 16


def errors_table(samples: Samples, *, endpoint: Endpoints | None = None) -> pd.DataFrame:
    """One row per kind of error and HTTP status, most frequent first; none without errors.

    Columns: ``kind``, the label of its `ErrorKind`; ``status``, 0 without a response; ``count``;
    ``ratio`` of all requests, 0 to 1. ``endpoint`` selects one endpoint, or several together.

    Raises:
        InputError: no endpoint has this name.
    """
    import pandas as pd

    samples = samples.endpoint(endpoint)
    counts = np.zeros(len(ErrorKind) * _STATUSES, dtype=np.int64)
    for block in samples.failed.blocks():
        code = block.column("error").astype(np.int64) * _STATUSES + block.column("status")
        counts += np.bincount(code, minlength=len(counts))
    found = np.flatnonzero(counts)
    found = found[np.argsort(-counts[found], kind="stable")]
    return pd.DataFrame(
        {
            "kind": [ErrorKind(int(code) // _STATUSES).label for code in found],
            "status": found % _STATUSES,
            "count": counts[found],
            "ratio": counts[found] / max(len(samples), 1),
        }
    )
