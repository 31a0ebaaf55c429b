"""Runs that several tests look at are made once for a module, with a data directory of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def data_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No run of a module's fixtures touches the user's spool."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHLAB_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield
