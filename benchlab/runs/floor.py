"""The noise floor of a host: what benchlab and the kernel add to a known latency.

``benchlab calibrate`` measures it against a server that reports for how long it really held each
request. Every run carries the floor of the host it was made on, in
``environment["calibration"]``: ``{"floor": …}``, or ``{"note": why there is none}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchlab.decoding import Count, Integer, convert
from benchlab.displayed import Displayed
from benchlab.errors import DamagedError
from benchlab.plan.shapes import LoadShape
from benchlab.samples.summary import Distribution
from benchlab.units import format_ms

__all__ = [
    "BUSY_SERVER_RATIO",
    "CALIBRATION_TAGS",
    "NOT_CALIBRATED",
    "UNREADABLE",
    "Floor",
    "Probe",
    "Timer",
    "fingerprint",
    "floor_note_of",
    "floor_of",
    "mismatch",
]

NOT_CALIBRATED = "not calibrated on this host: run benchlab calibrate"
UNREADABLE = "the stored calibration cannot be read by this benchlab: run benchlab calibrate"

BUSY_SERVER_RATIO = 0.9
"""A worker that used less of its core than this at the maximum rate waited for the server: it could
have sent more."""

CALIBRATION_TAGS = (("benchlab", "calibration"),)
"""Tags of the plans that a calibration runs. Their runs are not stored."""


@dataclass(frozen=True, slots=True)
class Timer:
    """How late the server's timer, ``clock``, expired before the server responded.

    The server corrects the median, and reports for each request how long it really held it.
    """

    clock: str
    late_p50_ns: Integer
    late_p99_ns: Integer
    late_max_ns: Integer


@dataclass(frozen=True, slots=True)
class Probe:
    """What was added to the ``count`` requests that the server should hold for ``hold_ns``.

    ``missed_ns`` is how much longer it held them; ``latency_ns`` and ``service_ns`` are what the
    client measured beyond the time they were really held.
    """

    hold_ns: Count
    count: Count
    missed_ns: Distribution
    latency_ns: Distribution
    service_ns: Distribution


@dataclass(frozen=True, slots=True, repr=False)
class Floor(Displayed):
    """What this host adds to a latency, and how much one worker can do on it.

    ``latency_ns``, ``service_ns`` and ``lag_ns`` are over the ``count`` requests of all probes,
    sent at ``rate_rps`` by one worker as Poisson arrivals. ``max_rate_rps`` is that of a
    closed loop against a server that responds at once, while the worker used
    ``max_rate_cpu_ratio`` of a core.
    ``cores`` describes what ran where, ``warnings`` what makes the numbers doubtful. ``host`` is
    the `fingerprint` of the host that they are valid for.
    """

    measured_at: datetime
    host: Mapping[str, Any]
    quick: bool
    rate_rps: float
    count: Count
    latency_ns: Distribution
    service_ns: Distribution
    lag_ns: Distribution
    probes: tuple[Probe, ...]
    max_rate_rps: float
    max_rate_cpu_ratio: float
    timer: Timer
    cores: str
    warnings: tuple[str, ...] = ()

    def under(self, load: LoadShape) -> Distribution:
        """What the host adds to latencies under ``load``: a closed loop has no lag."""
        return self.service_ns if not load.has_schedule else self.latency_ns

    @property
    def max_rate_is_bound(self) -> bool:
        """Whether ``max_rate_rps`` is a lower bound: the worker was waiting for the server."""
        return self.max_rate_cpu_ratio < BUSY_SERVER_RATIO

    def describe_max_rate(self) -> str:
        """The most that a worker can send, e.g. ``at least 61,234 requests/s``."""
        at_least = "at least " if self.max_rate_is_bound else ""
        return f"{at_least}{self.max_rate_rps:,.0f} requests/s"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "measured_at": self.measured_at.isoformat(),
            "host": dict(self.host),
            "quick": self.quick,
            "rate_rps": self.rate_rps,
            "count": self.count,
            "latency_ns": self.latency_ns.to_dict(),
            "service_ns": self.service_ns.to_dict(),
            "lag_ns": self.lag_ns.to_dict(),
            "probes": [
                {
                    "hold_ns": probe.hold_ns,
                    "count": probe.count,
                    "missed_ns": probe.missed_ns.to_dict(),
                    "latency_ns": probe.latency_ns.to_dict(),
                    "service_ns": probe.service_ns.to_dict(),
                }
                for probe in self.probes
            ],
            "max_rate_rps": self.max_rate_rps,
            "max_rate_cpu_ratio": self.max_rate_cpu_ratio,
            "timer": {name: getattr(self.timer, name) for name in Timer.__slots__},
            "cores": self.cores,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        disturbed = "; with warnings" if self.warnings else ""
        return (
            f"<Floor of {self.host.get('host')}, {self.measured_at:%Y-%m-%d}: latency p50"
            f" {format_ms(self.latency_ns.p50)}, p99 {format_ms(self.latency_ns.p99)};"
            f" {self.describe_max_rate()} of a worker{disturbed}>"
        )


def fingerprint(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a captured environment that a calibration depends on."""
    names = ("host", "cpu_model", "cpu_count", "cpu_usable", "cpu_quota", "kernel", "python")
    version = (environment.get("packages") or {}).get("benchlab")
    return {**{name: environment.get(name) for name in names}, "benchlab": version}


def mismatch(
    floor: Floor, environment: Mapping[str, Any], remedy: str = "run benchlab calibrate"
) -> str:
    """Why ``floor`` does not apply to the host of ``environment``; empty if it applies."""
    here = fingerprint(environment)
    different = [
        f"{name.replace('_', ' ')} {floor.host.get(name)}, here {value}"
        for name, value in here.items()
        if floor.host.get(name) != value
    ]
    if not different:
        return ""
    return f"the calibration was made elsewhere ({'; '.join(different)}): {remedy}"


def floor_of(environment: Mapping[str, Any]) -> Floor | None:
    """The floor in a run's environment; None if there is none, or it cannot be read."""
    carried = environment.get("calibration") or {}
    try:
        return convert(carried.get("floor"), Floor)
    except DamagedError:
        return None


def floor_note_of(environment: Mapping[str, Any]) -> str:
    """Why a run's environment has no floor; empty if it has one."""
    if floor_of(environment) is not None:
        return ""
    carried = environment.get("calibration") or {}
    return UNREADABLE if "floor" in carried else str(carried.get("note") or NOT_CALIBRATED)
