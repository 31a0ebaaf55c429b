"""Parts of a cluster are killed while a run goes on: nothing is lost, and nothing is there twice.

The long version: ``python -m tests.cluster chaos --rounds 20``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.arrivals import Arrivals, arriving
from tests.cluster.chaos import PAUSE_S, Round, drawn, play
from tests.cluster.local import Cluster, ForkServer, start_cluster

HOSTS = 2


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Cluster]:
    """A small cluster, which is broken and mended."""
    with start_cluster(tmp_path_factory.mktemp("chaos"), HOSTS, forks=forks) as running:
        yield running


@pytest.fixture(scope="module")
def arrivals() -> Iterator[Arrivals]:
    with arriving(pause_s=PAUSE_S) as running:
        yield running


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "this",
    [
        Round("generator", host=1),
        Round("dask worker"),
        Round("scheduler", closed=False),
        Round("parent"),
    ],
    ids=lambda this: this.victim,
)
def test_nothing_is_lost_and_nothing_is_there_twice(
    own_cluster: Cluster, arrivals: Arrivals, this: Round
) -> None:
    play(own_cluster, arrivals, this)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_rounds(own_cluster: Cluster, arrivals: Arrivals) -> None:
    for this in drawn(20, HOSTS, seed=1):
        print(this, flush=True)
        play(own_cluster, arrivals, this)
