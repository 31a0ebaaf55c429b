"""Which cluster a client's database is on, and what its queries need there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["SETTINGS", "cluster_of", "use_cluster"]

SETTINGS = {
    # An insert is acknowledged once most replicas have it, and reads see it then: a run counts as
    # saved only after it was compared with what is stored.
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
