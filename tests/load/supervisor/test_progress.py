"""Progress: the numbers of the phase that a run is in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchlab import ConstantRate, Plan, Request, spool
from benchlab.load.supervisor.progress import ProgressReader
from benchlab.samples.samples import SAMPLE_DTYPE, Flag
from benchlab.units import NS_PER_S


def test_the_rate_is_that_of_the_warm_up_and_then_of_the_measured_window(tmp_path: Path) -> None:
    request = Request("GET", "http://127.0.0.1:1/")
    plan = Plan(request, ConstantRate(100), duration_s=4, warmup_s=2)
    reader = ProgressReader(tmp_path, plan)

    def record(count: int, at_s: float, flags: Flag | int) -> None:
        records = np.zeros(count, dtype=SAMPLE_DTYPE)
        records["done_ns"] = records["intended_ns"] = round(at_s * NS_PER_S)
        records["flags"] = flags
        with spool.samples_path(tmp_path, 0).open("ab") as file:
            file.write(records.tobytes())

    seen = []
    for count, at_s, flags in [(0, 0, 0), (50, 1, Flag.WARMUP), (150, 2, Flag.WARMUP), (30, 3, 0)]:
        record(count, at_s, flags)
        progress = reader.poll(at_s * NS_PER_S)
        seen.append((progress.phase, progress.rate_rps, progress.count))
    assert seen == [
        ("warm-up", 0, 0),
        ("warm-up", 50, 0),
        ("measuring", 0, 0),
        ("measuring", 30, 30),
    ]
    assert reader.poll(7 * NS_PER_S).rate_rps == pytest.approx(30 / 4)
