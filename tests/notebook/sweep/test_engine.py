"""A sweep with made points: what is measured, kept, skipped, retried; order, lock and progress."""

from __future__ import annotations

import csv
import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchlab.analysis.sweep import Sweep, SweepPoint
from benchlab.errors import InputError
from benchlab.experiments.sweep_progress import SweepProgress
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.notebook.sweep.folder import claimed, free_directory, look_into
from benchlab.notebook.sweep.index import as_csv
from benchlab.notebook.sweep.job import Job, Outcome
from tests.notebook.sweep.made import Points, made_run, notebook_of, sweep_with

FAILED = Outcome(error="ValueError: <no>", exit_code=1)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return notebook_of("x", tmp_path / "x.ipynb")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "sweep"


def rows_of(place: Path) -> list[dict[str, str]]:
    with (place / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_finished_is_skipped_and_what_is_new_is_measured(
    notebook: Path, place: Path
) -> None:
    first = Points()
    found = sweep_with(first, notebook, place)
    assert first.swept == ["1", "2", "3"]
    assert [point.number for point in found.points] == [1, 2, 3]
    again = Points()
    assert sweep_with(again, notebook, place).skipped == 3
    assert again.swept == []
    more = Points()
    found = sweep_with(more, notebook, place, values=["1", "5", "3"], repeat=2)
    assert more.swept == ["5", "1", "5", "3"]
    assert [(point.number, point.parameters["x"], point.repeat) for point in found.points] == [
        (1, 1, 1),
        (3, 3, 1),
        (4, 5, 1),
        (5, 1, 2),
        (6, 5, 2),
        (7, 3, 2),
    ]
    assert found.experiment_id == sweep_with(Points(), notebook, place).experiment_id
    assert "not part of this sweep: 1 point in" in found.warnings[-1]


def test_a_changed_notebook_or_parameter_makes_new_points(notebook: Path, place: Path) -> None:
    sweep_with(Points(), notebook, place)
    changed = Points()
    sweep_with(changed, notebook, place, parameters={"mode": "slow"})
    assert len(changed.jobs) == 3
    edited = Points()
    found = sweep_with(edited, notebook_of("x + 1", notebook), place)
    assert len(edited.jobs) == 3
    assert [point.number for point in found.points] == [7, 8, 9]
    assert len(rows_of(place)) == 3


def test_failures_are_kept_and_retried_on_request(notebook: Path, place: Path) -> None:
    outcomes = {"2": FAILED}
    found = sweep_with(Points(outcomes), notebook, place)
    assert [point.number for point in found.failed] == [2]
    assert [row["error"] for row in rows_of(place)] == ["", "ValueError: <no>", ""]
    assert "ValueError: &lt;no&gt;" in (place / "index.html").read_text()
    kept = Points(outcomes)
    found = sweep_with(kept, notebook, place)
    assert kept.swept == []
    assert len(found.failed) == 1
    retried = Points()
    (place / "point-002" / "report.html").write_text("of the attempt that failed")
    found = sweep_with(retried, notebook, place, retry_failed=True)
    assert retried.swept == ["2"]
    assert not found.failed
    assert not (place / "point-002" / "report.html").exists()


def test_a_stopped_sweep_keeps_what_is_finished(notebook: Path, place: Path) -> None:
    stop = StopSignal()

    def stop_at_second(job: Job) -> None:
        if job.parameters["x"] == "2":
            assert len(rows_of(place)) == 1  # written after each point
            assert "1 of 3 points" in (place / "index.html").read_text()
            stop.request(2)

    points = Points(on_start=stop_at_second)
    found = sweep_with(points, notebook, place, stop=stop)
    assert points.swept == ["1", "2"]
    assert [point.number for point in found.points] == [1]
    assert found.warnings == (
        f"stopped after 1 of 3 points: the same command with -o {place} does the rest",
    )
    rest = Points()
    assert len(sweep_with(rest, notebook, place).points) == 3
    assert rest.swept == ["2", "3"]


def test_stopping_the_run_of_a_point_stops_the_sweep(notebook: Path, place: Path) -> None:
    stop = StopSignal()
    points = Points(outcomes={"2": Outcome(runs=(made_run(2),), interrupted=True)})
    found = sweep_with(points, notebook, place, stop=stop)
    assert points.swept == ["1", "2"]
    assert [point.number for point in found.points] == [1], "a part of a point does not count"
    assert "stopped after 1 of 3 points" in found.warnings[0]
    assert (stop.level, stop.number) == (1, 2)


def test_a_point_that_is_half_written_is_measured_again(notebook: Path, place: Path) -> None:
    sweep_with(Points(), notebook, place)
    (place / "point-002" / "point.json").write_text('{"key": "')
    (place / "point-003" / "point.json").write_text('{"key": "a", "number": 3}')
    again = Points()
    sweep_with(again, notebook, place)
    assert again.swept == ["2", "3"]


def test_points_of_several_jobs_are_measured_at_the_same_time(notebook: Path, place: Path) -> None:
    points = Points()

    def look(job: Job) -> None:
        under_way.append(sum(each.polls < 2 for each in points.running))

    under_way: list[int] = []
    points.on_start = look
    found = sweep_with(points, notebook, place, ["1", "2", "3", "4"], jobs=2)
    assert max(under_way) == 1  # beside the one that starts
    assert len(found.points) == 4
    assert "2 points at a time disturb each other" in found.warnings[0]
    with pytest.raises(InputError, match="jobs=0 must be 1 or more"):
        sweep_with(points, notebook, place, jobs=0)


def test_a_job_has_the_parameters_and_a_directory_of_its_own(notebook: Path, place: Path) -> None:
    points = Points()
    sweep_with(points, notebook, place, ["1"], parameters={"mode": "slow"})
    (job,) = points.jobs
    assert dict(job.parameters) == {"mode": "slow", "x": "1"}
    assert Path(job.directory) == place / "point-001"
    assert job.tags == {}  # nothing is saved


def test_the_progress_counts_what_is_finished_and_estimates_the_rest(
    notebook: Path, place: Path
) -> None:
    sweep_with(Points(), notebook, place, ["1"])
    seen: list[SweepProgress] = []
    sweep_with(Points({"3": FAILED}), notebook, place, on_progress=seen.append)
    assert [seen[0].points, seen[0].skipped, seen[0].done] == [3, 1, 0]
    assert any(each.current == {"x": 2} and each.run is not None for each in seen)
    last = seen[-1]
    assert (last.done, last.failed, last.done_ratio, last.left_s) == (2, 1, 1.0, 0.0)
    assert last.last is not None
    assert last.last.error == FAILED.error
    assert all(each.left_s is not None and each.left_s >= 0 for each in seen)


def test_two_sweeps_cannot_share_a_directory(notebook: Path, place: Path) -> None:
    def sweep_here_too(_: Job) -> None:
        with pytest.raises(InputError, match=rf"under way in .* \(process {os.getpid()}\)"):
            sweep_with(Points(), notebook, place)

    sweep_with(Points(on_start=sweep_here_too), notebook, place, ["1"])
    sweep_with(Points(), notebook, place, ["1"])  # it is free again


@pytest.mark.parametrize("content", ["point", "other", "damaged"])
def test_the_directory_of_another_sweep_is_refused(
    content: str, notebook: Path, place: Path
) -> None:
    (place / "point-001").mkdir(parents=True)
    if content == "point":
        (place / "point-001" / "report.html").write_text("")
    else:
        text = '{"notebook": "y.ipynb", "experiment_id": "", "started_at_ns": 1}'
        (place / "sweep.json").write_text(text if content == "other" else "{")
    with pytest.raises(InputError, match="choose another directory with -o"):
        sweep_with(Points(), notebook, place)


def test_a_directory_that_cannot_be_made_is_refused(notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another directory"):
        sweep_with(Points(), notebook, tmp_path / "file" / "sweep")


def test_sweeps_that_start_in_one_second_have_directories_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: free_directory(), range(16)))
    assert len(set(found)) == 16
    with claimed(look_into(None, "x.ipynb")) as folder:
        assert re.match(r"reports/sweep-\d{8}-\d{6}", str(folder.path))


