"""Little's law in a run, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.runs.littles_law import LittlesLaw
from benchlab.units import format_ns, format_rate

__all__ = ["view"]


def view(result: LittlesLaw) -> ResultView:
    """Whether it holds, and both sides of it."""
    return ResultView(
        title="Little's law",
        banner="holds" if result.holds else "does not hold",
        level="good" if result.holds else "caution",
        sentence=result.violation,
        facts=(
            (f"{result.noun}s in flight", f"{result.concurrency:,.4g}"),
            (
                "rate × mean latency",
                f"{format_rate(result.rate_rps, result.noun)} ×"
                f" {format_ns(result.mean_latency_ns)} = {result.product:,.4g}",
            ),
        ),
    )
