"""Little's law: the requests in flight are the throughput times the mean time that each takes.

J. D. C. Little, "A proof for the queuing formula L = λW", Operations Research 9 (1961). It holds
for any service and any load, so a run whose figures break it has records that are wrong or missing,
or a generator that let connections wait without counting the time.

Both sides are measured apart. Requests in flight are the time that requests spent in the window,
including those that were open when it began; throughput and mean latency are those of the requests
that ended in it. What is independent of any record is the number of connections that a closed loop
keeps busy. Latency, not service time, is what counts: a request that waits to be sent is in the
system that the user sees, and an overload shows on both sides.

Within a finite window both sides differ by what crosses its edges. That part is known exactly: the
time before the window of requests that end in it, and the time within it of those that end later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchlab.displayed import Result
from benchlab.text import plural
from benchlab.units import NS_PER_MS, NS_PER_S, format_ns, format_rate

if TYPE_CHECKING:
    import pandas as pd

    from benchlab.runs.run import Run

__all__ = ["LittlesLaw", "littles_law_of"]

_TOLERANCE_RATIO = 0.01
_IDLE_RATIO = 0.1
"""Connections of a closed loop that may be idle between a response and the next request."""


@dataclass(frozen=True, slots=True)
class LittlesLaw(Result):
    """Both sides of Little's law in the measured window.

    ``concurrency`` is the mean number of requests in flight, ``product`` is ``rate_rps`` times
    ``mean_latency_ns``, and ``edges`` by how much the product should exceed it because requests
    cross the edges of the window. ``connections`` is what a closed loop without pauses keeps busy,
    ``idle_explained`` how many of these may be idle on average because the window ends; None and 0
    for other loads.
    """

    concurrency: float
    rate_rps: float
    mean_latency_ns: float
    edges: float
    connections: int | None = None
    idle_explained: float = 0.0
    noun: str = "request"

    @property
    def product(self) -> float:
        """Throughput times mean latency."""
        return self.rate_rps * self.mean_latency_ns / NS_PER_S

    @property
    def holds(self) -> bool:
        """Whether what does not agree is explained by the edges of the window."""
        return not self.violation

    @property
    def violation(self) -> str:
        """What does not agree, with both figures; empty if the law holds."""
        shown = (
            f"{format_rate(self.rate_rps, self.noun)} × {format_ns(self.mean_latency_ns)} mean"
            f" latency = {self.product:,.3g}"
        )
        gap = abs(self.product - self.concurrency - self.edges)
        if gap > _TOLERANCE_RATIO * max(abs(self.concurrency), abs(self.product)):
            return (
                f"Little's law does not hold: {self.concurrency:,.3g} {self.noun}s in flight, but"
                f" {shown}: times of the records contradict each other"
            )
        if self.connections is None:
            return ""
        if self.concurrency > self.connections * (1 + _TOLERANCE_RATIO):
            return (
                f"Little's law does not hold: {plural(self.connections, 'connection')}, but"
                f" {shown}: more {self.noun}s were in flight than there were connections"
            )
        idle = self.connections - self.concurrency - self.idle_explained
        if idle > _IDLE_RATIO * self.connections:
            return (
                f"Little's law does not hold: {plural(self.connections, 'connection')}, but"
                f" {shown}: connections were idle, or records are missing"
            )
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Both sides as a JSON-ready dict."""
        return {
            "holds": self.holds,
            "concurrency": self.concurrency,
            "product": self.product,
            "rate_rps": self.rate_rps,
            "mean_latency_ns": self.mean_latency_ns,
            "edges": self.edges,
            "connections": self.connections,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A one-row frame of both sides, with the latency in ms."""
        import pandas as pd

        row = self.to_dict()
        row["mean_latency_ms"] = row.pop("mean_latency_ns") / NS_PER_MS
        return pd.DataFrame([row])


def littles_law_of(run: Run) -> LittlesLaw | None:
    """Little's law in the measured window of ``run``; None if nothing ended within it."""
    start_ns, end_ns = run.window_ns
    length_ns = end_ns - start_ns
    if length_ns <= 0:
        return None
    spent = before = after = latency = 0.0  # sums of ns, which int64 might not hold
    completed = longest_ns = 0
    for block in run.samples.requests.blocks():
        intended, done = block.column("intended_ns"), block.column("done_ns")
        within = np.minimum(done, end_ns) - np.maximum(intended, start_ns)
        spent += float(np.maximum(within, 0).sum(dtype=np.float64))
        inside = (done > start_ns) & (done <= end_ns)
        completed += int(np.count_nonzero(inside))
        took = (done - intended)[inside]
        latency += float(took.sum(dtype=np.float64))
        longest_ns = max(longest_ns, int(took.max(initial=0)))
        early = inside & (intended < start_ns)
        before += float((start_ns - intended[early]).sum(dtype=np.float64))
        late = (done > end_ns) & (intended < end_ns)
        after += float(within[late].sum(dtype=np.float64))
    if not completed:
        return None
    connections = _busy_connections(run)
    return LittlesLaw(
        concurrency=spent / length_ns,
        rate_rps=completed * NS_PER_S / length_ns,
        mean_latency_ns=latency / completed,
        edges=(before - after) / length_ns,
        connections=connections,
        idle_explained=(connections or 0) * min(1.0, 2 * longest_ns / length_ns),
        noun=run.plan.sample_noun,
    )


def _busy_connections(run: Run) -> int | None:
    """How many requests a closed loop keeps in flight; None if pauses or steps are in between."""
    plan = run.plan
    if plan.load.has_schedule or plan.scenario is not None or run.verdict != "valid":
        return None
    if plan.transport.has_policies:  # a user waits between tries
        return None
    return None if plan.load.think_time_s else plan.connection_limit
