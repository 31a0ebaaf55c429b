"""What counts as right, and how trials are counted."""

from __future__ import annotations

import pytest

from tests.trials.judge import Judged, is_right, tally


@pytest.mark.parametrize(
    ("kind", "causes", "found", "traced", "right"),
    [
        ("single", ["drift"], ["drift", "stall"], True, True),
        ("single", ["drift"], ["stall", "drift"], True, False),
        ("single", ["drift"], [], True, False),
        ("single", ["queueing"], ["contention"], False, True),
        ("single", ["queueing"], ["contention"], True, False),
        ("single", ["stall"], ["event_loop"], False, True),
        ("single", ["periodic_pause"], ["stall"], True, False),
        ("healthy", [], [], True, True),
        ("healthy", [], ["noise"], False, True),
        ("healthy", [], ["noise", "bimodal"], False, False),
        ("double", ["drift", "stall"], ["errors", "stall", "drift"], True, True),
        ("double", ["drift", "stall"], ["errors", "stall", "noise", "drift"], True, False),
        ("double", ["drift", "stall"], ["drift", "event_loop"], False, True),
    ],
)
def test_what_is_right(
    kind: str, causes: list[str], found: list[str], traced: bool, right: bool
) -> None:
    assert is_right(kind, causes, found, traced) is right


def test_trials_are_counted_by_kind_and_by_what_was_taken_for_what() -> None:
    judged = [
        Judged(1, "single", False, ("queueing",), ("contention",), True),
        Judged(2, "single", True, ("queueing",), ("contention",), False),
        Judged(3, "healthy", True, (), (), True),
        Judged(4, "double", True, ("drift", "stall"), ("drift",), False),
    ]
    result = tally(judged)
    assert result.confusion == {
        ("queueing", "queueing"): 1,
        ("queueing", "contention"): 1,
        ("nothing", "nothing"): 1,
    }
    share, low, high = result.share("single")
    assert (share, result.count["single, with traces"]) == (0.5, 1)
    assert (round(low, 3), round(high, 3)) == (0.095, 0.905)
    columns, rows = result.matrix()
    assert columns == ("", "queueing", "contention", "nothing")
    assert rows == [("queueing", "1", "1", ""), ("nothing", "", "", "1")]
    assert result.shares()[1][0] == ("single", "1 of 2", "50.0%", "9.5% to 90.5%", "95%")
