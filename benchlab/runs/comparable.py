"""Whether runs may be compared: each is valid, and they have the same plan and host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from benchlab.errors import InputError, InvalidRunError
from benchlab.runs.same import Difference, HasSetup, host_differences, plan_differences
from benchlab.runs.verdict import Verdict

__all__ = ["Comparable", "check_same_setup", "check_verdicts"]

_MOST_NAMED = 3
_FORCE = "compare them nevertheless with force=True, or --force"


class Comparable(HasSetup, Protocol):
    """What is asked of a run before it is compared: a `Run` has it, or statistics of one."""

    @property
    def id(self) -> str:
        """The id of the run."""

    @property
    def verdict(self) -> Verdict:
        """Whether its numbers can be trusted."""

    @property
    def invalid_reason(self) -> str | None:
        """Why its verdict is not ``valid``."""


def check_verdicts(runs: Sequence[Comparable], *, force: bool) -> list[str]:
    """Refuse runs whose numbers say nothing; with ``force``, return a warning for each.

    Imported runs are let through: their tools say nothing of themselves, and are compared with
    themselves only.

    Raises:
        InvalidRunError: a run is invalid or was interrupted.
    """
    found = []
    for run in runs:
        if run.verdict in ("valid", "imported"):
            continue
        if not force:
            raise InvalidRunError(
                f"run {run.id} is {run.verdict}: {run.invalid_reason}",
                remedy=f"leave it out, measure again, or {_FORCE}",
            )
        found.append(f"run {run.id} is {run.verdict}: {run.invalid_reason}")
    return found


def check_same_setup(runs: Sequence[Comparable], *, force: bool) -> list[str]:
    """Refuse runs of another plan or host than the first; with ``force``, return warnings.

    Raises:
        InputError: a field differs; it names the field and both values.
    """
    found = []
    first = runs[0]
    for other in runs[1:]:
        for what, differences in (
            ("plans", plan_differences(first, other)),
            ("hosts", host_differences(first, other)),
        ):
            if not differences:
                continue
            message = f"the {what} of run {first.id} and run {other.id} differ in"
            if not force:
                raise InputError(f"{message} {_listed(differences)}", remedy=_remedy(what))
            found.append(f"{message} {_listed(differences)}")
    return list(dict.fromkeys(found))


def _listed(differences: Sequence[Difference]) -> str:
    more = len(differences) - _MOST_NAMED
    rest = f"; and {more} more" if more > 0 else ""
    return "; ".join(str(item) for item in differences[:_MOST_NAMED]) + rest


def _remedy(what: str) -> str:
    if what == "hosts":
        return f"measure both on one machine, as benchlab ab does, or {_FORCE}"
    return f"measure both with the same plan, or {_FORCE}"
