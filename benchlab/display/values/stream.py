"""How a response is read as a stream, as people see it."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.plan.stream import Stream

__all__ = ["view"]


def view(stream: Stream) -> ResultView:
    """What is read, up to where, and what is a stall."""
    return ResultView(
        title="Stream",
        banner="stream",
        level="neutral",
        sentence=stream.describe(),
        facts=(
            ("stall", f"a gap above {stream.stall_s:g} s"),
            ("recorded", "every event" if stream.rows else "each stream"),
        ),
    )
