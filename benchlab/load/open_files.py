"""How many files a process may open, and whether a plan fits within it."""

from __future__ import annotations

import resource

from benchlab.errors import InputError
from benchlab.plan.plan import Plan

__all__ = ["allow_open_files", "check_open_files"]

_FILES_BESIDE = 32  # what a worker has open beside its connections
_PLENTY = 65_536


def check_open_files(plan: Plan) -> None:
    """Refuse a plan whose connections this system does not allow.

    Raises:
        InputError: a worker's share of the connections exceeds the hard limit of open files.
    """
    allowed = allow_open_files(raise_it=False)
    own_for_each_service = not plan.load.has_schedule or plan.driver != "http"
    needed = plan.share(0) * (len(plan.origins) if own_for_each_service else 1)
    if needed + _FILES_BESIDE > allowed:
        raise InputError(
            f"{needed:,} connections per worker are more than the {allowed:,} open files"
            " that this system allows a process: use fewer connections or more workers,"
            " or raise the limit (ulimit -Hn)"
        )


def allow_open_files(*, raise_it: bool = True) -> int:
    """How many files this process may open at most; by default it also gets that many now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, _PLENTY)
    if raise_it and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, _PLENTY), hard), hard))
    return hard
