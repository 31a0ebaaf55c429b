"""A recorded trial on disk, so that it can be judged again without new load.

A directory per trial, named after its seed: ``run.parquet`` (benchlab's own export), ``trial.json``
(what was injected, and what came of it), ``truth.npz`` (the service's own record of each request).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import benchlab as bl
from benchlab.runs.request_spans import ChildSpans, RequestSpans
from benchlab.runs.run import Run
from tests.trials.fault_server import ROW

__all__ = ["Recorded", "read_corpus", "read_trial", "spans_of", "truth_of"]

Truth = dict[str, NDArray[np.int64]]


@dataclass
class Recorded:
    """A recorded trial."""

    path: Path
    trial: dict[str, Any]
    run: Run
    truth: Truth

    @property
    def spans(self) -> RequestSpans | None:
        """What a tracing service reported; None if the trial is one without traces."""
        return spans_of(self.run, self.truth) if self.trial["traced"] else None


def truth_of(file: Path) -> Truth:
    """Read what the service wrote: a column per name of ``ROW``, pauses, and child spans."""
    with np.load(file) as data:
        truth: Truth = {name: data[name] for name in data.files if name != "rows"}
        rows = data["rows"]
    rows = rows[rows[:, 0] >= 0]
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return truth | {name: rows[:, number] for number, name in enumerate(ROW)}


def spans_of(run: Run, truth: Truth) -> RequestSpans:
    """The spans of the service, by the run's clock."""
    seq, start = truth["seq"], run.started_at_ns
    children = []
    for key, table in truth.items():
        if not key.startswith("child:"):
            continue
        known = table[np.isin(table[:, 0], seq)]
        index = np.searchsorted(seq, known[:, 0]).astype(np.int32)
        children.append(
            ChildSpans(key[len("child:") :], "shop", index, known[:, 1] - start, known[:, 2])
        )
    count = int(truth["instance"].max(initial=0)) + 1
    return RequestSpans(
        seq,
        truth["started_ns"] - start,
        truth["ended_ns"] - truth["started_ns"],
        truth["instance"].astype(np.int32),
        tuple(f"shop-{number}" for number in range(count)),
        tuple(children),
    )


def read_trial(path: Path) -> Recorded:
    """Read one recorded trial."""
    trial = json.loads((path / "trial.json").read_text())
    run = bl.import_file(path / "run.parquet")
    assert isinstance(run, Run)
    # A run says which faults its plan has: whoever looks for the cause must not see them.
    run = replace(run, plan=run.plan.replace(faults=()), faults=())
    return Recorded(path, trial, run, truth_of(path / "truth.npz"))


def read_corpus(directory: Path) -> Iterator[Recorded]:
    """The recorded trials below ``directory``, in order."""
    for file in sorted(directory.rglob("trial.json")):
        yield read_trial(file.parent)
