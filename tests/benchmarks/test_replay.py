"""How long a million recorded arrivals take to read, beside a plain loop over the same lines."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from benchlab.plan.shapes import Replay
from tests.benchmarks.table import show

pytestmark = pytest.mark.benchmark

COUNT = 1_000_000


def cpu_s(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


@pytest.mark.parametrize("rest", ["", ",/path,200"])
def test_a_million_arrivals(rest: str) -> None:
    text = "\n".join(f"{1.7e9 + k / 1000:.3f}{rest}" for k in range(COUNT))
    loop_s = cpu_s(lambda: [float(line.partition(",")[0]) for line in text.splitlines()])
    read_s = cpu_s(lambda: Replay.parse(text))
    show(
        f"Reading {COUNT:,} arrivals, such as {text.partition(chr(10))[0]}",
        ("", "s of CPU"),
        [("plain loop", f"{loop_s:.2f}"), ("Replay.parse", f"{read_s:.2f}")],
    )
    assert read_s < 8 * loop_s
