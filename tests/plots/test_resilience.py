"""The figure of faults and recovery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import benchlab as bl
from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.resilience import Resilience, ResilienceTimeline
from benchlab.errors import InputError
from tests.analysis.faulty import faulty_run
from tests.runs.synthetic import make_run


@pytest.fixture(scope="module")
def result() -> Resilience:
    return resilience_of(faulty_run(1, errors=True, faults=[(8, 3), (20, 4)]), "p99<50ms")


def panels(result: Resilience) -> list[Axes]:
    (ax,) = bl.plots.resilience(result).get_axes()
    return [panel for panel in ax.child_axes if isinstance(panel, Axes)]


def test_faults_are_bands_and_onset_and_recovery_are_lines(result: Resilience) -> None:
    found = panels(result)
    assert len(found) == 3
    for panel in found:
        bands = [band for band in panel.patches if isinstance(band, Rectangle)]
        spans = [(round(band.get_x()), round(band.get_width())) for band in bands]
        assert spans == [(8, 3), (20, 4)]
        lines = [line for line in panel.lines if line.get_linestyle() in ("--", ":")]
        at_s = [float(np.asarray(line.get_xdata())[0]) for line in lines]
        assert at_s == pytest.approx([8, 11, 20, 24], abs=0.05)
    assert [text.get_text() for text in found[0].texts] == ["latency 200ms"] * 2


def test_goodput_is_drawn_below_the_intended_rate(result: Resilience) -> None:
    line = result.timeline
    good, rate = line.goodput_rps, line.rate_rps
    assert all(low <= high + 1e-9 for low, high in zip(good, rate, strict=True))
    at_9_s = next(index for index, edge in enumerate(line.edges_s) if edge >= 9)
    assert good[at_9_s] == 0
    assert line.error_rps[at_9_s] == rate[at_9_s]


def test_without_errors_and_without_requests() -> None:
    slow = resilience_of(faulty_run(1), "p99<50ms")
    assert len(panels(slow)) == 2
    (ax,) = bl.plots.resilience(replace(slow, timeline=ResilienceTimeline())).get_axes()
    assert "no samples" in [text.get_text() for text in ax.texts]
    with pytest.raises(InputError, match="not a resilience result"):
        bl.plots.resilience(make_run())  # type: ignore[arg-type]
