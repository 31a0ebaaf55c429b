"""The earlier runs of a plan, which say how much runs differ by themselves."""

from __future__ import annotations

from contextlib import suppress

from benchlab.analysis.run_statistics import RunStatistics
from benchlab.errors import DamagedError
from benchlab.experiments.stored_statistics import statistics_of_row
from benchlab.redact import public_url
from benchlab.runs.same import is_same_host, is_same_plan
from benchlab.store import Store

__all__ = ["LONGEST", "stable_history"]

LONGEST = 100
"""So many of the latest earlier runs are looked at."""


def stable_history(store: Store, run: RunStatistics) -> list[RunStatistics]:
    """The earlier valid runs of the same plan on the same host as ``run``, oldest first.

    Runs of experiments are not among them.

    Raises:
        StoreError: the store cannot be read.
    """
    rows = store.earlier_setup_rows(
        url=public_url(run.plan.requests[0].url), before_ns=run.started_at_ns, limit=LONGEST
    )
    earlier = []
    for row in reversed(rows):
        with suppress(DamagedError):  # a plan that this benchlab cannot read is not the same
            earlier.append(statistics_of_row(row))
    return [each for each in earlier if is_same_plan(each, run) and is_same_host(each, run)]
