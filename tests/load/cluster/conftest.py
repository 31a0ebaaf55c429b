"""A Dask cluster of this machine, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchlab.load.cluster.timing import Patience
from benchlab.units import NS_PER_S
from tests.cluster.local import Cluster, start_cluster

PATIENT = Patience(lease_s=120, lost_s=150, call_s=60, ready_s=240, collect_s=240)
"""Of a parent on a busy machine, whose hosts are on it too and may stand still for a while."""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four Dask workers, each with a disk of its own; tests leave them as they are."""
    patches = {"benchlab.load.cluster.agent:LATE_LIMIT_NS": 120 * NS_PER_S}
    with start_cluster(tmp_path_factory.mktemp("cluster"), 4, patches=patches) as running:
        yield running


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchlab.load.cluster.workers.USUAL_PATIENCE", PATIENT)
