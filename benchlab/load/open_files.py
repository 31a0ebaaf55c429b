"""The check that a plan stays below the limit of open files."""

from __future__ import annotations

from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan
from benchlab.processes.open_files import allow_open_files

__all__ = ["check_open_files"]

_OTHER_FILES = 32  # open in a worker in addition to its connections


def check_open_files(plan: Plan) -> None:
    """Refuse a plan that needs more connections than this system allows.

    Raises:
        InputError: a worker's share of the connections exceeds the hard limit of open files.
    """
    allowed = allow_open_files(raise_it=False)
    own = plan.scenario is not None or not plan.load.has_schedule  # of each user
    shared = DRIVERS[plan.driver].shared_cap and not own
    needed = plan.connection_share(0) * (1 if shared else len(plan.origins))
    if needed + _OTHER_FILES > allowed:
        raise InputError(
            f"{needed:,} connections per worker exceed this system's limit of {allowed:,} open"
            " files per process: use fewer connections or more workers, or raise the limit"
            " (ulimit -Hn)"
        )
