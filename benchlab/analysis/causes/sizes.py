"""Payload size as a cause: latency grows by some ns for each byte of the request or response."""

from __future__ import annotations

import numpy as np

from benchlab.analysis.causes import thresholds as limit
from benchlab.analysis.causes.cause import Evidence
from benchlab.analysis.causes.finding import Finding
from benchlab.analysis.causes.requests import Floats, Mask, Requests
from benchlab.units import format_bytes, format_ms

__all__ = ["line_through_sizes", "payload_size"]


def payload_size(requests: Requests, calm: Mask) -> Finding | None:
    """A line through the median latencies by size fits, and is steep enough to matter."""
    chosen = calm & ~requests.failed
    best: Finding | None = None
    best_fit = limit.SIZE_FIT
    for side, sizes in (("response", requests.bytes_in), ("request", requests.bytes_out)):
        found = [
            line
            for quantile in limit.SIZE_QUANTILES
            if (line := line_through_sizes(sizes[chosen], requests.service[chosen], quantile))
        ]
        if not found:
            continue
        slope, fit = max(found, key=lambda line: line[1])
        smallest = float(sizes[chosen].min())
        spread = slope * (float(np.quantile(sizes[chosen], 0.995)) - smallest)
        if fit < best_fit or spread < 0.1 * requests.median:
            continue
        explained = np.where(requests.failed, 0.0, slope * (sizes - smallest))
        typical = slope * (float(np.median(sizes[chosen])) - smallest)
        text = (
            f"each byte of the {side} takes {slope:.3g} ns: {format_ms(round(spread))} between"
            f" {format_bytes(smallest)} and {format_bytes(float(sizes[chosen].max()))}"
        )
        numbers = {"ns_per_byte": slope, "fit_ratio": fit, "spread_ns": spread}
        best_fit = fit
        best = Finding(
            "payload_size",
            explained,
            (Evidence(text, numbers),),
            "sizes",
            "send less (pages, fields, compression), or process it in a stream; compare the cost"
            " per byte with that of copying, below 1 ns",
            typical_ns=typical,
        )
    return best


def line_through_sizes(
    sizes: Floats, took: Floats, quantile: float = 0.5
) -> tuple[float, float] | None:
    """Slope in ns per byte of the medians by size, and the share of their variance it explains.

    Another ``quantile`` than the median, where something else makes many of a size slower. None if
    the sizes are too alike, or latency does not grow with them. The medians are those of up to
    `SIZE_BINS` groups of equal numbers, weighted by their numbers.
    """
    if len(sizes) < limit.FEWEST or sizes.max() < limit.SIZE_SPREAD * max(sizes.min(), 64.0):
        return None
    values, place, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    if len(values) > limit.SIZE_BINS:
        middle = np.cumsum(counts) - counts / 2
        group = np.minimum((middle / len(sizes) * limit.SIZE_BINS).astype(int), limit.SIZE_BINS - 1)
        place = group[place]
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    edges = np.flatnonzero(np.diff(ordered, prepend=-1))
    parts = np.split(order, edges[1:])
    parts = [part for part in parts if len(part) >= 5]
    if len(parts) < 4:
        return None
    at = np.array([sizes[part].mean() for part in parts])
    level = np.array([np.quantile(took[part], quantile) for part in parts])
    weight = np.sqrt([len(part) for part in parts])
    slope, start = np.polyfit(at, level, 1, w=np.sqrt(weight))
    if slope <= 0:
        return None
    centre = np.average(level, weights=weight)
    left = np.average((level - start - slope * at) ** 2, weights=weight)
    whole = np.average((level - centre) ** 2, weights=weight)
    return float(slope), float(1 - left / max(whole, 1e-9))
