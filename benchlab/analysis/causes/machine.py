"""Noise of the machine: short freezes at random moments, of the service or of the generator."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import CauseId, Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.freezes import Freezes
from benchlab.analysis.causes.requests import Mask, Requests
from benchlab.text import plural
from benchlab.units import format_ms, format_share

__all__ = ["felt_noise", "noise"]


_AT_TIMES: tuple[CauseId, ...] = (
    "queueing",
    "contention",
    "event_loop",
    "one_of_many",
    "slow_body",
    "child_span",
)
_ALWAYS: tuple[CauseId, ...] = ("drift", "bimodal")


def felt_noise(requests: Requests) -> dict[CauseId, float]:
    """How long the machine held the generator up, for each cause that a busy machine imitates.

    That is its lag at the 99th percentile, and for what many requests must show the 90th. A closed
    loop has no lag, but stalls: half of the longest, if there were several.
    """
    if requests.is_open:
        rare, often = np.quantile(requests.lag, [0.99, 0.9]).tolist()
    else:
        stalls = [item.stall_max_ns for item in requests.run.health.workers if item.stall_count > 1]
        rare, often = max(stalls, default=0) / 2, 0.0
    return dict.fromkeys(_AT_TIMES, rare) | dict.fromkeys(_ALWAYS, often)


def noise(requests: Requests, freezes: Freezes, others: Mask) -> Finding | None:
    """The freezes that are not ``others``' and the lag of the generator are what made the tail."""
    left = freezes.delayed_by(~others) if len(freezes) else np.zeros(len(requests), dtype=bool)
    explained = np.maximum(
        np.where(left, np.maximum(requests.latency - requests.median, 0), 0.0), requests.lag
    )
    felt = felt_noise(requests)["queueing"]
    if felt >= limit.LAG_LEAST_NS:  # what it did to the generator it does to the service as well
        excess = np.maximum(requests.latency - requests.median, 0)
        explained = np.maximum(explained, np.minimum(excess, limit.NOISE_FELT_RATIO * felt))
    count = int(np.count_nonzero(~others))
    lengths = freezes.length_ns[~others]
    lag = float(np.quantile(requests.lag, 0.99))
    texts = []
    if count:
        texts.append(
            Evidence(
                f"{plural(count, 'short freeze')} at random moments, at most"
                f" {format_ms(round(float(lengths.max())))}, in which nothing was completed",
                {"freeze_count": float(count), "freeze_max_ns": float(lengths.max())},
            )
        )
    if lag > 0:
        texts.append(
            Evidence(
                f"the generator itself sent 1 % of the requests more than {format_ms(round(lag))}"
                " late",
                {"lag_p99_ns": lag},
            )
        )
    floor = requests.run.floor
    if floor is not None:
        p99 = float(floor.under(requests.run.plan.load).p99)
        texts.append(
            Evidence(
                f"the calibrated noise floor of this machine is {format_ms(round(p99))} at p99",
                {"floor_p99_ns": p99},
            )
        )
        explained = np.maximum(explained, np.minimum(
            np.maximum(requests.latency - requests.median, 0), p99))  # fmt: skip
    share = float(explained[requests.tail].sum()) / max(
        float(np.maximum(requests.latency[requests.tail] - requests.median, 0).sum()), 1.0
    )
    if share < limit.NOISE_SHARE:
        return None
    if float(explained[requests.tail].mean()) < limit.NOISE_LEAST_NS:
        return None
    texts.append(Evidence(f"together up to {format_share(min(share, 1.0))} of the tail",
                          {"share_ratio": min(share, 1.0)}))  # fmt: skip
    return Finding(
        "noise",
        explained,
        tuple(texts),
        "timeline",
        "repeat the run on a machine that does nothing else, with a core for each process; compare"
        " several runs, not one",
    )
