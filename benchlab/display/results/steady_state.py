"""Whether a run was steady, as people see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchlab.display.banner import Level
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.runs.steady_state import SteadyState, SteadyStateVerdict
from benchlab.units import format_ms

__all__ = ["STEADY_LEVELS", "steady_facts", "view"]

STEADY_LEVELS: Final[Mapping[SteadyStateVerdict, Level]] = {
    "plateau": "good",
    "drifting up": "bad",
    "drifting down": "caution",
    "none": "neutral",
}


def view(result: SteadyState) -> ResultView:
    """Verdict, plateau and level shifts."""
    of = f" of {result.endpoint}" if result.endpoint is not None else ""
    level = STEADY_LEVELS[result.verdict]
    return ResultView(
        title=f"Steady state{of}",
        banner=result.verdict,
        level="caution" if result.level_shifts and level == "good" else level,
        sentence=result.why,
        facts=steady_facts(result),
        tables=(_shifts(result),),
        notes=(
            f"latency in {result.batch_count} batches of {result.batch_s:.3g} s, warm-up included",
        )
        if result.batch_count
        else (),
    )


def steady_facts(result: SteadyState) -> tuple[tuple[str, str], ...]:
    """The plateau, its median and the warm-up to use; empty without a plateau."""
    if result.start_s is None or result.end_s is None or result.median_ns is None:
        return ()
    median = format_ms(result.median_ns)
    if result.median_low_ns is not None and result.median_high_ns is not None:
        median += (
            f" ({result.level:.0%} interval {format_ms(result.median_low_ns)} to"
            f" {format_ms(result.median_high_ns)})"
        ).replace("%", " %")
    return (
        ("plateau", f"{result.start_s:.4g} s to {result.end_s:.4g} s"),
        ("median there", median),
        ("warm-up to use", f"{result.warmup_s:g} s"),
    )


def _shifts(result: SteadyState) -> Table:
    rows = [[f"{shift.at_s:.4g} s", f"{shift.ratio:.3g}"] for shift in result.level_shifts]
    return Table(["level shift at", "new level ÷ old"], rows, title="Level shifts")
