from __future__ import annotations

import numpy as np

from benchlab.analysis.heatmap import latency_grid
from benchlab.analysis.histogram import EDGES_NS, histogram_table
from benchlab.samples.samples import Samples
from benchlab.units import NS_PER_S
from tests.runs.synthetic import make_run
from tests.samples.long import as_if_long


def test_the_grid_agrees_with_the_histogram_of_every_moment() -> None:
    run = make_run(stall=True, errors=True)
    with as_if_long(90):
        grid = latency_grid(run.samples, np.array([1, 4, 7, 10, 11]) * NS_PER_S)
    assert grid.counts.shape == (4, len(grid.latencies_ns) - 1)
    assert grid.counts.sum() == 1000
    assert grid.error_counts.sum() == 30
    intended_ns = run.measured.column("intended_ns")
    for row, (start, end) in enumerate(zip(grid.times_ns[:-1], grid.times_ns[1:], strict=True)):
        part = run.measured.where((intended_ns >= start) & (intended_ns < end))
        table = histogram_table(part)
        filled = table[table["latency_count"] > 0]
        assert grid.counts[row][grid.counts[row] > 0].tolist() == filled["latency_count"].tolist()
        assert grid.error_counts[row].sum() == part.error_count


def test_the_rows_of_two_runs_compare() -> None:
    one, other = (
        latency_grid(run.measured, np.array([0, 10])) for run in (make_run(), make_run(equal=True))
    )
    assert np.isin(one.latencies_ns, EDGES_NS).all()
    assert np.isin(other.latencies_ns, EDGES_NS).all()


def test_a_grid_of_nothing_is_empty() -> None:
    assert latency_grid(Samples.empty(), np.array([0, 5, 10])).counts.shape == (2, 0)
    assert latency_grid(Samples.empty(), np.array([5])).counts.shape == (0, 0)
