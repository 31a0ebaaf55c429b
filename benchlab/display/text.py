"""Sentences about a run: how long it measured, what its verdict means, what its floor is; and about
what a plan replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchlab.plan.recording.skipped import describe_skipped
from benchlab.runs.cluster import machines_of
from benchlab.runs.origin import machine_text
from benchlab.runs.verdict import reached_request_count
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_S, format_ms, format_rate, format_share, format_time_s

if TYPE_CHECKING:
    from benchlab.plan.plan import Plan
    from benchlab.runs.run import Run

__all__ = [
    "floor_text",
    "host_text",
    "largest_shares",
    "recorded_lines",
    "steadiness_hints",
    "verdict_meaning",
    "window_text",
]

_NAMED = 4
_SHORT_S = 100
_NAME_LENGTH = 60

_FEWEST = 400  # samples; fewer give no hint, and what looks for one need not be imported


def window_text(run: Run) -> str:
    """How long was measured, or how many requests, after how long a warm-up."""
    plan = run.plan
    after = f"after {plan.warmup_s:g} s of warm-up" if plan.warmup_s else "without a warm-up"
    start_ns, end_ns = run.window_ns
    length = f"{(end_ns - start_ns) / NS_PER_S:.3g} s"
    if plan.request_count is not None:
        count, noun = run.scheduled_count, plan.scheduled_noun
        if reached_request_count(plan, run.samples):
            return f"{plural(count, noun)} measured in {length} {after}"
        why = "the time was up" if run.stopped_ns is None else "the run was stopped"
        planned = plural(plan.request_count, noun)
        return f"{count:,} of {planned} measured {after}: then {why}"
    if run.stopped_ns is None:
        return f"{plan.length_s:g} s measured {after}"
    return f"{length} measured {after}, then stopped early: {plan.length_s:g} s were planned"


def recorded_lines(plan: Plan) -> list[str]:
    """What a plan replays, what of the recording it leaves out, and what else to know of it.

    Empty for a plan that sends nothing recorded.
    """
    recorded = plan.recorded
    if recorded is None:
        return []
    count, length_s = len(recorded), plan.load.duration_s or plan.length_s
    speed = "" if recorded.speed == 1 else f", {recorded.speed:g} × as fast"
    peak = f", at most {plan.load.highest_rps:,.0f} in a second" if plan.load.highest_rps else ""
    time = format_time_s(length_s) if length_s >= _SHORT_S else f"{length_s:.3g} s"
    lines = [
        f"replay of {one_line(recorded.source, _NAME_LENGTH * 2)}{speed}:"
        f" {plural(count, 'request')} in {time},"
        f" {format_rate(count / length_s)} on average{peak}",
    ]
    if skipped := describe_skipped(recorded.skipped):
        lines.append(f"left out: {', '.join(skipped)}")
    return [*lines, *(f"note: {note}" for note in recorded.notes)]


def largest_shares(plan: Plan) -> str:
    """The endpoints with the largest shares of a plan's requests, and how many more there are."""
    whole = sum(request.weight for request in plan.requests)
    ordered = sorted(plan.requests, key=lambda request: -request.weight)
    shown = [
        f"{one_line(request.name, _NAME_LENGTH)} {format_share(request.weight / whole)}"
        for request in ordered[:_NAMED]
    ]
    more = len(ordered) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def verdict_meaning(run: Run) -> str:
    """What the verdict means for the use of the numbers."""
    if run.verdict == "valid":
        if not run.plan.load.has_schedule:
            return (
                "The load generator had capacity to spare,"
                " so these numbers describe the service and the network to it."
            )
        return (
            "The load generator kept its schedule,"
            " so these numbers describe the service and the network to it."
        )
    if run.verdict == "interrupted":
        return "The run did not reach its end. Compare its numbers with care, if at all."
    if run.verdict == "degraded":
        return (
            "Some workers of the cluster were lost: the service got less load than planned, and"
            " the numbers are of the requests of the others."
        )
    if run.verdict == "imported":
        return (
            "Another tool measured this. Requests are counted as in any run, but its times leave"
            " out any wait before sending, and whether its generator kept up is not known."
        )
    return "Do not take these numbers as a measurement of the service."


def floor_text(run: Run) -> str:
    """The median and the 99th percentile beside what this host adds by itself."""
    if run.floor is None:
        return run.floor_note
    floor, latency = run.floor.under(run.plan.load), run.summary.latency_ns
    when = f"{run.floor.measured_at:%Y-%m-%d}{' under interference' if run.floor.warnings else ''}"
    if machines_of(run.environment):
        when += f" on {run.floor.host.get('host')}, the host that adds the most"
    if latency is None:
        return f"floor {format_ms(floor.p50)} at p50, calibrated {when}"
    return (
        f"p50 {format_ms(latency.p50)}, floor {format_ms(floor.p50)};"
        f" p99 {format_ms(latency.p99)}, floor {format_ms(floor.p99)} (calibrated {when})"
    )


def host_text(run: Run) -> str:
    """The name of the machine that made the load, or what a cluster's are; empty if unknown."""
    if machines_of(run.environment):
        return machine_text(run.environment)
    return str(run.environment.get("host", ""))


def steadiness_hints(run: Run) -> tuple[str, ...]:
    """What one number for the whole run would hide, a sentence each; empty for most runs."""
    if run.verdict not in ("valid", "imported") or len(run.samples) < _FEWEST:
        return ()
    found, steady = [], run.steady_state()
    if steady.verdict.startswith("drifting") or steady.level_shifts:
        found.append(steady.why)
    elif steady.start_s is not None and steady.start_s > run.plan.warmup_s:
        found.append(
            f"latency settles until {steady.start_s:.3g} s, and the warm-up ends at"
            f" {run.plan.warmup_s:g} s: use --warmup {steady.warmup_s:g}s"
        )
    # Endpoints differ from each other, so that together they nearly always have several modes.
    if len(set(run.samples.endpoints)) == 1 and run.modes().several:
        found.append(run.modes().hint)
    return tuple(found)
