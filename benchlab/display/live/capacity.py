"""A search for a capacity in progress as people see it."""

from __future__ import annotations

from collections.abc import Mapping

from benchlab.analysis.probe import Probe
from benchlab.display.live.live_view import Axis, Chart, Color, LiveView, Mark, Number, Point, Row
from benchlab.display.live.run import run_numbers
from benchlab.display.results.capacity import interval_text, probe_text, rate_text
from benchlab.experiments.capacity_progress import CapacityProgress
from benchlab.units import NS_PER_MS

__all__ = ["capacity_view"]

_COLORS: Mapping[str, Color] = {"good": "good", "bad": "bad", "undecided": "neutral"}


def capacity_view(progress: CapacityProgress) -> LiveView:
    """The state of a search: its probes by rate and latency, and the interval so far."""
    return LiveView(
        title=f"capacity of {progress.title or 'the service'}",
        phase=_phase(progress),
        done_ratio=1.0 if progress.finished else progress.done_ratio,
        done=f"{progress.elapsed_s:.0f}/{progress.budget_s:.0f} s at most",
        left_s=progress.budget_s - progress.elapsed_s,
        numbers=_numbers(progress),
        charts=(_curve(progress),),
        rows=(_last(progress.last),),
        finished=progress.finished,
        stop_requested=progress.run is not None and progress.run.phase == "stopping",
    )


def _phase(progress: CapacityProgress) -> str:
    if progress.finished:
        return "done"
    phase = "" if progress.run is None else f": {progress.run.phase}"
    return f"probe {progress.probe_number}{phase}"


def _numbers(progress: CapacityProgress) -> tuple[Number, ...]:
    _, _, p99, errors, _, _ = run_numbers(progress.run)
    so_far, which = "–", "last probe" if progress.finished else "this probe"
    if progress.low_rps is not None:
        so_far = interval_text(progress.low_rps, progress.high_rps)
    return (
        Number("capacity so far, 95 % interval", so_far, width=2),
        Number(which, f"{rate_text(progress.rate_rps)} requests/s"),
        Number("p99 of it", p99.text),
        Number("errors of it", errors.text, errors.level),
    )


def _curve(progress: CapacityProgress) -> Chart:
    """The latency that the objective is about, over the rate: both axes cover several powers."""
    points = tuple(
        Point(probe.rate_rps, probe.latency_ns / NS_PER_MS, _COLORS[probe.decision])
        for probe in progress.probes
        if probe.latency_ns is not None
    )
    marks = [] if progress.finished else [Mark("this probe", x=progress.rate_rps)]
    marks += (Mark(x=end) for end in (progress.low_rps, progress.high_rps) if end is not None)
    if progress.limit_ns is not None:
        marks.append(Mark(progress.objective, y=progress.limit_ns / NS_PER_MS))
    return Chart(
        title="probes: latency over rate",
        points=points,
        marks=tuple(marks),
        x_axis=Axis("requests/s", log=True),
        y_axis=Axis("ms", log=True),
    )


def _last(probe: Probe | None) -> Row:
    """How the probe before was decided."""
    if probe is None:
        return Row("last probe", "–")
    met = {"good": True, "bad": False}.get(probe.decision)
    return Row("last probe", probe_text(probe), met)
