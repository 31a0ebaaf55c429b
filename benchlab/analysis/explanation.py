"""What made a run slow: its causes in the order of their share of the tail, and their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchlab.analysis.causes.cause import Cause, CauseId
from benchlab.analysis.causes.find import causes_of
from benchlab.analysis.causes.requests import Requests
from benchlab.analysis.evidence_points import EvidencePoints, evidence_points
from benchlab.displayed import Result
from benchlab.errors import InvalidRunError
from benchlab.plan.tracing import trace_id
from benchlab.runs.origin import origin_of
from benchlab.runs.request_spans import RequestSpans
from benchlab.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ExampleRequest", "Explanation", "Tail", "explanation_of"]

_OF_INVALID_RUNS: tuple[CauseId, ...] = ("generator", "errors")
"""What is true of a run whatever its verdict; the other causes rest on latencies."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The slow requests of a run: the ``count`` slowest, from ``low_ns`` on, above ``ratio``.

    That is the 99th percentile, or the 90th if fewer than 50 requests are above that one.
    ``median_ns`` is of all requests.
    """

    ratio: float
    low_ns: int
    median_ns: int
    count: int


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """A request that shows a cause. ``trace_id`` is empty if no server made a span of it."""

    cause: CauseId
    seq: int
    endpoint: str
    intended_ns: int
    latency_ns: int
    trace_id: str

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields."""
        return {
            "cause": self.cause,
            "seq": self.seq,
            "endpoint": self.endpoint,
            "intended_ns": self.intended_ns,
            "latency_ns": self.latency_ns,
            "trace_id": self.trace_id or None,
        }


@dataclass(frozen=True, kw_only=True)
class Explanation(Result):
    """What made a run slow: ``causes``, the one that accounts for most of the tail first.

    ``examples`` are requests that show a cause, and ``points`` what the plot of each cause is made
    of. ``tail`` says which of the ``count`` requests are the slow ones; it is None without any
    request. ``span_count`` requests were joined with the spans that servers made of them. Of a run
    that is not ``valid`` the ``verdict`` has a reason, and unless ``forced``, only causes are named
    that do not rest on its latencies.
    """

    run_id: str
    name: str
    verdict: str
    invalid_reason: str | None = None
    endpoint: str | None = None
    causes: tuple[Cause, ...] = ()
    examples: tuple[ExampleRequest, ...] = ()
    points: tuple[EvidencePoints, ...] = field(default=(), repr=False, compare=False)
    tail: Tail | None = None
    count: int = 0
    span_count: int = 0
    forced: bool = False
    origin: str = ""

    @property
    def nothing_found(self) -> bool:
        """Whether the latency is the service's own, as far as can be seen: no cause was found."""
        return not self.causes

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict, in full precision."""
        tail = self.tail
        return {
            "run_id": self.run_id,
            "name": self.name,
            "endpoint": self.endpoint,
            "verdict": self.verdict,
            "invalid_reason": self.invalid_reason,
            "count": self.count,
            "span_count": self.span_count,
            "tail": None
            if tail is None
            else {
                "ratio": tail.ratio,
                "low_ns": tail.low_ns,
                "median_ns": tail.median_ns,
                "count": tail.count,
            },
            "causes": [
                {
                    "cause": each.cause,
                    "tail_ratio": each.tail_ratio,
                    "evidence": [one.to_dict() for one in each.evidence],
                    "try": each.try_next,
                }
                for each in self.causes
            ],
            "examples": [each.to_dict() for each in self.examples],
            "nothing_found": self.nothing_found,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row per cause, in their order: cause, tail_ratio, evidence, try, example_seqs."""
        import pandas as pd

        rows = [
            {
                "cause": each.cause,
                "tail_ratio": each.tail_ratio,
                "evidence": "; ".join(one.text for one in each.evidence),
                "try": each.try_next,
                "example_seqs": ", ".join(map(str, each.requests)),
            }
            for each in self.causes
        ]
        columns = ["cause", "tail_ratio", "evidence", "try", "example_seqs"]
        return pd.DataFrame(rows, columns=columns)


def explanation_of(
    run: Run,
    spans: RequestSpans | None = None,
    *,
    endpoint: str | None = None,
    force: bool = False,
) -> Explanation:
    """What made ``run`` slow, or the requests of one endpoint; ``spans`` are those of its requests.

    A run that is not valid is explained where what made it so is a cause too: its load generator,
    or errors. A run that was stopped early is explained as far as it went.

    Raises:
        InvalidRunError: the run is not valid, and neither its generator nor errors explain it,
            unless ``force``.
        InputError: the run has no such endpoint.
    """
    chosen = run if endpoint is None else _of_endpoint(run, endpoint)
    requests = Requests(chosen, spans)
    causes = causes_of(requests)
    if run.verdict in ("invalid", "degraded") and not force:
        causes = tuple(each for each in causes if each.cause in _OF_INVALID_RUNS)
        if not causes:
            raise InvalidRunError(
                f"run {run.id} is {run.verdict}: {run.invalid_reason}",
                remedy="explain it nevertheless with force=True, or --force",
            )
    return Explanation(
        run_id=run.id,
        name=run.name,
        verdict=run.verdict,
        invalid_reason=run.invalid_reason,
        endpoint=endpoint,
        causes=causes,
        examples=_examples(chosen, causes, spans),
        points=evidence_points(requests, causes),
        tail=_tail(requests) if len(requests) else None,
        count=requests.total,
        span_count=0 if spans is None else len(spans),
        forced=force,
        origin=origin_of([run]),
    )


def _tail(requests: Requests) -> Tail:
    slow = requests.tail
    return Tail(
        ratio=requests.tail_ratio,
        low_ns=round(float(requests.latency[slow].min())),
        median_ns=round(requests.median),
        count=round(len(slow) * requests.total / len(requests)),
    )


def _of_endpoint(run: Run, endpoint: str) -> Run:
    """The run with the requests of one endpoint only; its verdict remains that of all."""
    chosen = replace(run, samples=run.samples.endpoint(endpoint))
    chosen.__dict__["verdict_reason"] = run.verdict_reason  # requests of others are not missing
    return chosen


def _examples(
    run: Run, causes: Sequence[Cause], spans: RequestSpans | None
) -> tuple[ExampleRequest, ...]:
    """The example requests of all causes, as they are in the run."""
    wanted = np.array(sorted({seq for cause in causes for seq in cause.requests}), dtype=np.int64)
    if not len(wanted):
        return ()
    found = run.measured.choose(lambda records: np.isin(records["seq"], wanted)).records
    by_seq = {int(record["seq"]): record for record in found}
    traced = set() if spans is None else set(wanted[np.isin(wanted, spans.seq)].tolist())
    names = run.samples.endpoints
    return tuple(
        ExampleRequest(
            cause=cause.cause,
            seq=seq,
            endpoint=names[by_seq[seq]["endpoint"]],
            intended_ns=int(by_seq[seq]["intended_ns"]),
            latency_ns=int(by_seq[seq]["done_ns"] - by_seq[seq]["intended_ns"]),
            trace_id=trace_id(run.id, seq) if seq in traced else "",
        )
        for cause in causes
        for seq in cause.requests
        if seq in by_seq
    )
