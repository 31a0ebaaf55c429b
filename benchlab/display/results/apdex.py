"""The Apdex of a run, as people see it."""

from __future__ import annotations

from benchlab.display.banner import Level
from benchlab.display.result_view import ResultView
from benchlab.runs.apdex import TOLERATED, Apdex
from benchlab.units import format_count, format_ns

__all__ = ["view"]

_LEVELS: dict[str, Level] = {
    "": "neutral",
    "excellent": "good",
    "good": "good",
    "fair": "caution",
    "poor": "bad",
    "unacceptable": "bad",
}


def view(result: Apdex) -> ResultView:
    """Score, target and counts."""
    of = f" of {result.endpoint}" if result.endpoint is not None else ""
    target = format_ns(result.target_ns)
    interval = ""
    if result.score_low is not None and result.score_high is not None:
        interval = f", 95 % interval {result.score_low:.3f} to {result.score_high:.3f}"
    return ResultView(
        title=f"Apdex{of}",
        banner=f"{result.notation} {result.rating}".rstrip(),
        level=_LEVELS[result.rating],
        sentence="no request was measured"
        if result.score is None
        else f"target {target}{interval}",
        facts=(
            (f"satisfied (up to {target})", format_count(result.satisfied_count)),
            (
                f"tolerating (up to {format_ns(TOLERATED * result.target_ns)})",
                format_count(result.tolerating_count),
            ),
            ("frustrated (slower or failed)", format_count(result.frustrated_count)),
        ),
        notes=(f"target: {result.source}",),
    )
