"""The points of a grid, from the command line, from Python and from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchlab.errors import InputError
from benchlab.notebook.sweep.grid import Grid, read_grid, value_text
from tests.docs.pages import DOCS, blocks

POINTS = [
    {"connections": "1", "body": '{"a": [1, 2]}'},
    {"connections": "1", "body": "x,y"},
    {"connections": "2", "body": '{"a": [1, 2]}'},
    {"connections": "2", "body": "x,y"},
    {"connections": "4", "body": '{"a": [1, 2]}'},
    {"connections": "4", "body": "x,y"},
    {"connections": "64", "workers": "2"},
]


def test_the_last_axis_of_a_grid_turns_fastest() -> None:
    assert list(Grid(axes={"a": ["1", "2"], "b": ["x", "y"]})) == [
        {"a": "1", "b": "x"},
        {"a": "1", "b": "y"},
        {"a": "2", "b": "x"},
        {"a": "2", "b": "y"},
    ]


def test_a_file_says_what_commas_cannot(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    (shown,) = blocks(DOCS / "sweep.md", "toml")
    path.write_text(shown.text)
    grid = read_grid(path)
    assert list(grid) == POINTS
    assert grid.names == ("connections", "body", "workers")
    assert grid.parameters == {"duration_s": "5", "slo": '["p99<50ms"]'}


def test_a_file_may_be_json_and_be_combined_with_axes(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    path.write_text('\ufeff{"grid": {"x": [1, null, true, "a,b"]}}')
    grid = read_grid(path).combined(Grid(axes={"y": ["1"]}))
    assert [point["x"] for point in grid] == ["1", "None", "true", "a,b"]
    assert grid.names == ("x", "y")
    with pytest.raises(InputError, match="x is given twice, in the grid file too"):
        grid.combined(Grid(axes={"x": ["1"]}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grid = 1", "grid=1 is not a table of lists"),
        ("[grid]\nx = 1", "grid.x=1 is not a list of values: write x = \\[1\\]"),
        ('[grid]\nx = "1,2"', "grid.x='1,2' is not a list of values"),
        ("[grid]\nx = []", "grid.x: has no values"),
        ("[grid]\nx = [2026-11-28]", "of the type date, which no parameter can have"),
        ("[[points]]", "is not a point: it names no parameter"),
        ("points = [1]", "is not a point"),
        ("points = 1", "points=1 is not a list of points"),
        ("axes = 1", "has the unknown key axes: write a table"),
        ("parameters = 1", "parameters=1 is not a table of values"),
        ("x = = 1", "cannot be read as TOML"),
    ],
)
def test_what_is_no_grid_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_grid(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the grid .*No such file"):
        read_grid(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (Grid(), "nothing to vary"),
        (Grid(axes={"a": ["1"], "b": []}), "axis b has no values"),
        (Grid(axes={"a": ["1"]}, parameters={"a": "2"}), "both an axis and fixed"),
    ],
)
def test_a_grid_without_points_is_refused(grid: Grid, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(grid)


def test_values_of_python_are_text_as_on_the_command_line() -> None:
    grid = Grid.of({"x": np.array([1, 2]), "y": (1.5, "a", [1, "b"])}, {"z": {"k": None}})
    assert grid.axes == {"x": ["1", "2"], "y": ["1.5", "a", '[1, "b"]']}
    assert grid.parameters == {"z": '{"k": null}'}
    assert list(Grid.of([{"x": 1}, {"x": 2, "y": "b"}])) == [{"x": "1"}, {"x": "2", "y": "b"}]


@pytest.mark.parametrize("grid", [{"x": 5}, {"x": "1,2"}, 5, "x=1", [5], {"x": [object()]}])
def test_what_is_no_grid_in_python_is_refused(grid: Any) -> None:
    with pytest.raises(InputError):
        Grid.of(grid)


def test_a_number_of_numpy_is_a_number() -> None:
    assert value_text(np.float64(2.5)) == "2.5"
