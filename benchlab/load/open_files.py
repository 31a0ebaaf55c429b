"""The limit of open files of a process, and the check that a plan stays below it."""

from __future__ import annotations

import resource

from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS
from benchlab.plan.plan import Plan

__all__ = ["allow_open_files", "check_open_files"]

_OTHER_FILES = 32  # open in a worker in addition to its connections
_PLENTY = 65_536


def check_open_files(plan: Plan) -> None:
    """Refuse a plan that needs more connections than this system allows.

    Raises:
        InputError: a worker's share of the connections exceeds the hard limit of open files.
    """
    allowed = allow_open_files(raise_it=False)
    shared = DRIVERS[plan.driver].shared_cap and plan.load.has_schedule
    needed = plan.share(0) * (1 if shared else len(plan.origins))
    if needed + _OTHER_FILES > allowed:
        raise InputError(
            f"{needed:,} connections per worker exceed this system's limit of {allowed:,} open"
            " files per process: use fewer connections or more workers, or raise the limit"
            " (ulimit -Hn)"
        )


def allow_open_files(*, raise_it: bool = True) -> int:
    """Return the hard limit of open files; by default also raise the soft limit to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, _PLENTY)
    if raise_it and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, _PLENTY), hard), hard))
    return hard
