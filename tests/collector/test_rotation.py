"""The files that the real Collector rotates are read whole, also while they are followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchlab.store import Store
from benchlab.telemetry import follow
from tests.collector.collector import collecting, send
from tests.stores import closed_store, empty_store

__all__ = ["closed_store", "empty_store"]

pytestmark = pytest.mark.timeout(900)  # the first to come may have to build the Collector


@pytest.mark.parametrize("named", [True, False])
def test_rotation_by_the_collector(
    closed_store: Store, span_line: Callable[..., bytes], tmp_path: Path, named: bool
) -> None:
    path = tmp_path / "otlp" / "traces.jsonl"
    with collecting(tmp_path) as collector:
        send(collector, "traces", span_line(3))
        collector.stop()
        with path.open("ab") as file:  # blank, up to the 100 MB that are the limit
            file.write((b" " * (34 * 2**20) + b"\n") * 3)
        look = follow(closed_store.connect, [path if named else path.parent], wait=lambda _: None)
        assert next(look).spans == 3
        with path.open("ab") as file:
            file.write(span_line(first=10))
        collector.start()
        send(collector, "traces", span_line(5, first=20))
        collector.stop()
    backups = [other for other in path.parent.glob("traces-*") if other.suffix == ".jsonl"]
    assert len(backups) == 1
    assert next(look).spans == 6
    assert next(look).spans == 0
