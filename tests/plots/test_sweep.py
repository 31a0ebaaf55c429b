"""The figures of a sweep."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from benchlab import plots
from benchlab.analysis.sweep import Sweep
from benchlab.errors import InputError
from tests.display.results.test_sweep import make_sweep
from tests.plots.test_figures import texts


def panels(result: Sweep) -> list[Axes]:
    """The last panel of each row."""
    figure = plots.sweep(result)
    figure.canvas.draw()
    found = [ax for ax in figure.findobj(Axes) if isinstance(ax, Axes)]
    return [ax for ax in found if ax.get_ylabel() == "p99 (ms)"]


def test_an_axis_of_powers_of_two_is_logarithmic() -> None:
    (panel,) = panels(make_sweep(connections=[1, 2, 4, 8]))
    assert panel.get_xscale() == "log"
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "2", "4", "8"]
    (panel,) = panels(make_sweep(connections=[1, 3, 7]))
    assert panel.get_xscale() == "linear"


def test_two_parameters_have_a_row_each_with_lines_of_the_other() -> None:
    result = make_sweep(connections=[1, 2, 4], workers=[1, 2], repeat=2)
    assert [panel.get_xlabel() for panel in panels(result)] == ["connections", "workers"]
    shown = texts(plots.sweep(result))
    for text in ("workers 1", "connections 4", "not valid"):
        assert text in shown


@pytest.mark.parametrize(
    "axes",
    [
        {"x": [5]},
        {"x": ["a", "b", "$x^2"]},
        {"x": [0, -1, 1e6]},
        {"x": [True, False]},
        {"x": [[1, 2], {"a": 1}]},
        {"x": list(range(1, 40))},
        {"x": [1, 1000], "y": list(range(9)), "z": [None, 1], "u": [1, 2]},
    ],
)
def test_any_sweep_can_be_drawn(axes: dict[str, list[Any]]) -> None:
    result = make_sweep(1, **axes)
    assert len(panels(result)) == min(len(axes), 3)
    plots.sweep_heatmap(result).canvas.draw()


def test_a_heatmap_has_a_cell_for_each_pair() -> None:
    figure = plots.sweep_heatmap(make_sweep(connections=[1, 2, 4], workers=[1, 2]))
    cells = [patch for patch in figure.findobj(Rectangle) if patch.get_width() == 1.0]
    assert len([patch for patch in cells if patch.get_height() == 1 and patch.get_x() % 1]) == 8
    assert "400" in texts(figure)
    assert "needs two swept parameters" in texts(plots.sweep_heatmap(make_sweep(x=[1, 2])))


def test_nothing_but_a_sweep_is_drawn() -> None:
    assert "no runs" in texts(plots.sweep(Sweep(notebook="x", names=("x",), points=(), planned=1)))
    for draw in (plots.sweep, plots.sweep_heatmap):
        with pytest.raises(InputError, match="of the type int and not a sweep"):
            draw(3)  # type: ignore[arg-type]
