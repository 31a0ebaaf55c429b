"""Messages of exceptions, and detection of failures that this machine caused."""

from __future__ import annotations

import errno

from benchlab.errors import causes_of

__all__ = ["exception_message", "is_local_failure"]

_LOCAL = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


def is_local_failure(exc: BaseException) -> bool:
    """True if connecting failed because this machine lacked ports, files or buffers."""
    return isinstance(exc, OSError) and exc.errno in _LOCAL


def exception_message(exc: BaseException) -> str:
    """The message of ``exc``, and that of its first cause if it differs."""
    messages = dict.fromkeys(str(item) for item in causes_of(exc) if str(item))
    first, *others = messages or [type(exc).__name__]
    return f"{first} ({others[-1]})" if others else first
