"""The exit code of a command that made or reported a run."""

from __future__ import annotations

from typing import Final

from benchlab.runs.run import Run
from benchlab.runs.verdict import Verdict

__all__ = ["EXIT_CODES", "exit_code"]

EXIT_CODES: Final[dict[Verdict, int]] = {
    "valid": 0,
    "invalid": 1,
    "interrupted": 130,
    "imported": 0,
}
"""Exit code by the verdict of the run, if nothing else failed."""


def exit_code(run: Run) -> int:
    """Exit code for ``run``: that of its verdict, but 1 if its plan stopped it or an SLO is broken.

    For a run that the user interrupted it is 130, even if an objective is broken.
    """
    if run.stop_reason:
        return 1
    broken = any(not result.met for result in run.objectives)
    return EXIT_CODES[run.verdict] or int(broken)
