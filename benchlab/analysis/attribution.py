"""Where latency comes from: the parts of each band, and what slow requests have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from benchlab.displayed import Result
from benchlab.errors import InvalidRunError
from benchlab.runs.latency_parts import (
    CLASS_RATIOS,
    CLIENT_PARTS,
    CONNECTION_PARTS,
    SERVER_PARTS,
    ClockOffset,
    LatencyClass,
    LatencyParts,
    Part,
)
from benchlab.statistics.holm import holm
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AttributeDifference", "Attribution", "Band", "PartMean", "attribution_of"]

_EDGES = (0.0, *CLASS_RATIOS, 1.0)
_BANDS = ((0.0, 0.5), (0.5, 0.9), (0.9, 0.99), (0.99, 0.999), (0.999, 1.0))
_MIDDLE = (0.4, 0.6)

_LEAST_DIFFERENCE = 0.05
"""Attributes whose share differs by less are not named, however certain the difference is."""

_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class PartMean:
    """A part in a band: the mean over all split requests of the band, in ns.

    ``request_ratio`` of them spent any time on it.
    """

    part: Part
    sum_ns: int
    mean_ns: float
    request_ratio: float


@dataclass(frozen=True, slots=True)
class Band:
    """The requests whose latency is between two percentiles, and the parts of their latency.

    The ``parts`` add up to ``split_mean_ns``, the mean latency of the ``split_count`` requests that
    are split; ``mean_ns`` is that of all ``count``. ``low_ns`` is exclusive, ``high_ns`` inclusive;
    None: no limit.
    """

    label: str
    low_ratio: float
    high_ratio: float
    low_ns: int | None
    high_ns: int | None
    count: int
    mean_ns: float
    split_count: int
    split_mean_ns: float
    span_count: int
    parts: tuple[PartMean, ...]

    def mean_of(self, part: Part) -> float:
        """The mean of a part, 0 if no request of the band spent any time on it."""
        return next((each.mean_ns for each in self.parts if each.part == part), 0.0)

    def request_ratio_of(self, part: Part) -> float:
        """The share of the requests that spent any time on a part."""
        return next((each.request_ratio for each in self.parts if each.part == part), 0.0)


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """A value of an attribute that slow requests have more often, or less often.

    ``tail_ratio`` and ``middle_ratio`` are its shares in the tail and from p40 to p60. ``p_value``
    is that of no difference, of a G-test on as many independent requests as these are worth, after
    Holm's correction.
    """

    attribute: str
    value: str
    tail_ratio: float
    middle_ratio: float
    p_value: float

    @property
    def difference(self) -> float:
        """The share in the tail minus that in the middle."""
        return self.tail_ratio - self.middle_ratio


@dataclass(frozen=True, kw_only=True)
class Attribution(Result):
    """Where the latency of a run comes from.

    ``bands`` has the requests from fast to slow, ``tail`` all that are slower than ``tail_ratio``
    (p99, or p90 of a run with few requests), and ``middle`` those from p40 to p60, with which
    they are compared. ``attributes`` are the values that differ, the largest difference first.
    ``split_count`` requests are split, and ``span_count`` of them are joined with a server span;
    ``cause`` says why the others have none. ``origin`` says in a line what was run where.
    """

    run_id: str
    name: str
    endpoint: str | None
    bands: tuple[Band, ...]
    tail: Band | None
    middle: Band | None
    tail_ratio: float
    attributes: tuple[AttributeDifference, ...]
    tested_count: int
    clock: ClockOffset | None
    trace_ratio: float
    count: int
    split_count: int
    span_count: int
    moved_count: int
    cut_count: int
    n_eff_ratio: float
    cause: str
    origin: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that any band has, in the order of time; spans by their time in the tail."""
        known = {each.part for band in self.bands for each in band.parts}
        fixed = [*CONNECTION_PARTS, *SERVER_PARTS[:2]]
        ends = [SERVER_PARTS[2], *CLIENT_PARTS]
        slowest = self.tail or self.bands[-1] if self.bands else None
        spans = [part for part in known if part not in (*fixed, *ends)]
        if slowest is not None:
            spans.sort(key=lambda part: (-slowest.mean_of(part), part.key))
        return tuple(part for part in (*fixed, *spans, *ends) if part in known)

    def effects(self, band: Band | None = None) -> dict[Part, float]:
        """By how many ns each part is longer in ``band``, by default the tail, than in the middle.

        They add up to the difference of the latencies. The largest is first.
        """
        band = band or self.tail
        if band is None or self.middle is None:
            return {}
        found = {part: band.mean_of(part) - self.middle.mean_of(part) for part in self.parts}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict, in full precision."""
        clock = self.clock
        return {
            "run_id": self.run_id,
            "name": self.name,
            "endpoint": self.endpoint,
            "count": self.count,
            "split_count": self.split_count,
            "span_count": self.span_count,
            "moved_count": self.moved_count,
            "cut_count": self.cut_count,
            "trace_ratio": self.trace_ratio,
            "cause": self.cause or None,
            "clock_offset": None
            if clock is None
            else {
                "estimate_ns": clock.estimate_ns,
                "forward_ns": clock.forward_ns,
                "backward_ns": clock.backward_ns,
                "pair_count": clock.pair_count,
                "applied": clock.applied,
            },
            "bands": [self._band_dict(band) for band in self.bands],
            "middle": None if self.middle is None else self._band_dict(self.middle),
            "tail": None if self.tail is None else self._band_dict(self.tail),
            "attributes": [
                {
                    "attribute": each.attribute,
                    "value": each.value,
                    "tail_ratio": each.tail_ratio,
                    "middle_ratio": each.middle_ratio,
                    "p_value": each.p_value,
                }
                for each in self.attributes
            ],
        }

    def _band_dict(self, band: Band) -> dict[str, Any]:
        effects = self.effects(band)
        return {
            "band": band.label,
            "low_ratio": band.low_ratio,
            "high_ratio": band.high_ratio,
            "low_ns": band.low_ns,
            "high_ns": band.high_ns,
            "count": band.count,
            "mean_ns": band.mean_ns,
            "split_count": band.split_count,
            "split_mean_ns": band.split_mean_ns,
            "span_count": band.span_count,
            "parts": {
                each.part.key: {
                    "mean_ns": each.mean_ns,
                    "sum_ns": each.sum_ns,
                    "request_ratio": each.request_ratio,
                    "effect_ns": effects.get(each.part),
                }
                for each in band.parts
            },
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row per band and part: band, part, count, mean_ms, effect_ms, share, request_ratio."""
        import pandas as pd

        rows = []
        for band in self.bands:
            effects = self.effects(band)
            rows += [
                {
                    "band": band.label,
                    "part": each.part.label,
                    "count": band.split_count,
                    "mean_ms": each.mean_ns / NS_PER_MS,
                    "effect_ms": effects.get(each.part, math.nan) / NS_PER_MS,
                    "share": each.mean_ns / band.split_mean_ns if band.split_mean_ns else 0.0,
                    "request_ratio": each.request_ratio,
                }
                for each in band.parts
            ]
        columns = ["band", "part", "count", "mean_ms", "effect_ms", "share", "request_ratio"]
        return pd.DataFrame(rows, columns=columns)


