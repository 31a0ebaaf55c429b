"""Recorded trials, a few of each kind: their causes are still named.

They were recorded as ``python -m tests.trials record`` does, and left without their environment
and, where a trial is one without traces, without spans.
"""

from __future__ import annotations

from pathlib import Path

from tests.trials.corpus import read_corpus
from tests.trials.judge import judge
from tests.trials.trial import CAUSES

RECORDED = Path(__file__).parent / "recorded"
MOST_WRONG = 2
"""Of 17: trials are not all right, and detectors may come to weigh one otherwise."""


def test_the_causes_of_recorded_trials_are_named() -> None:
    judged = judge(read_corpus(RECORDED))
    injected = {item.causes[0] for item in judged if item.causes}
    assert injected == set(CAUSES) - {"noise"}, "noise is in the healthy one"
    wrong = {item.causes: item.found for item in judged if not item.is_right}
    assert len(wrong) <= MOST_WRONG, wrong
