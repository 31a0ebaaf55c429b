from __future__ import annotations

import numpy as np
import pytest

from benchlab.analysis import in_flight as module
from benchlab.analysis.in_flight import in_flight
from benchlab.samples.samples import SAMPLE_DTYPE, Samples
from benchlab.units import NS_PER_MS, NS_PER_S
from tests.runs.synthetic import make_run
from tests.samples.long import as_if_long


def sent_and_done(*times_ns: tuple[int, int]) -> Samples:
    records = np.zeros(len(times_ns), dtype=SAMPLE_DTYPE)
    records["sent_ns"], records["done_ns"] = np.array(times_ns).T
    return Samples(records)


def by_hand(samples: Samples, start_ns: int, end_ns: int) -> tuple[float, int]:
    """The same from the definition, moment by moment."""
    sent, done = samples.column("sent_ns"), samples.column("done_ns")
    inside = np.minimum(done, end_ns) - np.maximum(sent, start_ns)
    mean = np.maximum(inside, 0).sum() / (end_ns - start_ns)
    moments = [start_ns, *sent[(sent >= start_ns) & (sent < end_ns)].tolist()]
    return mean, max(int(np.count_nonzero((sent <= t) & (done > t))) for t in moments)


def test_requests_are_in_flight_from_the_send_to_the_end() -> None:
    samples = sent_and_done((0, 15), (12, 14), (13, 18), (18, 25), (31, 31))
    found = in_flight(samples, 10, 40, 10)
    # 10–20: 5 + 2 + 5 + 2 of 10; at 13 three; the one that ends at 18 is gone when another starts.
    assert found.mean.tolist() == [1.4, 0.5, 0]
    assert found.max.tolist() == [3, 1, 0]


def test_a_bucket_without_any_event_has_what_is_open() -> None:
    found = in_flight(sent_and_done((5, 95)), 20, 80, 25)
    assert found.mean.tolist() == [1, 1, 1]
    assert found.max.tolist() == [1, 1, 1]
    assert in_flight(Samples.empty(), 0, 0, 5).mean.tolist() == []
    assert in_flight(Samples.empty(), 0, 9, 5).max.tolist() == [0, 0]


@pytest.mark.parametrize("shuffled", [0, 30, 1000])
def test_a_long_run_in_blocks_agrees_with_the_definition(
    shuffled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(stall=True, rate_rps=50)
    drawn = np.random.default_rng(1).integers(0, shuffled + 1, len(run.samples))
    samples = run.samples.where(np.argsort(np.arange(len(run.samples)) + drawn))
    monkeypatch.setattr(module, "_MOST_HELD", 40)
    with as_if_long(20):
        found = in_flight(samples, NS_PER_S, 11 * NS_PER_S, 700 * NS_PER_MS)
    assert len(found.mean) == len(found.max) == 15
    for index in range(15):
        start_ns = NS_PER_S + index * 700 * NS_PER_MS
        mean, most = by_hand(samples, start_ns, min(start_ns + 700 * NS_PER_MS, 11 * NS_PER_S))
        assert found.mean[index] == pytest.approx(mean, rel=1e-12)
        assert found.max[index] == most
    assert found.max.max() >= 50  # the stall


def test_the_mean_is_that_of_littles_law() -> None:
    run = make_run(warmup_s=0)
    end_ns = int(run.samples.column("done_ns").max()) + 1
    (mean,) = in_flight(run.samples, 0, end_ns, end_ns).mean
    assert mean == pytest.approx(run.samples.service_ns.sum() / end_ns, rel=1e-12)
