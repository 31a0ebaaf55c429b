"""Every test is in one lane, and the lanes are what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.lanes import ALONE, LANE_OF, LANES, is_alone, lane_of, relative_to_tests

TESTS = Path(__file__).parent


def test_every_test_is_in_exactly_one_lane(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        lanes = [mark.name for mark in item.iter_markers() if mark.name in LANES]
        assert lanes == [lane_of(relative_to_tests(item.path))]


def test_every_file_is_in_a_lane() -> None:
    files = [relative_to_tests(path) for path in TESTS.rglob("test_*.py")]
    assert len(files) > 100
    assert {lane_of(path) for path in files} == set(LANES)
    assert any(is_alone(path) for path in files)


def test_every_entry_names_something() -> None:
    assert [place for place in [*LANE_OF, *ALONE] if not (TESTS / place).exists()] == []


def test_the_longest_path_counts() -> None:
    assert lane_of(PurePosixPath("cli/test_new.py")) == "process"
    assert lane_of(PurePosixPath("cli/options/test_new.py")) == "unit"
    assert lane_of(PurePosixPath("load/arrivals/test_shapes.py")) == "process"


def test_a_unit_test_can_start_no_process() -> None:
    with pytest.raises(AssertionError, match="unit tests start no process"):
        subprocess.run([sys.executable, "-c", ""], check=True)
