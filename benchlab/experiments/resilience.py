"""How a run came through its faults: read it, and draw conclusions."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.resilience import Resilience
from benchlab.plan.objectives import Objective
from benchlab.runs.run import Run, check_run
from benchlab.store import Store

__all__ = ["resilience"]


def resilience(
    run: Run | str,
    *,
    objective: str | Objective | Sequence[str | Objective] | None = None,
    force: bool = False,
    store: Store | None = None,
) -> Resilience:
    """How a run came through its faults: onset, depth, recovery, what they cost.

    ``run`` is a run or the id of a stored one in ``store``, by default that of ``BENCHLAB_DSN``,
    its first digits, or ``"latest"``. ``objective`` is what has to hold, such as ``p99<50ms``, by
    default the objectives of the plan, and without any one that follows from the time before the
    first fault.

    Raises:
        InputError: the run had no faults, or an objective cannot be used.
        InvalidRunError: the run is not valid, unless ``force``.
        RunNotFoundError: no run, or more than one, fits.
    """
    if isinstance(run, str):
        run = (store or Store()).load(run)
    check_run(run)
    return resilience_of(run, objective, force=force)
