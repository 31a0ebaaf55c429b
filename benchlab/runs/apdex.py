"""Apdex: how satisfied users are with the latency, as one number from 0 to 1.

Apdex Alliance, "Application Performance Index – Apdex Technical Specification", version 1.1 (2007):
requests up to the target T satisfy, those up to 4 T are tolerated and count half, slower ones
frustrate. Failed requests frustrate, however fast they failed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchlab.displayed import Result
from benchlab.errors import InputError
from benchlab.samples.samples import ErrorKind
from benchlab.statistics.batch_means import BATCHES, batch_of
from benchlab.statistics.shares import share_interval
from benchlab.units import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    import pandas as pd

    from benchlab.runs.run import Run

__all__ = ["Apdex", "apdex_of"]

TOLERATED: Final = 4
"""Requests up to this many times the target are tolerated."""

_RATINGS: Final = (
    (0.94, "excellent"),
    (0.85, "good"),
    (0.70, "fair"),
    (0.50, "poor"),
    (0.0, "unacceptable"),
)
_SMALL_SAMPLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Apdex(Result):
    """The Apdex of a run, or of one of its endpoints.

    ``score`` is None without requests. Its interval, ``score_low`` to ``score_high``, allows for
    dependent requests; both are None where there are too few of them. ``source`` says where the
    target comes from.
    """

    score: float | None
    score_low: float | None
    score_high: float | None
    target_ns: int
    satisfied_count: int
    tolerating_count: int
    frustrated_count: int
    error_count: int
    source: str
    endpoint: str | None = None

    @property
    def count(self) -> int:
        """Number of requests."""
        return self.satisfied_count + self.tolerating_count + self.frustrated_count

    @property
    def rating(self) -> str:
        """The word that the specification has for the score; empty without one."""
        if self.score is None:
            return ""
        score = round(self.score, 2)
        return next(word for least, word in _RATINGS if score >= least)

    @property
    def notation(self) -> str:
        """The score as the specification writes it, with the target in seconds.

        ``*`` marks fewer than 100 requests, ``NS`` is no sample.
        """
        target = f"[{self.target_ns / NS_PER_S:g}]"
        if self.score is None:
            return f"NS {target}"
        return f"{self.score:.2f} {target}{'*' if self.count < _SMALL_SAMPLE else ''}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields, with the rating."""
        return {**asdict(self), "rating": self.rating or None}

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame, with the target in ms."""
        import pandas as pd

        row = self.to_dict()
        return pd.DataFrame([{**row, "target_ms": row.pop("target_ns") / NS_PER_MS}])


def apdex_of(run: Run, target_ms: float | None, endpoint: str | None) -> Apdex:
    """The Apdex of the measured window of ``run``.

    Raises:
        InputError: the target is not above 0, the plan has no objective to take it from, or the
            endpoint is unknown.
    """
    target_ns, source = _target(run, target_ms, endpoint)
    measured = run.measured if endpoint is None else run.measured.endpoint(endpoint)
    start_ns, end_ns = run.window_ns
    counts, scores = np.zeros(BATCHES, dtype=np.int64), np.zeros(BATCHES)
    satisfied = tolerating = errors = 0
    for block in measured.blocks():
        latency_ns, good = block.latency_ns, block.column("error") == ErrorKind.OK
        satisfies = good & (latency_ns <= target_ns)
        tolerates = good & ~satisfies & (latency_ns <= TOLERATED * target_ns)
        satisfied += int(np.count_nonzero(satisfies))
        tolerating += int(np.count_nonzero(tolerates))
        errors += len(block) - int(np.count_nonzero(good))
        batch = batch_of(block.column("intended_ns"), start_ns, end_ns)
        counts += np.bincount(batch, minlength=BATCHES)
        scores += np.bincount(batch, satisfies + tolerates / 2, BATCHES)
    share = share_interval(counts, scores)
    return Apdex(
        score=None if share is None else share.ratio,
        score_low=None if share is None else share.low,
        score_high=None if share is None else share.high,
        target_ns=target_ns,
        satisfied_count=satisfied,
        tolerating_count=tolerating,
        frustrated_count=len(measured) - satisfied - tolerating,
        error_count=errors,
        source=source,
        endpoint=endpoint,
    )


def _target(run: Run, target_ms: float | None, endpoint: str | None) -> tuple[int, str]:
    """The target in ns, and where it comes from."""
    if target_ms is not None:
        if not 0 < target_ms < float("inf"):
            raise InputError("must be above 0 ms", field="target_ms", value=target_ms)
        return max(1, round(target_ms * NS_PER_MS)), "given"
    for objective in run.plan.slo:
        if (
            objective.of == "latency"
            and objective.operator.startswith("<")
            and objective.endpoint in ("", endpoint)
            and objective.limit > 0
        ):
            return round(objective.limit), f"the objective {objective}"
    raise InputError(
        "is not given, and the plan has no objective of the latency to take it from",
        field="target_ms",
        remedy="give it, run.apdex(50), or put slo=['p99<50ms'] into the plan",
    )
