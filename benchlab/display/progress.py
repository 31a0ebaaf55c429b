"""Text of a run's progress, the same below a notebook's cell and on a terminal."""

from __future__ import annotations

from benchlab.load.supervisor.progress import Progress
from benchlab.text import plural
from benchlab.units import format_ns, format_rate

__all__ = ["done_text", "numbers_text"]


def done_text(progress: Progress) -> str:
    """How much is done, in the unit that the plan goes by: ``120/500 requests``, ``3/12 s``."""
    if progress.total_count:
        noun = progress.scheduled_noun
        return f"{progress.done_count:,}/{plural(progress.total_count, noun)}"
    return f"{progress.elapsed_s:.0f}/{progress.total_s:.0f} s"


def numbers_text(progress: Progress) -> str:
    """Rate, p99 and errors so far."""
    p99 = "–" if progress.p99_ns is None else format_ns(progress.p99_ns)
    errors = plural(progress.error_count, "error")
    return f"{format_rate(progress.rate_rps, progress.sample_noun)} · p99 {p99} · {errors}"
