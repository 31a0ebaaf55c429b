"""A sweep as people see it, and as a frame."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

import benchlab as bl
from benchlab.analysis.sweep import Sweep, SweepPoint
from benchlab.display.outcome import outcome
from benchlab.display.results.sweep import latency_text, progress_text, view
from benchlab.errors import InputError, InvalidRunError
from benchlab.experiments.sweep_progress import SweepProgress
from tests.notebook.sweep.made import made_run

__all__ = ["make_sweep"]


def make_sweep(repeat: int = 1, **axes: list[Any]) -> Sweep:
    """A grid of runs; of the first repeat the second point failed, and the third is invalid."""
    points = []
    for number, (count, values) in enumerate(
        itertools.product(range(1, repeat + 1), itertools.product(*axes.values())), 1
    ):
        verdict = "invalid" if number == 3 else "valid"
        run = made_run(number, verdict=verdict, reason="late" if number == 3 else "")
        problem = {2: "no <service>", 3: "the run is invalid: late"}.get(number, "")
        points.append(
            SweepPoint(
                number=number,
                parameters=dict(zip(axes, values, strict=True)),
                repeat=count,
                runs=() if number == 2 else (run,),
                error=problem,
                exit_code=1 if problem else 0,
                took_s=12.5,
            )
        )
    return Sweep(
        notebook="x.ipynb",
        names=tuple(axes),
        points=tuple(points),
        planned=len(points),
        experiment_id="01a223b1881f21d6",
        fixed={"duration_s": "5"},
    )


SWEEP = make_sweep(connections=[1, 2, 4, 8])


def test_failures_come_first_and_all_points_follow() -> None:
    shown = view(SWEEP)
    assert (shown.banner, shown.level) == ("2 of 4 points failed", "bad")
    assert shown.warnings == (
        "point 2 failed (connections=2): no <service>",
        "point 3 failed (connections=4): the run is invalid: late",
    )
    assert shown.sentence == (
        "The highest rate is 400 requests/s at connections=8, with a p99 of 4 ms."
    )
    (table,) = shown.tables
    assert [row[:3] for row in table.rows] == [
        ["1", "valid", "1"],
        ["2", "failed", "2"],
        ["3", "invalid", "4"],
        ["4", "valid", "8"],
    ]
    assert table.levels == ["good", "bad", "bad", "good"]
    assert table.rows[0][-2:] == ["4.000", "≥ 3.000"]
    assert dict(shown.facts)["connections"] == "1, 2, 4, 8"
    html = str(SWEEP._repr_html_())
    assert "no &lt;service&gt;" in html


def test_a_sweep_that_is_not_complete_says_so() -> None:
    part = Sweep(notebook="x", names=("a",), points=SWEEP.points[:1], planned=3)
    assert (view(part).banner, view(part).level) == ("1 of 3 points", "caution")
    nothing = Sweep(notebook="x", names=("a",), points=(), planned=3)
    assert view(nothing).sentence == "No point has a valid run."
    assert "0 of 3 points" in repr(nothing)


def test_a_frame_has_a_row_per_point_and_run() -> None:
    swept = make_sweep(repeat=2, rate_rps=[1, 2], mode=["a", "b"])
    frame = swept.to_pandas()
    assert list(frame["point"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(frame["repeat"]) == [1] * 4 + [2] * 4
    assert list(frame["rate_rps"]) == [1, 1, 2, 2] * 2
    assert list(frame["measured_rate_rps"][:1]) == [100.0]
    assert frame["latency_p99_high_ms"].isna().all()
    assert frame["latency_p50_low_ms"].iloc[0] == 0.9
    assert frame["run_id"].isna().sum() == 1
    assert Sweep(notebook="x", names=("a",), points=(), planned=1).to_pandas().empty


def test_the_points_of_some_values_are_a_sweep_too() -> None:
    swept = make_sweep(connections=[4, 1, 2], workers=[1, 2])
    assert swept.varied == ("connections", "workers")
    assert swept.values("connections") == [1, 2, 4]
    chosen = swept.where(workers=2)
    assert chosen.varied == ("connections",)
    assert [point.parameters["connections"] for point in chosen.points] == [4, 1, 2]
    with pytest.raises(InputError, match="no point of the sweep has workers=3"):
        swept.where(workers=3)
    with pytest.raises(InputError, match="name='x' is not a swept parameter: there are conn"):
        swept.where(x=1)


def test_the_law_is_fitted_to_the_one_number_that_is_swept() -> None:
    swept = make_sweep(cores=[1, 2, 3, 4, 5])
    fitted = bl.scalability(swept)
    assert list(fitted.load) == [1, 4, 5]
    assert list(fitted.throughput) == [100, 400, 500]
    assert fitted.warnings[0] == "left out: run 0000000000000003 is invalid: late"
    with pytest.raises(InputError, match="varies cores, workers, and the law has one load"):
        bl.scalability(make_sweep(cores=[1, 2, 3], workers=[1, 2]))
    with pytest.raises(InvalidRunError, match="1 of 3 runs of the sweep are not valid"):
        bl.scalability(make_sweep(cores=[1, 2, 3, 4]))


def test_an_outcome_in_a_list_and_a_progress_are_a_few_words() -> None:
    assert outcome("sweep", SWEEP.to_dict()) == "4 of 4 points over connections, 2 failed"
    assert outcome("sweep", SWEEP.where(connections=1).to_dict()) == "1 of 1 point over connections"
    assert outcome("sweep", replace(SWEEP, planned=0).to_dict()).startswith("4 points over")
    assert progress_text(SweepProgress(3, 3)) == "3/3 points"
    assert latency_text(1_200_000, None) == "≥ 1.200"
