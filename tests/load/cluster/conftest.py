"""A Dask cluster of this machine, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.local import Cluster, start_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four Dask workers, each with a disk of its own; tests leave them as they are."""
    with start_cluster(tmp_path_factory.mktemp("cluster"), 4) as running:
        yield running
