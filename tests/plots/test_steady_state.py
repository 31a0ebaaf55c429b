"""The figure of the steady state of a run."""

from __future__ import annotations

import numpy as np
import pytest

from benchlab import plots
from tests.plots.test_figures import png, texts
from tests.runs.planted import planted_run
from tests.runs.synthetic import make_run


def test_the_plateau_is_shaded_where_it_is() -> None:
    run = planted_run(lambda t: np.where(t < 10, 2.0, 1.0))
    (axes,) = plots.steady_state(run).axes
    (shaded,) = axes.patches
    assert shaded.get_extents().transformed(axes.transData.inverted()).x0 == pytest.approx(10)
    levels = np.asarray(axes.lines[0].get_ydata(), dtype=float)
    assert levels[:20] == pytest.approx(10, rel=0.1)
    assert levels[20:] == pytest.approx(5, rel=0.1)


def test_level_shifts_are_marked_with_their_ratio() -> None:
    figure = plots.steady_state(planted_run(lambda t: np.where(t < 30, 1, 1.5), count=40_000))
    assert png(figure)
    shown = texts(figure)
    for part in ("× 1.5", "level shift", "plateau", "latency (ms)", "end of the warm-up"):
        assert part in shown


def test_few_requests_have_no_batches() -> None:
    assert "too few samples" in texts(plots.steady_state(make_run(count=300)))


def test_one_endpoint_is_named() -> None:
    run = make_run()
    (name,) = run.samples.endpoints
    assert name in texts(plots.steady_state(run, endpoint=name))
