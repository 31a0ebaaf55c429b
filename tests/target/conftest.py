"""The target as `start_target` starts it, for all tests that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchlab.bundled import TargetProcess, start_target


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TargetProcess]:
    """A target with gRPC, faults and telemetry, whose spans are written almost at once."""
    directory: Path = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        environment.setenv("OTEL_METRICS_EXPORTER", "none")
        started = start_target(grpc_port=0, otlp_dir=directory, faults=True)
    with started:
        yield started
