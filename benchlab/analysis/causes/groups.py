"""One slow endpoint, target, instance or connection among several."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.text import plural
from benchlab.units import format_ms, format_share

__all__ = ["Grouping", "groupings_of", "one_of_many"]

_SLICES = 25


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Requests by group: -1 where the group is not known."""

    kind: str
    names: tuple[str, ...]
    of: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Slow:
    """The slow groups of a grouping."""

    grouping: Grouping
    groups: NDArray[np.int64]
    explained_ratio: float
    share: float
    medians: tuple[float, float]


def one_of_many(requests: Requests, calm: Mask) -> Finding | None:
    """The grouping whose slow groups hold most of the tail, if few groups do and beyond chance.

    Connections are compared among requests of a time that found equally many others in flight: the
    last connection of a pool is only used when the service is already slow.
    """
    chosen = calm & ~requests.failed
    if np.count_nonzero(chosen) < limit.FEWEST:
        return None
    best: _Slow | None = None
    groupings = list(groupings_of(requests))
    for grouping in groupings:
        found = _slow_of(requests, grouping, chosen, len(groupings))
        if found is not None and (
            best is None or found.explained_ratio > 1.1 * best.explained_ratio
        ):
            best = found
    return None if best is None else _finding(requests, best, chosen)


def groupings_of(requests: Requests) -> Iterator[Grouping]:
    """Every way to tell the requests apart that has several groups."""
    plan = requests.run.plan
    endpoint = requests.records["endpoint"].astype(np.int64)
    if requests.traced is not None and len(requests.traced.spans.instances) > 1:
        instance = np.full(len(requests), -1)
        instance[requests.traced.index] = requests.traced.spans.instance[requests.traced.row]
        yield Grouping("instance", requests.traced.spans.instances, instance)
    if len(plan.origins) > 1:
        numbers = {origin: number for number, origin in enumerate(plan.origins)}
        of = np.full(max(int(endpoint.max(initial=0)) + 1, len(plan.requests)), -1)
        of[: len(plan.requests)] = [numbers[item.origin] for item in plan.requests]
        yield Grouping("target", tuple(str(origin) for origin in plan.origins), of[endpoint])
    names = requests.run.samples.endpoints
    if len(set(names)) > 1:
        unique = list(dict.fromkeys(names))
        by_name = {name: number for number, name in enumerate(unique)}
        of = np.full(max(int(endpoint.max(initial=0)) + 1, len(names)), -1)
        of[: len(names)] = [by_name[name] for name in names]
        yield Grouping("endpoint", tuple(unique), of[endpoint])
    if "connection" in (requests.records.dtype.names or ()):
        connection = requests.records["connection"].astype(np.int64)
        key = connection * plan.workers + requests.seq % plan.workers
        known = connection > 0
        values, of = np.unique(np.where(known, key, -1), return_inverse=True)
        if known.any():
            of = of - (values[0] == -1)
            names_of = tuple(str(value // plan.workers) for value in values[values >= 0].tolist())
            yield Grouping("connection", names_of, np.asarray(of, dtype=np.int64))


def _slow_of(requests: Requests, grouping: Grouping, chosen: Mask, tested: int) -> _Slow | None:
    usable = np.flatnonzero(chosen & (grouping.of >= 0))
    if len(usable) < limit.FEWEST:
        return None
    of = grouping.of[usable]
    count = np.bincount(of, minlength=len(grouping.names))
    large = np.flatnonzero(count >= limit.GROUP_FEWEST)
    if len(large) < 2:
        return None
    took = requests.service[usable]
    if grouping.kind == "connection":
        took = _without_times(took)
        took = took - _usual_by_in_flight(requests.in_flight[usable], took)
    keep = np.isin(of, large)
    usable, of, took = usable[keep], of[keep], took[keep]
    tail_ns = float(np.quantile(took, requests.tail_ratio))
    in_tail = took >= tail_ns
    rate = np.bincount(of, in_tail, len(grouping.names)) / np.maximum(count, 1)
    if len(large) > limit.GROUP_MANY and _dispersion(
        rate[large], count[large], float(np.mean(in_tail))
    ) < limit.GROUP_DISPERSION:  # fmt: skip
        return None
    # Groups in the order of their share in the tail: the cut is where it falls most.
    order = large[np.argsort(-rate[large], kind="stable")]
    total = int(count[large].sum())
    # Of the slowest groups together: how many are in the tail, and how many they are.
    slowest = np.cumsum(np.bincount(of, in_tail, len(grouping.names))[order])
    members = np.cumsum(count[order])
    whole = float(np.count_nonzero(in_tail)), float(len(of))
    best: _Slow | None = None
    for cut in range(1, min(len(order), 1 + len(order) * 2 // 3)):
        slow = order[:cut]
        inside = float(slowest[cut - 1]), float(members[cut - 1])
        share = inside[1] / total
        if share > limit.GROUP_MOST:
            break
        outside = whole[0] - inside[0], whole[1] - inside[1]
        if outside[1] == 0 or inside[0] / inside[1] < limit.GROUP_RATIO * max(
            outside[0] / outside[1], 1e-9
        ):
            continue
        score = _excess_score(inside, outside)
        tests = tested * len(order)
        if math.erfc(score / math.sqrt(2)) * tests > limit.GROUP_P:
            continue
        mine = np.isin(of, slow)
        medians = float(np.median(took[mine])), float(np.median(took[~mine]))
        explained = (inside[0] - inside[1] * outside[0] / outside[1]) / max(in_tail.sum(), 1)
        if best is None or explained > best.explained_ratio + 0.1:
            best = _Slow(grouping, slow, float(explained), share, medians)
    return best


def _dispersion(rate: Floats, count: NDArray[np.int64], expected: float) -> float:
    """Pearson's chi-square over its degrees of freedom: 1 if all groups have the same share in the
    tail, however many there are to choose from."""
    variance = max(expected * (1 - expected), 1e-12)
    return float(np.sum((rate - expected) ** 2 * count) / variance) / (len(count) - 1)


def _excess_score(inside: tuple[float, float], outside: tuple[float, float]) -> float:
    """By how many standard errors the shares in the tail differ.

    Slow requests come in bursts: the errors count each three of them as one.
    """
    together = (inside[0] + outside[0]) / (inside[1] + outside[1])
    variance = 3 * together * (1 - together) * (1 / inside[1] + 1 / outside[1])
    return (inside[0] / inside[1] - outside[0] / outside[1]) / math.sqrt(max(variance, 1e-12))


def _without_times(took: Floats) -> Floats:
    """``took`` less the median of its slice of time: connections are used at different times."""
    slices = np.array_split(took, max(min(_SLICES, len(took) // 20), 1))
    return np.concatenate([part - np.median(part) for part in slices])


def _usual_by_in_flight(in_flight: NDArray[np.int64], took: Floats) -> Floats:
    """The median of ``took`` for each number in flight."""
    level = np.minimum(in_flight, int(np.quantile(in_flight, 0.98)))
    usual = np.zeros(len(took))
    order = np.argsort(level, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(level[order])) + 1):
        usual[part] = np.median(took[part])
    return usual


def _finding(requests: Requests, slow: _Slow, chosen: Mask) -> Finding | None:
    grouping = slow.grouping
    mine = np.isin(grouping.of, slow.groups)
    fast = chosen & ~mine & (grouping.of >= 0)
    usual = float(np.median(requests.service[fast])) if fast.any() else 0.0
    explained = np.where(mine, np.maximum(requests.service - usual, 0), 0.0)
    if grouping.kind == "instance":  # where the instance is not known, as often as where it is
        unknown = grouping.of < 0
        explained[unknown] = slow.explained_ratio * np.maximum(
            requests.latency[unknown] - requests.median, 0
        )
    names = [grouping.names[number] for number in slow.groups[:3].tolist()]
    count = len(np.unique(grouping.of[grouping.of >= 0]))
    medians = [float(np.median(requests.service[part])) for part in (mine & chosen, fast)]
    p99s = [float(np.quantile(requests.service[part], 0.99)) for part in (mine & chosen, fast)]
    text = (
        f"{grouping.kind} {', '.join(names)}{' and others' if len(slow.groups) > 3 else ''} of"
        f" {plural(count, grouping.kind)}, with {format_share(slow.share)} of the requests:"
        f" {format_ms(round(medians[0]))} at the median and {format_ms(round(p99s[0]))} at p99; the"
        f" others {format_ms(round(medians[1]))} and {format_ms(round(p99s[1]))}"
    )
    numbers = {
        "share_ratio": slow.share,
        "slow_p50_ns": medians[0],
        "others_p50_ns": medians[1],
        "slow_p99_ns": p99s[0],
        "others_p99_ns": p99s[1],
        "group_count": float(count),
    }
    return Finding(
        "one_of_many",
        explained,
        (Evidence(text, numbers),),
        "by_group",
        f"compare that {grouping.kind} with the others: its data, its machine, its version, its"
        " neighbours",
    )
