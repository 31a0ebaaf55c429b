"""Trials are drawn by seeds: the same ones again, all causes, and other rates for the report."""

from __future__ import annotations

import pytest

from benchlab.analysis.causes.cause import CAUSES as KNOWN
from tests.trials.drawing import RATE_SPREAD, RATES
from tests.trials.target_causes import TARGET_RATE_SPREAD, TARGET_RATES
from tests.trials.trial import CAUSES, Kind, draw


def test_every_cause_is_injected() -> None:
    assert set(CAUSES) == set(KNOWN)
    drawn = [draw(seed, "single", "dev").causes for seed in range(len(CAUSES))]
    assert sorted(name for causes in drawn for name in causes) == sorted(CAUSES)


@pytest.mark.parametrize("kind", ["single", "healthy", "double"])
def test_a_seed_draws_the_same_trial_again(kind: Kind) -> None:
    for seed in range(60):
        assert draw(seed, kind, "dev") == draw(seed, kind, "dev")
        again = draw(seed, kind, "dev", attempt=1)
        assert again.causes == draw(seed, kind, "dev").causes
        assert again.service != draw(seed, kind, "dev").service


def test_a_healthy_service_has_no_fault_and_two_causes_differ() -> None:
    for seed in range(60):
        healthy = draw(seed, "healthy", "dev")
        assert (healthy.causes, healthy.beside) == ([], {})
        assert len(healthy.service["faults"]) == (healthy.place == "target")  # its latency
        first, second = draw(seed, "double", "dev").causes
        assert first != second


def test_child_spans_are_never_left_to_guess() -> None:
    trials = [draw(seed, kind, "dev") for seed in range(120) for kind in ("single", "double")]
    assert all(trial.traced for trial in trials if "child_span" in trial.causes)
    assert not all(trial.traced for trial in trials)


@pytest.mark.parametrize(
    ("rates", "spread"), [(RATES, RATE_SPREAD), (TARGET_RATES, TARGET_RATE_SPREAD)]
)
def test_reported_rates_are_not_those_of_development(
    rates: dict[str, tuple[float, ...]], spread: dict[str, float]
) -> None:
    near = [
        (known, report)
        for kind in ("dev", "judged", "judged_later")
        for known in rates[kind]
        for report in rates["report"]
        if (1 - spread[kind]) * known < (1 + spread["report"]) * report
        and (1 - spread["report"]) * report < (1 + spread[kind]) * known
    ]
    assert near == []