def attribution_of(counted: LatencyParts, *, force: bool = False, origin: str = "") -> Attribution:
    """What the counts of a run say about its latency; ``origin`` is that of the run.

    The requests of a run depend on each other, so each test of an attribute counts them as the
    independent requests that they are worth (a design effect, as of Rao and Scott, Annals of
    Statistics 12, 1984), and Holm's correction covers all tests.

    Raises:
        InvalidRunError: the run is not valid, unless ``force``.
    """
    if counted.verdict not in ("valid", "imported") and not force:
        raise InvalidRunError(
            f"run {counted.run_id} is {counted.verdict}: {counted.invalid_reason}",
            remedy="attribute its latency nevertheless with force=True, or --force",
        )
    whole = reduce(add, counted.classes, LatencyClass())
    tail = _band(counted, counted.tail_ratio, 1.0)
    middle = _band(counted, *_MIDDLE)
    attributes, tested = _differences(counted)
    return Attribution(
        run_id=counted.run_id,
        name=counted.name,
        endpoint=counted.endpoint,
        bands=tuple(band for edges in _BANDS if (band := _band(counted, *edges)) is not None),
        tail=tail,
        middle=middle,
        tail_ratio=counted.tail_ratio,
        attributes=attributes,
        tested_count=tested,
        clock=counted.clock,
        trace_ratio=counted.trace_ratio,
        count=whole.count,
        split_count=whole.split_count,
        span_count=whole.span_count,
        moved_count=whole.moved_count,
        cut_count=whole.cut_count,
        n_eff_ratio=counted.effective_ratio,
        cause=counted.cause,
        origin=origin,
    )


