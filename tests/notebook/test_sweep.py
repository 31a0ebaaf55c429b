"""A notebook over a grid: its points, and how a point that failed is reported."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from benchlab.errors import InputError
from benchlab.notebook.sweep import (
    Point,
    free_directory,
    grid,
    read_summary,
    sweep,
    sweep_rows,
    write_index,
)

KILLS_WHO_RUNS_IT = "import os; os.kill(os.getppid(), 9)"


def notebook_of(code: str, path: Path) -> Path:
    parameters = nbformat.v4.new_code_cell("x: int = 1", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(
        cells=[parameters, nbformat.v4.new_code_cell(code)],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}
        },
    )
    nbformat.write(notebook, path)
    return path


def test_the_last_axis_of_a_grid_turns_fastest() -> None:
    assert list(grid({"a": ["1", "2"], "b": ["x", "y"]})) == [
        {"a": "1", "b": "x"},
        {"a": "1", "b": "y"},
        {"a": "2", "b": "x"},
        {"a": "2", "b": "y"},
    ]


def test_a_grid_without_axes_is_one_point() -> None:
    assert list(grid({})) == [{}]


def test_an_axis_without_values_is_refused() -> None:
    with pytest.raises(InputError, match="axis b has no values"):
        list(grid({"a": ["1"], "b": []}))


def test_a_point_is_labelled_by_its_parameters() -> None:
    assert Point(1, {"rate_rps": "50", "seed": "2"}, Path()).label == "rate_rps=50, seed=2"


@pytest.mark.parametrize(
    ("axes", "fixed", "message"),
    [
        ({}, {}, "nothing to vary"),
        ({"x": ["1"]}, {"x": "2"}, "both an axis and fixed"),
        ({"y": ["1"]}, {}, "no parameter 'y'"),
        ({"x": ["one"]}, {}, "x='one' must be int"),
    ],
)
def test_a_sweep_that_cannot_be_made_leaves_no_directory(
    axes: dict[str, list[str]], fixed: dict[str, str], message: str, tmp_path: Path
) -> None:
    notebook = notebook_of("x", tmp_path / "x.ipynb")
    with pytest.raises(InputError, match=message):
        sweep(notebook, axes, fixed, tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


def test_sweeps_that_start_in_one_second_have_directories_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: free_directory(), range(16)))
    assert len(set(found)) == 16
    assert all((directory / "point-001").is_dir() for directory in found)


def test_the_directory_of_another_sweep_is_refused(tmp_path: Path) -> None:
    notebook = notebook_of("x", tmp_path / "x.ipynb")
    (tmp_path / "sweep" / "point-001").mkdir(parents=True)
    with pytest.raises(InputError, match="holds another sweep: choose another directory with -o"):
        sweep(notebook, {"x": ["1"]}, {}, tmp_path / "sweep")


def test_the_table_has_all_values_as_they_were_given_and_written(tmp_path: Path) -> None:
    given = ["007", "NA", "true", "1e3", "", 'µ, "x"\n✓', "1.10"]
    points = []
    for number, value in enumerate(given):
        directory = tmp_path / f"point-{number:03d}"
        directory.mkdir()
        points.append(Point(number, {"name": value}, directory))
        columns, values = (
            ["name", "rate_rps", "count", "error_count", "verdict"],
            [value, "50.0", "100", str(number), "valid"],
        )
        with (directory / "summary.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, values])
    points.append(Point(7, {"name": "x"}, tmp_path / "none", "failed: no run"))
    write_index(tmp_path / "x.ipynb", points, tmp_path)
    with (tmp_path / "sweep.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [*given, "x"]
    assert [row["measured_name"] for row in rows] == [*given, ""]
    assert [row["rate_rps"] for row in rows] == ["50.0"] * 7 + [""]
    assert [row["error"] for row in rows] == [""] * 7 + ["failed: no run"]
    assert list(rows[0]) == [*sweep_rows(points)[0]]
    assert read_summary(points[-1]) == {}
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<td>50.0</td> <td>0</td> <td>–</td>" in " ".join(page.split())
    assert "8 points, measured" in page
    assert '<td class="text">valid</td>' in page
    assert '<td class="text bad">valid · 6 % failed</td>' in page


def test_a_parameter_keeps_its_name_beside_any_other_column(tmp_path: Path) -> None:
    given = {"error": "timeout", "point": "9", "measured_point": "8"}
    row = {"measured_measured_point": "1", **given, "measured_error": "failed: no run"}
    assert sweep_rows([Point(1, given, tmp_path, "failed: no run")]) == [row]


def test_a_failed_point_has_the_error_and_one_that_was_killed_its_exit_status(
    tmp_path: Path,
) -> None:
    code = f"if x == 1:\n    raise ValueError('benchlab: no\\nwhatever')\n{KILLS_WHO_RUNS_IT}"
    notebook = notebook_of(code, tmp_path / "x.ipynb")
    failed, killed = sweep(notebook, {"x": ["1", "2"]}, {}, tmp_path / "sweep")
    executed = failed.directory / "report.ipynb"
    assert failed.error == f"ValueError: benchlab: no\nwhatever (executed notebook: {executed})"
    assert killed.error == "exit status -9"
