"""The descriptors of the tests' own services, compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.grpc.proto_files import descriptors_of_proto

PROTOS = Path(__file__).parent / "protos"


@pytest.fixture(scope="session")
def orders() -> Descriptors:
    """Those of ``shop/orders.proto``, with what it imports."""
    return descriptors_of_proto(str(PROTOS / "shop/orders.proto"), [str(PROTOS)])


@pytest.fixture(scope="session")
def modern() -> Descriptors:
    """Those of ``modern.proto``, an edition, which imports proto2."""
    return descriptors_of_proto(str(PROTOS / "modern.proto"))
