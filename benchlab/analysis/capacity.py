"""The capacity of a service: the highest rate at which it meets its objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchlab.analysis.capacity_search import CapacitySearch
from benchlab.analysis.probe import Probe
from benchlab.displayed import Result
from benchlab.statistics.falling_curve import falling_curve
from benchlab.text import plural

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WIDE_RATIO", "Capacity", "CurvePoint", "Limit", "conclude"]

Limit = Literal["service", "generator", "budget", "none"]
"""What bounds the capacity from above: the service gave way, the load generator did, the budget
ended before it was found, or nothing up to the highest rate allowed."""

WIDE_RATIO = 1.25
"""An interval that is wider than this, high ÷ low, is limited by the budget."""

_SEEN_BY_SERVICE = 1.1
_NEAR_RATIO = 1.05


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The share of requests within the objectives at a rate, as fitted, with its 95 % interval."""

    rate_rps: float
    attained_ratio: float
    attained_low: float
    attained_high: float


@dataclass(frozen=True, kw_only=True)
class Capacity(Result):
    """How much load a service takes while it meets its objectives.

    ``rate_rps`` is the estimate, and ``rate_low`` to ``rate_high`` its 95 % interval, in requests/s
    (iterations/s of a scenario). Without a good probe ``rate_rps`` is None and ``rate_low`` 0.
    ``rate_high`` is None where the service may take more than was, or could be, sent: then
    ``rate_rps`` is the highest rate that was good, and ``limited_by`` says what stopped the search.

    ``low_set_by`` and ``high_set_by`` are the objectives that set the bounds. ``arrivals``
    describes how the requests of a probe were spaced. ``recovers_at_rps`` is None, unless the
    service ``stays_bad`` after an overload and was good again at that rate. ``origin`` says in a
    line what was run where.
    """

    rate_rps: float | None
    rate_low: float
    rate_high: float | None
    limited_by: Limit
    objective: str
    probes: tuple[Probe, ...]
    curve: tuple[CurvePoint, ...]
    arrivals: str = ""
    name: str = ""
    required_ratio: float = 0.99
    limit_ns: float | None = None
    low_set_by: str = ""
    high_set_by: str = ""
    stays_bad: bool = False
    recovers_at_rps: float | None = None
    warnings: tuple[str, ...] = ()
    took_s: float = 0.0
    budget_s: float = 0.0
    experiment_id: str = ""
    origin: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON-ready dict."""
        return {
            "rate_rps": self.rate_rps,
            "rate_low": self.rate_low,
            "rate_high": self.rate_high,
            "limited_by": self.limited_by,
            "objective": self.objective,
            "probes": [
                {
                    "rate_rps": probe.rate_rps,
                    "duration_s": probe.duration_s,
                    "attained_ratio": probe.attained_ratio,
                    "decision": probe.decision,
                    "verdict": probe.verdict,
                    "limited_by": probe.culprit or None,
                    "reason": probe.reason or None,
                    "run_id": probe.run_id or None,
                }
                for probe in self.probes
            ],
            "curve": [asdict(point) for point in self.curve],
            "arrivals": self.arrivals,
            "low_set_by": self.low_set_by or None,
            "high_set_by": self.high_set_by or None,
            "stays_bad_after_overload": self.stays_bad,
            "recovers_at_rps": self.recovers_at_rps,
            "warnings": list(self.warnings),
            "budget_s": self.budget_s,
            "took_s": self.took_s,
            "experiment_id": self.experiment_id or None,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row per probe, in the order in which they were made; durations in ms."""
        import pandas as pd

        frame = pd.DataFrame(
            [asdict(probe) for probe in self.probes], columns=[item.name for item in fields(Probe)]
        )
        for name in ("latency", "p50", "service"):
            column = frame.pop(f"{name}_ns")
            frame[f"{name}_ms"] = pd.to_numeric(column, errors="coerce") / 1e6
        return frame


def conclude(
    search: CapacitySearch,
    *,
    arrivals: str = "",
    name: str = "",
    took_s: float = 0.0,
    experiment_id: str = "",
    origin: str = "",
    warnings: Sequence[str] = (),
) -> Capacity:
    """What ``search`` has found so far, which is honest at any time: the interval is as wide as it
    is."""
    rate_rps, low, high, limited_by = _answer(search)
    requirements = search.requirements
    first = next((item for item in requirements if item.limit_ns is not None), requirements[0])
    used = [item for item in search.used_probes if item.is_as_asked and item.count]
    curve = falling_curve(
        np.array([item.rate_rps for item in used]),
        np.array([item.attained_ratio for item in used], dtype=np.float64),
        np.array([item.n_eff for item in used]),
    )
    return Capacity(
        rate_rps=rate_rps,
        rate_low=low,
        rate_high=high,
        limited_by=limited_by,
        objective=search.objective_text,
        probes=tuple(search.probes),
        curve=tuple(CurvePoint(*row) for row in curve),
        arrivals=arrivals,
        name=name,
        required_ratio=first.ratio,
        limit_ns=first.limit_ns,
        low_set_by=_low_set_by(search.probes),
        high_set_by=_high_set_by(search.probes, low),
        stays_bad=search.stays_bad,
        recovers_at_rps=search.recovered_rps if search.stays_bad else None,
        warnings=(*_warnings(search, low, high, limited_by), *warnings),
        took_s=took_s,
        budget_s=search.budget_s,
        experiment_id=experiment_id,
        origin=origin,
    )


