"""The limit of open files of a process."""

from __future__ import annotations

import resource

__all__ = ["allow_open_files"]

_PLENTY = 65_536


def allow_open_files(*, raise_it: bool = True) -> int:
    """Return the hard limit of open files; by default also raise the soft limit to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, _PLENTY)
    if raise_it and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, _PLENTY), hard), hard))
    return hard
