"""Errors as a cause: which kind, since when, and whether a limit of the rate makes them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Mask, Requests
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.text import plural
from benchlab.units import NS_PER_S, format_share

__all__ = ["errors"]

_TOO_MANY = 429
_SLICES = 20
_WAITED = (ErrorKind.TIMEOUT, ErrorKind.ABANDONED, ErrorKind.GRPC_DEADLINE_EXCEEDED)


def errors(requests: Requests, delayed: Mask) -> Finding | None:
    """Failed requests by kind and status, and failed tries that a retry made good.

    Requests that were ``delayed`` by a freeze and failed, and those that only took too long, are
    consequences: of these a part counts as large as what they make the tail. So it is with tries:
    what users feel of them is the time until the next one.
    """
    failed, retried = requests.failed, requests.was_retried & ~requests.failed
    evidence = []
    if _is_many(requests, failed):
        evidence += _of_failed(requests, failed)
    if _is_many(requests, retried):
        evidence += _of_retried(requests, retried)
    if not evidence:
        return None
    explained = np.where(failed, np.maximum(requests.latency - requests.median, 0), 0.0)
    explained = np.where(retried, np.maximum(requests.sent - requests.intended, 0), explained)
    own = failed & ~np.isin(requests.records["error"], _WAITED) & ~delayed
    own_ratio = float(np.mean(own))
    return Finding(
        "errors",
        explained,
        tuple(evidence),
        "errors",
        "look at the examples and the service's log; for status 429 or RESOURCE_EXHAUSTED stay"
        " below the limit, or raise it",
        # An error is in the tail of what users feel, however quickly it came.
        weight=1.0 if own_ratio >= limit.ERROR_RATIO else 0.0,
    )


def _is_many(requests: Requests, chosen: Mask) -> bool:
    count = np.count_nonzero(chosen)
    return bool(count >= limit.ERROR_RATIO * len(requests) or count >= 0.2 * len(requests.tail))


def _of_failed(requests: Requests, failed: Mask) -> list[Evidence]:
    count, ratio = int(np.count_nonzero(failed)), float(np.mean(failed))
    kinds = _Kinds()
    kinds.add(requests.records[failed])
    text = f"{plural(count, 'request')} failed ({format_share(ratio)}): {kinds}"
    evidence = [Evidence(text, {"error_ratio": ratio, "error_count": float(count)})]
    limited = (requests.records["status"] == _TOO_MANY) | (
        requests.records["error"] == ErrorKind.GRPC_RESOURCE_EXHAUSTED
    )
    if np.count_nonzero(limited & failed) > 0.5 * count:
        evidence.append(_plateau(requests, failed))
    return evidence


def _of_retried(requests: Requests, retried: Mask) -> list[Evidence]:
    count, ratio = int(np.count_nonzero(retried)), float(np.mean(retried))
    kinds = _Kinds()
    for block in requests.run.samples.failed_tries.blocks():
        tries = block.records
        is_failure = ~np.isin(tries["error"], (ErrorKind.OK, ErrorKind.ABANDONED))
        kinds.add(tries[is_failure & ((tries["flags"] & Flag.WARMUP) == 0)])
    text = (
        f"{plural(count, 'request')} ({format_share(ratio)}) succeeded after a failed try: {kinds}"
    )
    return [Evidence(text, {"retried_ratio": ratio, "retried_count": float(count)})]


class _Kinds:
    """How many records failed in which way, as text."""

    def __init__(self) -> None:
        self._statuses: Counter[int] = Counter()
        self._kinds: Counter[int] = Counter()

    def add(self, records: NDArray[np.void]) -> None:
        is_status = records["error"] == ErrorKind.STATUS
        for counter, values in (
            (self._statuses, records["status"][is_status]),
            (self._kinds, records["error"][~is_status]),
        ):
            found, counts = np.unique(values, return_counts=True)
            counter.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))

    def __str__(self) -> str:
        return ", ".join(
            [
                *(
                    f"{count:,} with status {code}"
                    for code, count in sorted(self._statuses.items())
                ),
                *(f"{n:,} {ErrorKind(kind).label}" for kind, n in sorted(self._kinds.items())),
            ]
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
        f" {format_share(spread)} of each other over time",
        {"limit_rps": rate, "spread_ratio": spread},
    )
