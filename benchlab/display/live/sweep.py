"""A sweep in progress as people see it."""

from __future__ import annotations

from benchlab.display.live.live_view import LiveView, Number, Row
from benchlab.display.live.run import run_charts
from benchlab.experiments.sweep_progress import SweepProgress
from benchlab.units import format_count

__all__ = ["sweep_view"]


def sweep_view(progress: SweepProgress) -> LiveView:
    """The state of a sweep: its points, and the run of the one that is measured."""
    finished = progress.skipped + progress.done
    is_over = finished >= progress.points
    current = ", ".join(f"{name} = {value}" for name, value in progress.current.items())
    measured = "" if progress.run is None else f": {progress.run.phase}"
    return LiveView(
        title="sweep",
        phase="done" if is_over else f"point {min(finished + 1, progress.points)}{measured}",
        done_ratio=progress.done_ratio,
        done=f"{finished} of {progress.points} points",
        left_s=None if is_over else progress.left_s,
        numbers=(
            Number("measured", format_count(progress.done - progress.failed)),
            Number(
                "failed",
                format_count(progress.failed),
                "bad" if progress.failed else "neutral",
            ),
            Number("finished before", format_count(progress.skipped)),
        ),
        charts=run_charts(progress.run),
        rows=(Row("this point", current or "–"),),
        finished=is_over,
        stop_requested=progress.run is not None and progress.run.phase == "stopping",
    )
