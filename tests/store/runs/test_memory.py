"""Saving and showing a run take the same memory, however long it is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from benchlab import spool
from tests.spools import make_spool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux does")

FEW, MANY = 500_000, 2_000_000
LIMIT = 50_000  # what this run may hold at once, so that it is a long one
SLO = ("p99<5ms", "p99[GET /a]<5ms over 1s", "error_ratio<1% over 500ms")

# The engine comes to hold some tens of MB more during its first inserts and merges. To hold the
# records of the longer run would be 84 MB on top of that, and its inserts 120 MB.
MORE_MB = 100


def measure(count: int, *, closed: bool) -> dict[str, Any]:
    directory = make_spool(count, closed=closed, slo=SLO)
    expected = spool.read_run(directory).to_dict()
    done = subprocess.run(
        [sys.executable, "-m", "tests.memory", str(directory), str(LIMIT)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["numbers"] == json.loads(json.dumps(expected))
    return result


@pytest.mark.parametrize(
    "closed",
    [
        pytest.param(False, id="open loop", marks=pytest.mark.soak),
        pytest.param(True, id="uneven closed loop"),  # the one whose numbers have holes
    ],
)
def test_memory_does_not_grow_with_the_run(closed: bool) -> None:
    few, many = measure(FEW, closed=closed), measure(MANY, closed=closed)
    assert many["save_mb"] - few["save_mb"] <= MORE_MB
    assert many["show_mb"] - few["show_mb"] <= MORE_MB