def test_a_plan_alone_writes_nothing(notebook: Path, place: Path) -> None:
    assert look_into(place, notebook.name).finished == {}
    assert not place.exists()


def test_the_table_has_all_values_as_they_were_given() -> None:
    given = ["007", "-1", "true", "1e3", 'µ, "x"\n✓', "1.10", "=A1"]
    points = [
        SweepPoint(
            number=number,
            parameters={"name": value},
            given={"name": value},
            runs=(made_run(number),) if number > 1 else (),
            error="" if number > 1 else "no service",
        )
        for number, value in enumerate(given, 1)
    ]
    found = Sweep(notebook="x", names=("name",), points=tuple(points), planned=7)
    rows = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))
    assert [row["name"] for row in rows] == [*given[:-1], "'=A1"]
    assert [row["measured_name"] for row in rows] == ["", *["GET /"] * 6]
    assert [row["rate_rps"] for row in rows][:3] == ["", "200.0", "300.0"]
    assert [row["error"] for row in rows][:2] == ["no service", ""]
    assert [*rows[0]] == list(found.to_pandas().columns)


@pytest.mark.parametrize("exit_code", [1, 2, 3])
def test_an_outcome_comes_back_as_it_was(exit_code: int) -> None:
    made: Any = Outcome(runs=(made_run(1),), error="no", exit_code=exit_code)
    assert Outcome.from_json(made.to_json()) == made
