"""Blind trials of the diagnosis: is the cause named that was injected?

They take the better part of an hour and want a machine that does nothing else.
``BENCHLAB_TRIALS=DIRECTORY`` keeps what is recorded there, and goes on with it the next time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.table import show
from tests.trials.corpus import read_corpus
from tests.trials.judge import GOALS, judge, tally
from tests.trials.record import record_all
from tests.trials.trial import Kind

CORPUS = "BENCHLAB_TRIALS"
FIRST_SEED = 10_000  # development used those below
COUNTS: dict[Kind, int] = {"single": 200, "healthy": 100, "double": 50}


@pytest.mark.timeout(4 * 3600)
def test_the_cause_that_was_injected_is_named(tmp_path: Path) -> None:
    corpus = Path(os.environ.get(CORPUS) or tmp_path)
    for kind, count in COUNTS.items():
        record_all(FIRST_SEED, count, kind, "report", corpus / kind)
    result = tally(judge(read_corpus(corpus)))
    show("Blind trials", *result.shares())
    show("What was named", *result.matrix(), "injected (rows), ranked first (columns)")
    for name, goal in GOALS.items():
        share, low, high = result.share(name)
        assert share >= goal, f"{name}: {share:.1%} ({low:.1%} to {high:.1%})"
