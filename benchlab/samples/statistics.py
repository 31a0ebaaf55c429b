"""Durations and their statistics: which there are, and how people read their names.

Kept apart from what computes them, so that reading an option or an objective does not import numpy.
"""

from __future__ import annotations

from typing import Final

__all__ = ["DURATIONS", "PERCENTILES", "STATISTICS"]

DURATIONS: Final = ("latency", "service", "lag")
"""What is derived from a sample, in display order; as integers they are called ``latency_ns`` …"""

PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}
"""The percentiles of every summary: key and ratio."""

STATISTICS: Final = {
    "mean": "mean",
    "min": "min",
    **{key: key.replace("_", ".") for key in PERCENTILES},
    "max": "max",
}
"""The statistics of a duration: key and display name, in display order."""
