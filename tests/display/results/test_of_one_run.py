"""Results of one run as people see them: text and card, whatever there is to say."""

from __future__ import annotations

import pytest

from benchlab.displayed import Result
from benchlab.runs.littles_law import LittlesLaw
from benchlab.runs.modes import LatencyMode, Modes
from benchlab.samples.percentile_interval import PercentileInterval

MS = 1_000_000


def interval(low_ns: int | None, high_ns: int | None) -> PercentileInterval:
    return PercentileInterval(0.999, 0.95, 13 * MS, low_ns, high_ns, 80.0, 5000)


MODES = (LatencyMode(MS, 0, 2 * MS, 0.25), LatencyMode(8 * MS, 2 * MS, 9 * MS, 0.75))


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (interval(12 * MS, 14 * MS), ["p99.9", "13.0 ms: 95 % interval 12.0 ms to 14.0 ms", "80"]),
        (interval(12 * MS, None), ["95 % lower bound only: ≥ 12.0 ms", "5,000"]),
        (interval(None, None), ["too few requests for a 95 % interval"]),
        (PercentileInterval(0.5, 0.95, None, None, None, 0.0, 0), ["p50", "no samples", "–"]),
        (LittlesLaw(2.0, 100.0, 20e6, 0.0), ["holds", "100.0 requests/s × 20.0 ms = 2"]),
        (LittlesLaw(4.0, 100.0, 20e6, 0.0), ["does not hold", "contradict each other"]),
        (Modes(modes=MODES, count=9), ["2 peaks: 25 % of requests around 1.00 ms and 75 % around"]),
        (Modes(modes=MODES[:1], count=9), ["1 peak: 25 % of requests around 1.00 ms"]),
        (Modes(modes=(), count=9), ["0 peaks: too few successful requests to say"]),
    ],
)
def test_a_result_of_one_run_shows_itself(result: Result, shown: list[str]) -> None:
    text = " ".join(str(result).split())
    for part in shown:
        assert part in text
    assert "<" in (result._repr_html_() or "")
    assert len(result.to_pandas()) == (len(result.modes) if isinstance(result, Modes) else 1)
