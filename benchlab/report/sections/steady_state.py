"""Whether the run was steady, Little's law, and the kinds of requests in its latency."""

from __future__ import annotations

from markupsafe import Markup

from benchlab import plots
from benchlab.display.results.modes import modes_table
from benchlab.display.results.steady_state import STEADY_LEVELS, steady_facts
from benchlab.display.table import Table
from benchlab.plots.canvas import open_axes
from benchlab.report.figures import inline_svg
from benchlab.report.page import Section
from benchlab.report.sections.setup import Fact
from benchlab.runs.run import Run
from benchlab.units import format_ms, format_rate

__all__ = ["steady_state"]

_SIZE = (10.0, 2.9)


def steady_state(run: Run) -> Section | None:
    """The verdict with its reason, and what else says how far one number describes the run.

    None if nothing was measured.
    """
    if not len(run.measured):
        return None
    found, modes = run.steady_state(), run.modes()
    shifts = [f"× {shift.ratio:.3g} at {shift.at_s:.4g} s" for shift in found.level_shifts]
    figure = Markup("")
    if found.batch_count:
        drawn = plots.steady_state(run, open_axes(None, _SIZE))
        described = f"Level of the latency over time. {found.verdict}: {found.why}."
        figure = inline_svg(drawn, "steady_state", described)
    return Section(
        "steady_state",
        {
            "figure": figure,
            "verdict": found.verdict,
            "level": STEADY_LEVELS[found.verdict],
            "why": found.why,
            "facts": [
                *(Fact(name, [text]) for name, text in steady_facts(found)),
                *([Fact("level shifts", shifts)] if shifts else []),
            ],
            "little": _little(run),
            "modes": modes_table(modes) if modes.several else Table([]),
        },
    )


def _little(run: Run) -> str:
    law = run.littles_law
    if law is None:
        return ""
    noun = run.plan.sample_noun
    broken = "" if law.holds else "; the law does not hold, see the warning"
    return (
        f"Little’s law: on average {law.concurrency:,.3g} {noun}s were in flight, and"
        f" {format_rate(law.rate_rps, noun)} × {format_ms(round(law.mean_latency_ns))} mean latency"
        f" = {law.product:,.3g}{broken}"
    )
