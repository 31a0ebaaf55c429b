"""Text of the progress of a run or an A/B, the same below a notebook's cell and on a terminal."""

from __future__ import annotations

from benchlab.display.outcome import ratio_text
from benchlab.experiments.ab_progress import ABProgress
from benchlab.load.supervisor.progress import Progress
from benchlab.text import plural
from benchlab.units import format_ns, format_rate

__all__ = ["ab_text", "done_text", "numbers_text"]


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


def ab_text(progress: ABProgress) -> str:
    """How many blocks are measured, and the result so far.

    >>> ab_text(ABProgress(7, 20, "p50", 1.012, 0.992, 1.031))
    'block 7 of 20 · p50 +1.2 % (−0.8 to +3.1 %)'
    """
    blocks = f"block {progress.done} of {progress.blocks}"
    if progress.ratio is None:
        return blocks
    change = ratio_text(progress.ratio, progress.ratio_low, progress.ratio_high)
    return f"{blocks} · {progress.metric} {change}"
