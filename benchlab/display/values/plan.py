"""A plan, as people see it: what is sent, how often, for how long, and what must hold."""

from __future__ import annotations

import math

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.display.text import recorded_lines
from benchlab.display.values.fault import planned_table
from benchlab.display.values.load import rate_table
from benchlab.display.values.transport import changed_settings
from benchlab.plan.plan import Plan
from benchlab.text import plural
from benchlab.units import format_count, format_ratio

__all__ = ["view"]

_REQUESTS_SHOWN = 25
_MOST_COUNTED = 5_000_000  # counting more takes longer than people wait for a cell


def view(plan: Plan) -> ResultView:
    """The plan in a sentence, its requests, its objectives and its limits."""
    return ResultView(
        title=plan.name,
        banner="plan",
        level="neutral",
        sentence=plan.describe(),
        facts=_facts(plan),
        tables=(
            rate_table(plan.load),
            _requests(plan),
            _objectives(plan),
            planned_table(plan.faults),
        ),
        notes=_notes(plan),
    )


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    at_most = min((plan.load.highest_rps or 0) * plan.length_s, plan.request_count or math.inf)
    planned = plan.intended_count() if at_most <= _MOST_COUNTED else None
    return (
        *((("planned", plural(planned, plan.scheduled_noun)),) if planned is not None else ()),
        ("connections at most", format_count(plan.most_connections)),
        *((("streams per connection", format_count(plan.streams)),) if plan.streams > 1 else ()),
        ("workers", format_count(plan.workers)),
        ("driver", plan.driver),
        ("time limit of a request", f"{plan.timeout_s:g} s"),
        *((("traced", format_ratio(plan.trace_ratio)),) if plan.trace_ratio else ()),
    )


def _requests(plan: Plan) -> Table:
    """A row per request of the plan, as far as there is room."""
    if plan.scenario is not None:
        rows = [[name, "step"] for name in plan.scenario.steps]
        return Table(["step", "kind"], rows[:_REQUESTS_SHOWN], note=_more(len(rows)))
    whole = sum(request.weight for request in plan.requests)
    rows = [
        [
            name,
            request.describe(),
            format_ratio(request.weight / whole),
            plural(len(request.checks), "check") if request.checks else "–",
        ]
        for name, request in zip(plan.endpoint_names, plan.requests, strict=True)
    ]
    head = ["endpoint", "request", "share", "checks"]
    return Table(head, rows[:_REQUESTS_SHOWN], note=_more(len(rows)))


def _more(count: int) -> str:
    hidden = count - _REQUESTS_SHOWN
    return f"and {hidden:,} more: see plan.requests" if hidden > 0 else ""


def _objectives(plan: Plan) -> Table:
    rows = [[objective.text, "must hold"] for objective in plan.slo]
    rows += [[condition.text, "stops the run"] for condition in plan.abort_on]
    return Table(["objective", "meaning"], rows)


def _notes(plan: Plan) -> tuple[str, ...]:
    notes = recorded_lines(plan)
    if settings := changed_settings(plan.transport):
        notes.append("connections: " + ", ".join(f"{name}={value}" for name, value in settings))
    if plan.tags:
        notes.append("tags: " + ", ".join(f"{name}={value}" for name, value in plan.tags))
    return tuple(notes)
