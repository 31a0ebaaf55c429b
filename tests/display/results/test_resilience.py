"""What a person reads about the faults of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.resilience import OUTCOMES, FaultOutcome, Resilience
from benchlab.cli.resilience import OUTCOME_NAMES
from benchlab.display.results import resilience as display
from benchlab.units import NS_PER_S
from tests.analysis.faulty import faulty_run


@pytest.fixture(scope="module")
def recovered() -> Resilience:
    return resilience_of(faulty_run(1), "p99<50ms")


def shown(result: Resilience, outcome: FaultOutcome, **fields: object) -> str:
    changed = replace(result.faults[0], outcome=outcome, **fields)  # type: ignore[arg-type]
    return " ".join(str(replace(result, faults=(changed,))).split())


def test_every_outcome_has_its_place_in_order_name_and_level() -> None:
    known = set(get_args(FaultOutcome))
    assert known == set(OUTCOMES) == set(OUTCOME_NAMES)
    assert known == set(display.OUTCOME_NAMES) == set(display.OUTCOME_LEVELS)


def test_the_sentence_says_when_it_broke_and_when_it_held_again(recovered: Resilience) -> None:
    text = shown(
        recovered, "recovered", onset_ns=10_012_000_000, recovery_ns=15 * NS_PER_S + NS_PER_S // 2
    )
    assert "“latency 200ms” broke p99<50ms after 12 ms; it held again 500 ms after" in text
    early = shown(recovered, "recovered", recovery_ns=13 * NS_PER_S)
    assert "it held again before the fault ended" in early


def test_each_outcome_has_its_sentence(recovered: Resilience) -> None:
    gone = {"recovery_ns": None, "observed_until_ns": 27 * NS_PER_S}
    missing = shown(recovered, "not_recovered", **gone)
    assert "it did not hold again within 12 s after the fault ended" in missing
    assert "> 12 s" in missing
    after = shown(recovered, "metastable", goodput_before_rps=500.0, goodput_after_rps=20.0, **gone)
    assert "12 s after the fault ended, with the load as before, goodput is 20/s, and was" in after
    assert "did not break p99<50ms" in shown(recovered, "withstood", onset_ns=None)
    assert "recovery was not observed" in shown(recovered, "lasted", recovery_ns=None)
    assert "could not be carried out: no route" in shown(recovered, "failed", note="no route")
    already = shown(recovered, "already_broken", note="it was broken before")
    assert "Nothing is attributed to “latency 200ms”: it was broken before." in already


def test_of_several_faults_the_worst_is_in_the_sentence(recovered: Resilience) -> None:
    (first,) = recovered.faults
    second = replace(first, number=1, outcome="lasted", recovery_ns=None)
    text = " ".join(str(replace(recovered, faults=(first, second))).split())
    assert text.index("lasted to the end: Fault 1, “latency 200ms”,") < text.index("0: latency")


def test_what_has_to_be_known_is_a_warning(recovered: Resilience) -> None:
    text = " ".join(
        str(
            replace(recovered, left_out=("mean<5ms",), before_s=0.0, other_periods=((0, NS_PER_S),))
        ).split()
    )
    assert "Not watched, since they are no limits of single requests: mean<5ms" in text
    assert "nothing to compare depth and goodput with" in text
    assert "broken 1 time without a fault" in text
    assert "derived" not in text
    assert "this one is 2 ×" in " ".join(str(resilience_of(faulty_run(1))).split())
