from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchlab.display.run_view import view
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Samples
from tests.runs.synthetic import make_run

MS = 1_000_000


def _run(miss_ratio: float, grain_ns: int = 1) -> Run:
    run = make_run()
    records = run.samples.records.copy()
    rng = np.random.default_rng(3)
    level = np.where(rng.random(len(records)) < miss_ratio, 20 * MS, 2 * MS)
    took = (level * rng.lognormal(0, 0.3, len(records))).astype(np.int64)
    records["done_ns"] = records["intended_ns"] + took // grain_ns * grain_ns
    return replace(run, samples=Samples(records, run.samples.endpoints))


def test_hits_and_misses_are_a_hint() -> None:
    found = _run(0.25).modes()
    fast, slow = found.modes
    assert slow.share_ratio == pytest.approx(0.25, abs=0.04)
    assert fast.at_ns == pytest.approx(2 * MS, rel=0.15)
    assert slow.at_ns == pytest.approx(20 * MS, rel=0.15)
    assert fast.high_ns == slow.low_ns
    assert found.hint.startswith("the latency has 2 peaks: 7")
    assert view(_run(0.25)).hints == (found.hint,)
    assert "peak, ms" in str(found)
    assert len(found.to_pandas()) == 2


def test_one_kind_is_no_hint() -> None:
    found = _run(0.0).modes()
    assert (len(found.modes), found.several, found.hint) == (1, False, "")
    assert view(_run(0.0)).hints == ()


def test_times_in_whole_ms_are_no_modes() -> None:
    assert len(_run(0.0, grain_ns=MS).modes().modes) == 1
    assert len(_run(0.25, grain_ns=MS).modes().modes) == 2


def test_failed_requests_are_no_kind() -> None:
    run = _run(0.25)
    records = run.samples.records.copy()
    records["error"] = np.where(run.samples.latency_ns > 10 * MS, ErrorKind.TIMEOUT, 0)
    found = replace(run, samples=Samples(records, run.samples.endpoints)).modes()
    assert len(found.modes) == 1


def test_few_requests_say_nothing() -> None:
    found = make_run(count=400).modes()
    assert (found.modes, found.hint) == ((), "")
    assert "too few successful requests" in str(found)
    assert make_run().modes(endpoint=make_run().samples.endpoints[0]).endpoint is not None
