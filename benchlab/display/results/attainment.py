"""The attainment of an objective, as people see it."""

from __future__ import annotations

from benchlab.display.banner import Level
from benchlab.display.result_view import ResultView
from benchlab.runs.attainment import Attainment
from benchlab.text import plural
from benchlab.units import format_ratio

__all__ = ["view"]


def view(result: Attainment) -> ResultView:
    """Shares of requests and of windows, and the worst window."""
    met = result.met_ratio
    level: Level = "neutral" if met is None else "good" if met == 1 else "bad"
    facts = []
    if result.within_ratio is not None:
        share = format_ratio(result.within_ratio)
        if result.within_low is not None and result.within_high is not None:
            share += (
                f" (95 % interval {format_ratio(result.within_low)} to"
                f" {format_ratio(result.within_high)})"
            )
        needed = "" if result.needed_ratio is None else f"; {result.needed_ratio:.4%} are needed"
        needed = needed.replace(".0000%", " %").replace("%", " %").replace("  ", " ")
        facts.append(("requests within the limit", share + needed))
    if met is None:
        sentence = f"no window of {result.window_s:g} s was complete"
    else:
        sentence = (
            f"met in {result.met_count:,} of {plural(result.window_count, 'window')} of"
            f" {result.window_s:g} s"
        )
        if result.worst_start_s is not None:
            facts.append(("worst window from", f"{result.worst_start_s:.6g} s"))
    return ResultView(
        title=f"Attainment of {result.objective}",
        banner="–" if met is None else format_ratio(met),
        level=level,
        sentence=sentence,
        facts=tuple(facts),
    )
