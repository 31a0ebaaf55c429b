"""Which cluster a client's database is on, and what its queries need there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["SETTINGS", "cluster_of", "use_cluster"]

SETTINGS = {
    # A part is acknowledged by most replicas before the insert is, and reads see it then: a run
    # is checked against what is stored before it counts as saved.
    "distributed_foreground_insert": 1,
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
    "distributed_product_mode": "global",
    "distributed_ddl_task_timeout": 60,
}
"""Settings of every query of a client on a cluster."""

_clusters: WeakKeyDictionary[Client, str] = WeakKeyDictionary()


def use_cluster(client: Client, cluster: str) -> None:
    """Note that the client's database is on ``cluster``."""
    _clusters[client] = cluster


def cluster_of(client: Client) -> str:
    """The cluster that the client's database is on; '' for a single server."""
    return _clusters.get(client, "")
