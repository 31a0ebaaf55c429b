"""What a person reads about the fidelity of a replay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchlab.display.card import run_card
from benchlab.display.result_terminal import result_text
from benchlab.display.results.fidelity import view
from benchlab.display.run_view import view as view_of_run
from benchlab.runs.fidelity import Fidelity
from benchlab.units import NS_PER_MS
from tests.runs.replayed import poisson_s, replayed_run
from tests.runs.synthetic import make_run

COUNT = 500
RUN = replayed_run(poisson_s(COUNT), 50_000)


def found() -> Fidelity:
    assert RUN.fidelity is not None
    return RUN.fidelity


def shown(result: Fidelity) -> str:
    return " ".join(result_text(view(result)).split())


def test_a_faithful_replay_has_every_figure_with_its_limit() -> None:
    assert view(found()).level == "good"
    text = shown(found())
    for part in ("faithful: What was sent", "dropped 0 0", "the same beyond 0.1 ms 0.0000 0.2"):
        assert part in text
    assert "dispatch lag, p99 0.050 ms 10.0 ms" in text
    assert "mix error 0.00 % 1.00 %" in text


def test_what_is_off_is_named() -> None:
    result = replace(
        found(),
        sent_count=COUNT - 2,
        ks_distance_tolerant=0.25,
        lag_p99_ns=12 * NS_PER_MS,
        mix_error_ratio=0.02,
        mix_error_endpoint="GET /b",
    )
    assert (view(result).banner, view(result).level) == ("not faithful", "bad")
    text = shown(result)
    for part in (
        "2 requests never sent",
        "differ by more than 0.1 ms for at least 25 % of the requests",
        "1 % of the requests were sent more than 12.0 ms late",
        "the share of GET /b is off by 2.00 %",
        "mix error (GET /b) 2.00 %",
    ):
        assert part in text


def test_what_the_recording_was_and_left_out() -> None:
    result = replace(found(), source="access log a.log", speed=2.0, skipped={"malformed": 3})
    text = shown(result)
    for part in ("recording access log a.log", "speed 2 × as fast", "3 not of the format"):
        assert part in text


def test_a_run_says_it_in_a_line_wherever_it_is_shown() -> None:
    line = found().describe()
    assert dict(view_of_run(RUN).facts)["replay"] == line
    assert line in run_card(RUN)
    assert "replay" not in dict(view_of_run(make_run()).facts)


def test_a_timer_of_a_millisecond_is_seen_at_high_rates() -> None:
    due_ns = np.rint(poisson_s(COUNT, 1_000) * 1e9).astype(np.int64)
    run = replayed_run(due_ns / 1e9, -due_ns % NS_PER_MS)
    assert run.fidelity is not None
    assert not run.fidelity.faithful
