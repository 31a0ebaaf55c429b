"""Errors as a cause: which kind, since when, and whether a limit of the rate makes them."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Mask, Requests
from benchlab.samples.samples import ErrorKind
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_ratio

__all__ = ["errors"]

_TOO_MANY = 429
_SLICES = 20
_WAITED = (ErrorKind.TIMEOUT, ErrorKind.ABANDONED, ErrorKind.GRPC_DEADLINE_EXCEEDED)


def errors(requests: Requests, delayed: Mask) -> Finding | None:
    """Failed requests, by kind and status.

    Those that were ``delayed`` by a freeze, and those that only took too long, are consequences: of
    these a part counts as large as what they make the tail.
    """
    failed = requests.failed
    ratio = float(np.mean(failed))
    if ratio < limit.ERROR_RATIO and np.count_nonzero(failed) < 0.2 * len(requests.tail):
        return None
    error, status = requests.records["error"], requests.records["status"]
    own = failed & ~np.isin(error, _WAITED) & ~delayed
    kinds, counts = np.unique(error[failed], return_counts=True)
    statuses, status_counts = np.unique(
        status[failed & (error == ErrorKind.STATUS)], return_counts=True
    )
    count = int(np.count_nonzero(failed))
    named = [
        *(f"{number:,} with status {code}" for code, number in
          zip(statuses.tolist(), status_counts.tolist(), strict=True)),
        *(f"{number:,} {ErrorKind(kind).label}" for kind, number in
          zip(kinds.tolist(), counts.tolist(), strict=True) if kind != ErrorKind.STATUS),
    ]  # fmt: skip
    numbers = {"error_ratio": ratio, "error_count": float(count)}
    evidence = [
        Evidence(f"{plural(count, 'request')} failed ({format_ratio(ratio)}): {', '.join(named)}",
                 numbers)
    ]  # fmt: skip
    limited = (status == _TOO_MANY) | (error == ErrorKind.GRPC_RESOURCE_EXHAUSTED)
    if np.count_nonzero(limited & failed) > 0.5 * count:
        evidence.append(_plateau(requests, failed))
    explained = np.where(failed, np.maximum(requests.latency - requests.median, 0), 0.0)
    # An error is in the tail of what users feel, however quickly it came.
    weight = min(float(np.mean(own)) / limit.ERROR_RATIO, 1.0)
    return Finding(
        "errors",
        explained,
        tuple(evidence),
        "errors",
        "look at the examples and the service's log; for status 429 or RESOURCE_EXHAUSTED stay"
        " below the limit, or raise it",
        weight=weight if float(np.mean(own)) >= limit.ERROR_RATIO else 0.0,
    )


def _plateau(requests: Requests, failed: Mask) -> Evidence:
    """How many requests per second were let through, in equal slices of time."""
    good = requests.intended[~failed]
    start, length = requests.intended[0], max(requests.window_ns, 1.0)
    slices = np.minimum(((good - start) / length * _SLICES).astype(int), _SLICES - 1)
    rates = np.bincount(slices, minlength=_SLICES) / (length / _SLICES / NS_PER_S)
    rate = float(np.median(rates))
    spread = float(np.std(rates) / max(rate, 1e-9))
    return Evidence(
        f"the rate is limited: {rate:,.0f} requests/s were let through, within"
        f" {format_ratio(spread)} of each other over time",
        {"limit_rps": rate, "spread_ratio": spread},
    )
