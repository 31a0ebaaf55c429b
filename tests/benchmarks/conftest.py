"""What benchmarks share: the service, and the cores that are kept apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.benchmarks.machine import need_two_cores
from tests.benchmarks.nginx import Service, start_nginx


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """nginx on a core of its own."""
    need_two_cores()
    with start_nginx(tmp_path_factory.mktemp("nginx")) as service:
        yield service
