"""The clock of a host, from round trips of which each half may be delayed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchlab.load.cluster.clock import best_reading

DELAYS = st.integers(0, 10**9)
ROUNDS = st.lists(st.tuples(DELAYS, DELAYS), min_size=1, max_size=25)


@given(st.integers(-(10**15), 10**15), ROUNDS)
def test_the_offset_is_known_within_half_of_the_shortest_round_trip(
    offset_ns: int, delays: list[tuple[int, int]]
) -> None:
    rounds, now = [], 0
    for there, back in delays:
        rounds.append((now, now + there + offset_ns, now + there + back))
        now += there + back + 1000
    found = best_reading(rounds)
    assert abs(found.offset_ns - offset_ns) <= found.error_ns
    assert found.round_trip_ns == min(there + back for there, back in delays)
    assert found.error_ns * 2 in (found.round_trip_ns, found.round_trip_ns + 1)


def test_of_equal_halves_the_offset_is_exact() -> None:
    assert best_reading([(10, 5060, 110), (500, 5900, 900)]).offset_ns == 5000
