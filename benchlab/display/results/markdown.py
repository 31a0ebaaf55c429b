"""A run or any result as Markdown: what a report and a comment on a pull request have."""

from __future__ import annotations

from benchlab.display.markdown import result_markdown, run_markdown
from benchlab.display.results.registry import view_of
from benchlab.displayed import Result
from benchlab.runs.run import Run

__all__ = ["markdown"]


def markdown(result: Run | Result, *, link: str = "") -> str:
    """``result`` as Markdown, with a ``link`` to its page if there is one."""
    text = result_markdown(view_of(result)) if isinstance(result, Result) else run_markdown(result)
    return f"{text}\n[Report]({link})\n" if link else text