def _answer(search: CapacitySearch) -> tuple[float | None, float, float | None, Limit]:
    probes = search.probes
    good = [item.rate_rps for item in probes if item.decision == "good"]
    has_bad = any(item.decision == "bad" for item in probes)
    has_fault = not all(item.is_as_asked for item in search.used_probes)
    threshold, service = search.threshold, search.service_threshold
    low, high = search.interval()
    if not good:
        limit: Limit = "service" if has_bad else "generator" if has_fault else "budget"
        if limit == "service" and any(
            item.is_as_asked and item.probability > 0.5 for item in probes
        ):
            limit = "budget"  # some were good as far as they went
        return None, 0.0, service.quantile(0.975) if has_bad else None, limit
    if search.stays_bad:
        overload = min(item.rate_rps for item in search.used_probes if item.decision == "bad")
        high = min(high, max(overload, *good))
        best = min(threshold.quantile(0.5), high)
        return best, min(search.recovered_rps or 0.0, low), high, "service"
    if low > search.highest_rps or not (has_bad or has_fault):
        best = max(good)
        return best, best, None, "none" if best >= search.highest_rps else "budget"
    if has_fault and (not has_bad or service.quantile(0.975) > _SEEN_BY_SERVICE * high):
        best = max((rate for rate in good if rate <= high), default=min(good))
        return best, min(low, best), None, "generator"
    limit = "budget" if high / low > WIDE_RATIO else "service"
    return threshold.quantile(0.5), low, high, limit


def _low_set_by(probes: Sequence[Probe]) -> str:
    good = [item for item in probes if item.decision == "good"]
    return max(good, key=lambda item: item.rate_rps).objective if good else ""


def _high_set_by(probes: Sequence[Probe], low: float) -> str:
    bad = [item for item in probes if item.decision == "bad" and item.rate_rps >= low]
    return min(bad, key=lambda item: item.rate_rps).objective if bad else ""


def _warnings(
    search: CapacitySearch, low: float, high: float | None, limited_by: Limit
) -> list[str]:
    found = []
    probes = search.probes
    faults = [item for item in probes if not item.is_as_asked]
    if limited_by == "generator":
        found.append(
            f"this is the limit of the load generator, not of the service: {faults[-1].reason}"
        )
    elif faults:
        found.append(
            f"{plural(len(faults), 'probe')} of {len(probes)} not used, because something disturbed"
            f" the load generator: {faults[-1].reason}"
        )
    if search.stays_bad:
        again = search.recovered_rps
        found.append(
            "the service does not recover from an overload by itself: rates that were good before"
            f" it stayed bad, {f'down to {again:,.4g} requests/s' if again else 'at every rate'}"
        )
        return found
    if hole := _hole(probes):
        found.append(
            f"more load was not always worse: {hole:,.4g} requests/s was bad more than once, and"
            " higher rates were good; the capacity is that of the rates probed"
        )
    below = [item for item in probes if item.rate_rps < low and item.decision != "undecided"]
    spoiled = [item for item in below if item.decision == "bad"]
    if spoiled and not hole:
        found.append(
            f"{plural(len(spoiled), 'probe')} of {len(below)} below the interval were bad:"
            " something disturbed them, or the service is not steady"
        )
    if limited_by == "budget" and high is not None:
        found.append(f"the interval is wide: a larger budget than {search.budget_s:g} s narrows it")
    return found


def _hole(probes: Sequence[Probe]) -> float | None:
    """A rate that was bad at least twice and never good, with two good probes above it."""
    for item in probes:
        if item.decision != "bad" or item.kind == "descend":
            continue
        near = [
            other.decision
            for other in probes
            if 1 / _NEAR_RATIO < other.rate_rps / item.rate_rps < _NEAR_RATIO
        ]
        above = [
            other
            for other in probes
            if other.decision == "good" and other.rate_rps > _NEAR_RATIO * item.rate_rps
        ]
        if near.count("bad") > 1 and "good" not in near and len(above) > 1:
            return item.rate_rps
    return None
