"""What figures over the time of a run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from matplotlib.axes._base import _AxesBase
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchlab import plots
from tests.plots.examples import faulty_run
from tests.plots.test_figures import texts
from tests.runs.synthetic import make_run


def bands(ax: _AxesBase) -> list[tuple[float, float]]:
    """Beginning and end of what is shaded over the whole height, in s."""
    boxes = [patch.get_bbox() for patch in ax.patches if isinstance(patch, Rectangle)]
    return [(box.x0, box.x1) for box in boxes if (box.y0, box.y1) == (0, 1)]


@pytest.mark.parametrize("draw", [plots.timeline, plots.in_flight, plots.heatmap])
def test_faults_are_shaded_and_named_when_they_were_on(draw: Callable[..., Figure]) -> None:
    figure = draw(faulty_run())
    panels = [ax for whole in figure.axes for ax in (whole, *whole.child_axes) if bands(ax)]
    assert panels
    for panel in panels:
        assert {(3, 7), (4, 5), (9, 11)} <= set(bands(panel))
    for name in ("latency 20ms", "error 503", "freeze"):
        assert name in texts(figure)


def test_faults_of_several_runs_are_shaded_if_they_are_the_same() -> None:
    one = faulty_run()
    same = replace(one, id="0193f0a1b2c3d4e6")
    assert "error 503" in texts(plots.in_flight([one, same]))
    assert "error 503" not in texts(plots.in_flight([one, make_run()]))


def test_a_record_of_a_fault_that_the_plan_lacks_is_named_by_its_kind() -> None:
    run = faulty_run()
    damaged = replace(run, faults=(replace(run.faults[0], number=len(run.plan.faults)),))
    assert run.faults[0].kind in texts(plots.in_flight(damaged))
