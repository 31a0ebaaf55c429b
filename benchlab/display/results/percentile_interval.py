"""A percentile with its interval, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.samples.percentile_interval import PercentileInterval
from benchlab.units import format_count, format_ns

__all__ = ["view"]


def view(result: PercentileInterval) -> ResultView:
    """The percentile, its limits, and what they rest on."""
    level = f"{100 * result.level:g} %"
    sentence = f"too few requests for a {level} interval"
    if result.is_two_sided:
        sentence = f"{level} interval {result.describe()}"
    elif result.low_ns is not None:
        sentence = f"too few independent requests for an upper limit; {level} lower bound only:"
        sentence += f" {result.describe()}"
    return ResultView(
        title=f"p{100 * result.ratio:.10g}",
        banner="no samples" if result.value_ns is None else format_ns(result.value_ns),
        level="neutral",
        sentence=sentence,
        facts=(
            ("requests", format_count(result.count)),
            ("n_eff", f"{result.n_eff:,.0f}" if result.n_eff else "–"),
        ),
    )
