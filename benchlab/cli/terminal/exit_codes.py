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


def exit_code(run: Run, signal_number: int = 0) -> int:
    """Exit code for ``run``: that of its verdict, but 1 if its plan stopped it or an SLO is broken.

    For a run that a signal interrupted it is 128 and the signal's number (Ctrl-C: 130, SIGTERM:
    143, SIGHUP: 129), even if an objective is broken.
    """
    if run.stop_reason:
        return 1
    if run.verdict == "interrupted" and signal_number:
        return 128 + signal_number
    broken = any(not result.met for result in run.objectives)
    return EXIT_CODES[run.verdict] or int(broken)
