"""The points of a sweep: checked, ordered, each with an identity and an estimated time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.notebook.sweep.engine import cores_of, estimate_s, warnings_of
from benchlab.notebook.sweep.grid import Grid
from benchlab.notebook.sweep.planning import SweepPlan, notebook_hash, overhead_s, plan_sweep
from tests.notebook.sweep.made import notebook_of


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return notebook_of("x", tmp_path_factory.mktemp("planned") / "x.ipynb")


def planned(notebook: Path, values: str = "1,2,3", **options: Any) -> SweepPlan:
    parameters = options.pop("parameters", {})
    return plan_sweep(
        notebook, Grid(axes={"x": values.split(",")}, parameters=parameters), **options
    )


@pytest.mark.parametrize(
    ("axes", "fixed", "message"),
    [
        ({}, {}, "nothing to vary"),
        ({"x": ["1"]}, {"x": "2"}, "both an axis and fixed"),
        ({"y": ["1"]}, {}, "no parameter 'y'"),
        ({"x": ["1"]}, {"y": "1"}, "no parameter 'y'"),
        ({"x": ["one"]}, {}, "x='one' must be int"),
        ({"x": ["1"]}, {"duration_s": "long"}, "must be float"),
        ({"x": ["1", "2", "01"]}, {}, r"the points 1 and 3 of the grid are the same \(x=01\)"),
    ],
)
def test_what_the_notebook_does_not_take_is_refused(
    axes: dict[str, list[str]], fixed: dict[str, str], message: str, notebook: Path
) -> None:
    with pytest.raises(InputError, match=message):
        plan_sweep(notebook, Grid(axes=axes, parameters=fixed))


def test_a_point_that_leaves_out_a_swept_parameter_has_the_notebook_s(notebook: Path) -> None:
    points = [{"x": "5", "mode": "slow"}, {"x": "6"}, {"mode": "slow"}]
    plan = plan_sweep(notebook, Grid(points=points))
    assert [point.parameters for point in plan.points] == [
        {"x": 5, "mode": "slow"},
        {"x": 6, "mode": "fast"},
        {"x": 1, "mode": "slow"},
    ]
    assert [point.given["mode"] for point in plan.points] == ["slow", "fast", "slow"]
    assert [dict(point.texts) for point in plan.points] == points
    with pytest.raises(InputError, match="the points 1 and 2 of the grid are the same"):
        plan_sweep(notebook, Grid(points=[{"x": "5"}, {"x": "5", "mode": "fast"}]))


@pytest.mark.parametrize("options", [{"repeat": 0}, {"order": "sorted"}, {"repeat": 100_000}])
def test_what_cannot_be_planned_is_refused(options: dict[str, Any], notebook: Path) -> None:
    with pytest.raises(InputError):
        planned(notebook, **options)


def test_a_grid_of_billions_of_points_is_refused_at_once(notebook: Path) -> None:
    names = ("x", "mode", "duration_s", "warmup_s", "token")
    axes = {name: [str(value) for value in range(100)] for name in names}
    with pytest.raises(InputError, match="more than 100,000 points"):
        plan_sweep(notebook, Grid(axes=axes))


def test_the_directory_of_a_report_belongs_to_the_sweep(tmp_path: Path) -> None:
    notebook = notebook_of("x", tmp_path / "x.ipynb", "x = 1\nreport_dir = ''")
    with pytest.raises(InputError, match="report_dir is set by the sweep"):
        planned(notebook, parameters={"report_dir": "here"})


def test_a_point_is_known_by_notebook_parameters_and_repeat(notebook: Path, tmp_path: Path) -> None:
    def keys(place: Path, **options: Any) -> list[str]:
        return [point.key for point in planned(place, **options).points]

    same = keys(notebook)
    assert len({*same}) == 3
    assert keys(notebook, values="01,2,3") == same  # the same numbers
    assert keys(notebook, repeat=2)[:3] == same
    assert len({*keys(notebook, repeat=2)}) == 6
    assert not {*keys(notebook, parameters={"mode": "slow"})} & {*same}
    changed = notebook_of("x + 1", tmp_path / "x.ipynb")
    assert not {*keys(changed)} & {*same}
    executed = json.loads(notebook.read_text())
    executed["cells"][1] |= {"outputs": [1], "execution_count": 3}
    (tmp_path / "x.ipynb").write_text(json.dumps(executed))
    assert keys(tmp_path / "x.ipynb") == same
    assert notebook_hash(tmp_path / "x.ipynb") == notebook_hash(notebook)


def test_repeats_come_after_each_other_in_an_order_of_their_own(notebook: Path) -> None:
    plan = planned(notebook, "1,2,3,4,5,6,7,8", repeat=2)
    assert [point.repeat for point in plan.in_order()] == [1] * 8 + [2] * 8
    assert plan.in_order() == list(plan.points)
    drawn = planned(notebook, "1,2,3,4,5,6,7,8", repeat=2, order="random", seed=1)
    assert drawn.points == plan.points
    first, second = drawn.in_order()[:8], drawn.in_order()[8:]
    assert [point.repeat for point in (*first, *second)] == [1] * 8 + [2] * 8
    values = [[point.parameters["x"] for point in block] for block in (first, second)]
    assert values[0] != sorted(values[0])
    assert values[0] != values[1]
    again = planned(notebook, "1,2,3,4,5,6,7,8", repeat=2, order="random", seed=1)
    assert again.in_order() == drawn.in_order()
    assert drawn.design()["seed"] == 1
    assert plan.design()["seed"] is None


def test_credentials_are_not_kept(notebook: Path) -> None:
    grid = Grid(
        axes={"token": ["hush"], "headers": ['{"Authorization": "secret", "Accept": "a"}']},
        parameters={"mode": "http://me:pass@host/"},
    )
    plan = plan_sweep(notebook, grid)
    (point,) = plan.points
    assert point.texts["token"] == "hush"
    assert point.given == {
        "token": "***",
        "headers": '{"Authorization": "***", "Accept": "a"}',
    }
    assert point.parameters["headers"] == {"Authorization": "***", "Accept": "a"}
    assert "pass" not in plan.fixed["mode"]


@pytest.mark.parametrize(
    ("parameters", "length_s"),
    [
        ("x = 1", None),
        ("x = 1\nduration_s: float = 20.0\nwarmup_s = 2", 22.0),
        ("x = 1\nduration_s = 20.0\nrate_rps = 50.0\nrequest_count = 100", 2.0),
        ("x = 1\nbudget_s = 40", 40.0),
        ("x = 1\nblocks = 10\nblock_s = 0.8\nwashout_s = 0.2", 20.0),
        ("x = 1\nduration_s = float('inf')", 0.0),
    ],
)
def test_parameters_say_how_long_a_point_makes_load(
    parameters: str, length_s: float | None, tmp_path: Path
) -> None:
    plan = planned(notebook_of("x", tmp_path / "x.ipynb", parameters))
    assert plan.points[0].length_s == length_s


def test_the_estimate_is_by_what_finished_points_took(notebook: Path) -> None:
    plan = planned(notebook)
    assert estimate_s(plan.points, []) == 3 * (6 + 10)
    finished = [
        point.finished(number, took_s=6.0 + number, error="")
        for number, point in enumerate(plan.points, 1)
    ]
    assert overhead_s(finished) == 2
    assert estimate_s(plan.points, finished) == 3 * 8
    assert estimate_s(plan.points, finished, jobs=2) == 12
    assert estimate_s(plan.points[:1], finished, jobs=2) == 8
    assert overhead_s([plan.points[0].finished(1, took_s=1.0, error="no")]) is None


def test_points_at_the_same_time_have_cores_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 4, 5, 6}, raising=False)
    assert cores_of(1) == [()]
    assert cores_of(2) == [(0, 4, 6), (1, 5)]
    assert cores_of(6) == [()] * 6
    assert warnings_of(1) == []
    assert "each is kept on 2 cores or 3 cores of its own" in warnings_of(2)[0]
    assert "fewer than 6 cores" in warnings_of(6)[0]
