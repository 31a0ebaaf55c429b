"""How throughput grows with the load, as a result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchlab.analysis.scalability import CoefficientName, Scalability, scalability
from benchlab.errors import InputError
from benchlab.plan.shapes import ClosedLoop
from tests.runs.synthetic import make_run
from tests.statistics.test_usl import RAYTRACER, SDM91


def warned(result: Scalability, text: str) -> bool:
    return any(text in warning for warning in result.warnings)


def test_peak_limit_and_efficiency_of_sdm91() -> None:
    result = scalability(*SDM91)
    assert result.peak_load is not None
    assert result.limit is not None
    assert result.optimal_load is not None
    assert round(result.peak_load.value, 5) == 96.51956
    assert round(result.limit.value, 3) == 3245.589
    assert round(result.optimal_load.value, 5) == 36.06401
    published = [0.7211, 0.6148, 0.5100, 0.2860, 0.1882, 0.1370, 0.0876]
    assert [round(value, 4) for value in result.efficiency] == published
    for found in (result.alpha, result.beta, result.gamma, result.peak_load, result.limit):
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.value < found.high
    assert result.warnings == ()


def test_published_intervals_can_be_checked_and_the_default_is_a_proper_one() -> None:
    result = scalability(RAYTRACER[0][:6], RAYTRACER[1][:6])
    published: dict[CoefficientName, tuple[float, float, int]] = {
        "alpha": (0.00754, 0.04135, 5),
        "beta": (0.00110, 0.00215, 5),
        "gamma": (19.267, 22.445, 3),
    }
    for name, (low, high, digits) in published.items():
        found, proper = result.usl_interval(name), result.interval(name)
        assert found is not None
        assert (round(found[0], digits), round(found[1], digits)) == (low, high)
        coefficient = getattr(result, name)
        assert proper == (coefficient.low, coefficient.high)
        narrower = result.interval(name, 0.9)
        assert narrower is not None
        assert coefficient.low < narrower[0] < narrower[1] < coefficient.high
    whole = scalability(*RAYTRACER)
    assert whole.usl_interval("beta") is None
    assert whole.interval("beta") == (0.0, whole.beta.high)
    with pytest.raises(InputError, match="use alpha, beta or gamma"):
        result.interval("delta")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="between 0 and 1"):
        result.usl_interval("alpha", 95)
    assert scalability([1, 2, 4], [10, 18, 28]).interval("alpha") is None


def test_no_coherency_is_said_and_bounded() -> None:
    result = scalability(*RAYTRACER)
    assert round(result.to_dict()["unbounded_beta"], 6) == -0.000201
    assert warned(result, "beta fits best at -0.000201")
    assert result.peak_load is None
    assert result.peak_throughput is None
    assert warned(result, "no coherency is visible")
    assert result.beta.low == result.beta.value == 0
    assert result.beta.high is not None
    assert 0 < result.beta.high < 1e-4


def test_what_the_points_cannot_support_is_said() -> None:
    few = scalability([1, 2, 4], [10, 18, 28])
    assert few.alpha.low is None
    assert few.band([1, 2]) is None
    assert warned(few, "3 points for three coefficients")
    assert warned(scalability([1, 2, 4, 8, 16], [10, 18, 32, 50, 60]), "only 5 points")
    again = scalability([1, 1, 8, 8, 30, 30], [10, 11, 60, 62, 90, 93])
    assert warned(again, "only 3 different loads")
    first = scalability(*(values[:6] for values in RAYTRACER))
    assert warned(first, "is beyond the highest that was measured, 20")
    assert warned(first, "the interval of alpha includes 0")
    line = scalability([1, 2, 4, 8], [10, 21, 44, 90])
    assert warned(line, "no contention is visible")
    assert line.limit is None


@pytest.mark.parametrize(
    ("load", "throughput", "field"),
    [
        ([1, 2, 0], [1, 2, 3], "load"),
        ([1, 2, 3], [1, -2, 3], "throughput"),
        ([1, 2, 3], [1, float("nan"), 3], "throughput"),
        ([1, 2, 3], [1, 2], "throughput"),
        ([1, 2, 2], [1, 2, 3], "load"),
        (["a", 2, 3], [1, 2, 3], "load"),
        ([[1, 2, 3]], [1, 2, 3], "load"),
    ],
)
def test_input_that_cannot_be_used_is_refused(load: Any, throughput: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        scalability(load, throughput)
    assert caught.value.field == field


def test_runs_of_a_closed_loop_are_points() -> None:
    runs = [make_run(load=ClosedLoop(connections)) for connections in (1, 2, 4, 8)]
    result = scalability(runs)
    assert list(result.load) == [1, 2, 4, 8]
    assert result.throughput == tuple(run.summary.rate_rps for run in runs)
    assert result.runs == tuple(run.id for run in runs)
    with pytest.raises(InputError, match="closed loop"):
        scalability([make_run()] * 3)


def test_the_result_is_json_a_frame_and_text() -> None:
    result = scalability(*SDM91)
    data = json.loads(json.dumps(result.to_dict()))
    assert data["peak_load"]["value"] == result.peak_load.value  # type: ignore[union-attr]
    assert data["laws"]["linear"]["beta"] == 0
    frame = result.to_pandas()
    assert list(frame["load"]) == list(SDM91[0])
    assert ((frame["low"] < frame["fitted"]) & (frame["fitted"] < frame["high"])).all()
    assert "peak at 97" in str(result)


def test_a_peak_is_found_where_no_contention_is_visible() -> None:
    load = [1, 2, 4, 8, 16, 32, 64]
    result = scalability(load, [10 * n / (1 - 0.01 * (n - 1) + 0.002 * n * (n - 1)) for n in load])
    assert result.peak_load is not None
    assert 20 < result.peak_load.value < 25
    assert warned(result, "at least as fast as the load at first")
    assert not warned(result, "no coherency")


def test_a_peak_below_the_measured_loads_is_said_to_be_that() -> None:
    result = scalability([100, 200, 300, 400], [50, 40, 30, 20])
    assert result.peak_load is not None
    assert result.peak_load.value < 100
    assert warned(result, "is below the lowest that was measured, 100")
