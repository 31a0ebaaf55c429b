"""Exit codes, the same for every command."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from benchlab.runs.run import Run
    from benchlab.runs.verdict import Verdict

__all__ = ["EXIT_CODES", "MEANINGS", "ExitCode", "exit_code", "exit_code_of_parts", "stopped_by"]


class ExitCode(IntEnum):
    """What the shell gets from a command; errors have theirs in `benchlab.errors`."""

    SUCCESS = 0
    FAILURE = 1
    UNUSABLE_INPUT = 2
    OBJECTIVE_BROKEN = 3
    NO_STORE = 4
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Final = {
    ExitCode.SUCCESS: "all well",
    ExitCode.FAILURE: "the run failed, is invalid or degraded, or a result could not be written",
    ExitCode.UNUSABLE_INPUT: "the input cannot be used",
    ExitCode.OBJECTIVE_BROKEN: "an objective was broken, or --abort-on or --fail-on was met",
    ExitCode.NO_STORE: "the store cannot be reached or used; a run that was measured is kept",
    ExitCode.HANGUP: "stopped by SIGHUP; what was measured is kept",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C; what was measured is kept",
    ExitCode.TERMINATED: "stopped by SIGTERM; what was measured is kept",
}
"""Every exit code with its meaning, as ``--help`` and the documentation show them."""

EXIT_CODES: Final[dict[Verdict, ExitCode]] = {
    "valid": ExitCode.SUCCESS,
    "invalid": ExitCode.FAILURE,
    "degraded": ExitCode.FAILURE,
    "interrupted": ExitCode.INTERRUPTED,
    "imported": ExitCode.SUCCESS,
}
"""Exit code by the verdict of the run, if no objective was broken."""


def exit_code_of_parts(failures: Iterable[int]) -> int:
    """The exit code of a command of which some parts failed: the code that all of them share.

    >>> [int(exit_code_of_parts(codes)) for codes in ([], [3, 3], [2, 4])]
    [0, 3, 1]
    """
    codes = set(failures)
    if not codes:
        return ExitCode.SUCCESS
    return codes.pop() if len(codes) == 1 else ExitCode.FAILURE


def stopped_by(number: int) -> ExitCode:
    """The exit code of a command that the signal ``number`` ended.

    >>> [int(stopped_by(number)) for number in (1, 2, 15)]
    [129, 130, 143]
    """
    return ExitCode(128 + number)


def exit_code(run: Run, signal_number: int = 0) -> ExitCode:
    """The exit code of a command that made or reported ``run``.

    ``signal_number`` is the signal that ended the run, 0 if none did.

    A broken objective says nothing when the run is invalid, because it was evaluated on numbers
    that do not count; or when the user stopped the run, because it was evaluated on a part.
    """
    if run.verdict == "interrupted" and run.stop_reason:
        return ExitCode.FAILURE if run.fault_error else ExitCode.OBJECTIVE_BROKEN
    if run.verdict == "interrupted" and signal_number:
        return stopped_by(signal_number)
    if run.verdict == "valid" and run.broken_objective_count:
        return ExitCode.OBJECTIVE_BROKEN
    return EXIT_CODES[run.verdict]
