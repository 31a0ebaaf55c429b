"""Warnings that a comparison adds to its result."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.analysis.comparison import ErrorComparison
from benchlab.analysis.run_statistics import METRICS
from benchlab.units import format_ratio

__all__ = ["demoted_note", "error_notes", "foreign_load_notes"]

_NOTICEABLE = 0.001
_RATE_RATIO = 1.1


def demoted_note(metrics: Sequence[str]) -> list[str]:
    """A warning on verdicts that one metric alone would have had."""
    if not metrics:
        return []
    labels = ", ".join(METRICS[name].label for name in metrics)
    return [
        f"{labels}: inconclusive, since several metrics are looked at besides the primary one"
        " (Holm's correction); to ask about one of them, make it the primary metric"
    ]


def error_notes(errors: ErrorComparison) -> list[str]:
    """A warning if the latencies of failed requests may be what differs."""
    if errors.base is None or errors.new is None:
        return []
    if max(errors.base, errors.new) < _NOTICEABLE or errors.verdict == "same":
        return []
    return [
        f"{format_ratio(errors.base)} of the base's requests failed, and"
        f" {format_ratio(errors.new)} of the new side's: their latencies are included, and requests"
        " that fail fast make a side look fast"
    ]


def foreign_load_notes(tools: Sequence[str], base_rps: float, new_rps: float) -> list[str]:
    """Warnings on imported runs: at other rates, the latencies are those of another load."""
    if not tools:
        return []
    found = [f"imported from {' and '.join(tools)}: whether its load generator kept up is unknown"]
    if max(base_rps, new_rps) > _RATE_RATIO * min(base_rps, new_rps):
        found.append(
            f"the sides were measured at different rates, {base_rps:,.1f} and {new_rps:,.1f}"
            " requests/s: their latencies are those of different loads"
        )
    return found
