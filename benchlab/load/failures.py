"""Failures that are this machine's, not the service's."""

from __future__ import annotations

import errno

__all__ = ["is_local_failure"]

_LOCAL = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


def is_local_failure(exc: BaseException) -> bool:
    """Whether connecting failed for lack of ports, files or buffers here."""
    return isinstance(exc, OSError) and exc.errno in _LOCAL