def _band(counted: LatencyParts, low: float, high: float) -> Band | None:
    """The band between two percentiles; None without requests."""
    first, end = _EDGES.index(low), _EDGES.index(high)
    held = reduce(add, counted.classes[first:end], LatencyClass())
    if not held.count:
        return None
    thresholds = counted.thresholds_ns
    return Band(
        label=f"p{_percent(low)}–{_percent(high)}",
        low_ratio=low,
        high_ratio=high,
        low_ns=None if low == 0 else thresholds[first - 1],
        high_ns=None if high == 1 else thresholds[end - 1],
        count=held.count,
        mean_ns=held.latency_sum_ns / held.count,
        split_count=held.split_count,
        split_mean_ns=held.split_latency_sum_ns / held.split_count if held.split_count else 0.0,
        span_count=held.span_count,
        parts=tuple(_means(held)),
    )


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.4g}"


def _means(held: LatencyClass) -> Iterator[PartMean]:
    if not held.split_count:
        return
    sums = [
        (part, held.sums[part.key])
        for part in (*CONNECTION_PARTS, *SERVER_PARTS, *CLIENT_PARTS)
        if part.key in held.sums
    ]
    sums += [
        (Part(f"span:{service}/{name}", f"{service} · {name}", "service"), total)
        for (service, name), total in sorted(held.spans.items())
    ]
    for part, total in sums:
        mean_ns, share = (value / held.split_count for value in total)
        yield PartMean(part, total.sum_ns, mean_ns, share)


def _differences(counted: LatencyParts) -> tuple[tuple[AttributeDifference, ...], int]:
    """The differences that are certain and large enough, and how many were tested."""
    found = []
    for attribute, value, of_span, tail, middle in counted.attributes:
        tail_count = counted.traced_tail_count if of_span else counted.tail_count
        middle_count = counted.traced_middle_count if of_span else counted.middle_count
        if not (tail_count and middle_count):
            continue
        if (tail, middle) in ((tail_count, middle_count), (0, 0)):
            continue  # every request has it
        p_value = _g_test(tail, tail_count, middle, middle_count, counted.effective_ratio)
        found.append((attribute, value, tail / tail_count, middle / middle_count, p_value))
    adjusted = holm([each[-1] for each in found]) if found else []
    differences = [
        AttributeDifference(*each[:4], p_value)
        for each, p_value in zip(found, adjusted, strict=True)
    ]
    certain = [
        each
        for each in differences
        if each.p_value <= _LEVEL and abs(each.difference) >= _LEAST_DIFFERENCE
    ]
    certain.sort(key=lambda each: (-abs(each.difference), -each.difference, each.attribute))
    return tuple(certain), len(found)


def _g_test(
    tail: int, tail_count: int, middle: int, middle_count: int, effective_ratio: float
) -> float:
    """The p-value of the same share in both, by the likelihood ratio with one degree of freedom."""
    total = tail_count + middle_count
    g = 0.0
    for both, cells in (
        (tail + middle, (tail, middle)),
        (total - tail - middle, (tail_count - tail, middle_count - middle)),
    ):
        for observed, count in zip(cells, (tail_count, middle_count), strict=True):
            if observed:
                g += 2 * observed * math.log(observed * total / (both * count))
    return math.erfc(math.sqrt(max(0.0, g * effective_ratio) / 2))
