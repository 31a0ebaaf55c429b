"""A feed of rows, as people see it: their number and their fields, but not the rows."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.plan.feed import Feed

__all__ = ["view"]


def view(feed: Feed) -> ResultView:
    """The size, how rows are picked, and the names of the fields; rows are often credentials."""
    names = ", ".join(feed.rows[0]) if feed.rows else ""
    return ResultView(
        title=feed.name,
        banner="feed",
        level="neutral",
        sentence=feed.describe(),
        facts=(("fields", names),) if names else (),
        notes=() if feed.rows else ("A plan is stored without the rows of its feeds.",),
    )
