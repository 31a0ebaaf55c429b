"""A slow child span as a cause: a query or a call that the service waits for."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Floats, Mask, Requests, Traced
from benchlab.units import format_ms, format_share

__all__ = ["child_span"]


def child_span(requests: Requests, calm: Mask) -> Finding | None:
    """The child span whose length accounts for most of the tail of the traced requests.

    What it is longer than usual counts; all of its length if it is a large part of every request.
    """
    traced = requests.traced
    if traced is None or len(traced) < limit.FEWEST // 2:
        return None
    latency = requests.latency[traced.index]
    chosen = calm[traced.index]
    if np.count_nonzero(chosen) < limit.FEWEST // 2:
        return None
    count = max(round(len(traced) * (1 - requests.tail_ratio)), 5)
    slow = np.argsort(np.where(chosen, latency, -1.0))[-count:]
    excess = float(np.maximum(latency[slow] - np.median(latency), 0).sum())
    best: Finding | None = None
    best_share = 0.0
    for (name, service), took in _lengths(traced).items():
        usual = float(np.median(took[chosen]))
        median = float(np.median(latency))
        level = usual if usual > max(limit.PHASE_LEVEL * median, limit.CHILD_LEVEL_NS) else 0.0
        longer = np.maximum(took - (0.0 if level else usual), 0)
        share = float(longer[slow].sum()) / max(excess + level * len(slow), 1.0)
        if share <= best_share:
            continue
        of_slow = float(np.mean(took[slow]))
        if not level and (
            share < limit.CHILD_MORE * usual / max(median, 1.0)
            and of_slow < limit.CHILD_LONGER * usual
        ):
            continue  # a part of every request, and as large a part of the slow ones
        best_share = share
        seen = traced.column(len(requests), longer)
        known = ~np.isnan(seen)
        # Requests without a trace are taken to have the same share as those with one.
        estimate = np.where(known, np.nan_to_num(seen), share * np.maximum(
            requests.latency - requests.median + level, 0))  # fmt: skip
        text = (
            f"the span {name} of {service} takes {format_ms(round(of_slow))} in slow requests and"
            f" {format_ms(round(usual))} in usual ones: {format_share(min(share, 1))} of what makes"
            " them slow"
        )
        numbers = {"slow_ns": of_slow, "usual_ns": usual, "share_ratio": min(share, 1.0)}
        best = Finding(
            "child_span",
            estimate,
            (Evidence(text, numbers),),
            "traces",
            f"look at {name}: its own trace, its query plan, the service it calls; cache it, or do"
            " it in parallel",
            typical_ns=level,
        )
    return best


def _lengths(traced: Traced) -> dict[tuple[str, str], Floats]:
    """Total length of each kind of child span, for each traced request."""
    place = np.full(len(traced.spans.seq), -1)
    place[traced.row] = np.arange(len(traced))
    found: dict[tuple[str, str], Floats] = {}
    for child in traced.spans.children:
        at = place[child.index]
        took = np.zeros(len(traced))
        np.add.at(took, at[at >= 0], child.duration_ns[at >= 0].astype(np.float64))
        found[child.name, child.service] = np.minimum(took, traced.inside)
    return found
