"""What a caller asks of a cluster."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

__all__ = ["Cluster", "SamplesTo"]

Cluster: TypeAlias = Any
"""What names a Dask cluster: its scheduler's address, a ``distributed.Client`` or a cluster object
such as ``LocalCluster``. The package is optional, so its types cannot be named."""

SamplesTo: TypeAlias = Literal["parent", "direct"]
"""Where the samples of a run on a cluster go: to the parent, or from each host straight to the
store."""
