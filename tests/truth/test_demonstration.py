"""What a closed loop that is timed from its sends would have missed."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import pytest

from tests.truth.demonstration import FAULT, MET_MS, SECONDS, USERS, draw, measure, p99_ms
from tests.truth.faults import stall


def test_a_closed_loop_misses_the_stall_that_a_constant_rate_sees(tmp_path: Path) -> None:
    closed, opened = measure()
    assert closed.summary.errors == opened.summary.errors == {}
    closed_ms = closed.measured.service_ns / 1e6
    opened_ms = opened.measured.latency_ns / 1e6
    expected_ms = stall(FAULT, SECONDS)(0.99) * 1e3

    assert (closed_ms > 900).sum() == USERS  # all that can be in flight when it begins
    assert p99_ms(closed_ms) < MET_MS
    assert p99_ms(opened_ms) == pytest.approx(expected_ms, rel=0.05)
    assert (opened_ms > MET_MS).sum() > 90 * USERS

    draw(closed, opened).savefig(tmp_path / "picture.png", dpi=100)
    assert matplotlib.image.imread(tmp_path / "picture.png").shape[:2] == (520, 960)
