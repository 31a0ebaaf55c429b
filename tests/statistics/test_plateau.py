from __future__ import annotations

import numpy as np
import pytest

from benchlab.statistics.plateau import find_plateau
from tests.statistics.planted import COUNT, DRIFTS, NOISES, noise

_TIME = np.arange(COUNT)


@pytest.mark.parametrize("kind", ["independent", "dependent"])
@pytest.mark.parametrize("shape", DRIFTS)
def test_a_drift_is_no_plateau(shape: str, kind: str) -> None:
    findings = [find_plateau(DRIFTS[shape] + noise(kind, seed)).finding for seed in range(4)]
    assert "plateau" not in findings


def test_most_drifts_are_called_by_their_name() -> None:
    found = [find_plateau(DRIFTS["up 10 %"] + noise("independent", seed)) for seed in range(8)]
    assert sum(item.finding == "drift" for item in found) >= 7
    assert all(item.drift is not None and item.drift.ratio > 0.05 for item in found)


@pytest.mark.parametrize("kind", ["independent", "heavy tails", "dependent"])
def test_a_level_series_is_a_plateau(kind: str) -> None:
    found = [find_plateau(noise(kind, seed)) for seed in range(8)]
    assert sum(item.finding == "plateau" for item in found) >= 7
    assert sum(item.start <= 1 for item in found) >= 7


def test_noise_that_could_hide_a_drift_is_no_plateau() -> None:
    assert find_plateau(4 * noise("wide", 1)).finding == "noise"


@pytest.mark.parametrize("kind", [name for name in NOISES if name == "independent"])
@pytest.mark.parametrize(
    "transient",
    [
        np.where(_TIME < 15, 0.3, 0.0),
        np.where(_TIME < 15, -0.3, 0.0),
        np.log1p(np.clip(1 - _TIME / 15, 0, 1)),
        np.where(_TIME < 35, 0.5, 0.0),
    ],
)
def test_the_start_of_a_plateau_is_found(kind: str, transient: np.ndarray) -> None:
    true = int(np.flatnonzero(transient == 0)[0])
    found = [find_plateau(transient + noise(kind, seed)) for seed in range(8)]
    assert sum(abs(item.start - true) <= 1 for item in found) >= 7


def test_the_first_of_two_levels_is_the_plateau_and_the_shift_is_flagged() -> None:
    jump = np.where(_TIME < 60, 0.0, np.log(1.3))
    found = find_plateau(jump + noise("independent", 3))
    assert (found.finding, found.start, found.end) == ("plateau", 0, 60)
    (shift,) = found.shifts
    assert (shift.index, round(shift.ratio, 1)) == (60, 1.3)


def test_a_warm_up_before_two_levels_is_left_out() -> None:
    levels = np.select([_TIME < 10, _TIME < 60], [np.log(2), 0.0], np.log(1.5))
    found = find_plateau(levels + noise("independent", 3))
    assert (found.finding, found.start, found.end) == ("plateau", 10, 60)
    assert [shift.index for shift in found.shifts] == [60]


def test_a_level_that_comes_back_ends_the_plateau() -> None:
    hump = np.where((_TIME >= 50) & (_TIME < 75), np.log(1.3), 0.0)
    found = find_plateau(hump + noise("independent", 3) / 2)
    assert (found.finding, found.start, found.end) == ("plateau", 0, 50)
    assert [shift.index for shift in found.shifts] == [50, 75]


def test_a_short_stall_is_no_level() -> None:
    stall = np.where((_TIME >= 45) & (_TIME < 54), np.log(50), 0.0)
    assert find_plateau(stall + noise("independent", 3)).shifts == ()


def test_a_level_that_lasts_is_no_warm_up_if_latency_rises_from_it() -> None:
    quiet = noise("independent", 3) / 4
    found = find_plateau(np.where(_TIME < 40, 0.0, np.log(1.3)) + quiet)
    assert (found.finding, found.start, found.end) == ("plateau", 0, 40)
    assert [shift.index for shift in found.shifts] == [40]


def test_a_transient_over_most_of_the_series_is_no_plateau() -> None:
    settling = 0.5 * np.clip(1 - _TIME / 80, 0, 1)
    found = [find_plateau(settling + noise("independent", seed)).finding for seed in range(4)]
    assert set(found) <= {"drift", "noise"}


def test_too_few_values_are_too_short() -> None:
    assert find_plateau(np.zeros(19)).finding == "short"


def test_equal_values_are_a_plateau() -> None:
    found = find_plateau(np.zeros(40))
    assert (found.finding, found.start, found.end, found.shifts) == ("plateau", 0, 40, ())
