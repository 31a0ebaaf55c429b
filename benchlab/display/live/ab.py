"""An A/B in progress as people see it."""

from __future__ import annotations

import math

from benchlab.display.live.live_view import Axis, Band, Chart, Line, LiveView, Mark, Number, Row
from benchlab.display.live.run import run_numbers
from benchlab.display.outcome import ratio_text
from benchlab.experiments.ab_progress import ABProgress

__all__ = ["ab_view"]

_LEAST_SHOWN = 2.0  # percent
_TIMES_SHOWN = 3.0  # times the latest interval: the first ones may be as wide as they like


def ab_view(progress: ABProgress) -> LiveView:
    """The state of an A/B: how its interval closes over the blocks, and the run that is made."""
    stopping = progress.run is not None and progress.run.phase == "stopping"
    return LiveView(
        title=f"A/B of {progress.title}" if progress.title else "A/B",
        phase=_phase(progress),
        done_ratio=progress.done / progress.blocks,
        done=f"{progress.done} of {progress.blocks} blocks",
        left_s=_left_s(progress),
        numbers=(
            Number(f"{progress.metric}: change from A to B", _change(progress), width=2),
            *_run(progress),
        ),
        charts=(_closing(progress),),
        rows=(
            Row(
                "The number of blocks is fixed: to stop because the interval looks right makes it"
                " narrower than it should be."
            ),
        ),
        finished=progress.finished,
        stop_requested=stopping,
    )


def _phase(progress: ABProgress) -> str:
    if progress.finished:
        return "done" if progress.done >= progress.blocks else "ended early"
    if not progress.arm or progress.run is None:
        return "starting a block"
    return f"{progress.arm.upper()}: {progress.run.phase}"


def _left_s(progress: ABProgress) -> float | None:
    """As designed, or longer if the blocks so far took longer."""
    if not progress.total_s:
        return None
    pace_s = progress.elapsed_s / (progress.done + 1)
    return max(progress.total_s, pace_s * progress.blocks) - progress.elapsed_s


def _change(progress: ABProgress) -> str:
    if progress.ratio is None:
        return "–"
    return ratio_text(progress.ratio, progress.ratio_low, progress.ratio_high)


def _run(progress: ABProgress) -> tuple[Number, ...]:
    """What matters of the run that is made: its rate, its p99 and its errors."""
    rate, _, p99, errors, _, _ = run_numbers(progress.run)
    return rate, p99, errors


def _closing(progress: ABProgress) -> Chart:
    """The change after each block with its interval, in percent."""
    low = [_percent(item.low) for item in progress.intervals]
    high = [_percent(item.high) for item in progress.intervals]
    change = [_percent(item.ratio) for item in progress.intervals]
    smallest = 100 * progress.threshold
    most = max(_LEAST_SHOWN, 2 * smallest)
    if progress.intervals:
        known = [abs(end) for end in (low[-1], high[-1], change[-1]) if not math.isnan(end)]
        most = max(most, _TIMES_SHOWN * max(known))
    marks = [Mark("no change", y=0.0)]
    if smallest:
        marks += (
            Mark("smallest change that matters", y=smallest),
            Mark("", y=-smallest),
        )
    return Chart(
        title=f"{progress.metric}: change from A to B with its 95 % interval",
        x=[float(item.done) for item in progress.intervals],
        lines=(Line("change", change),),
        band=Band(low, high),
        marks=tuple(marks),
        x_axis=Axis("blocks", most=float(progress.blocks)),
        y_axis=Axis("%", least=-most, most=most),
    )


def _percent(ratio: float | None) -> float:
    return math.nan if ratio is None else 100 * (ratio - 1)
