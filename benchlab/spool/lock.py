"""Locks that last as long as the process that holds them (flock(2))."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from benchlab.spool.storage import open_private

__all__ = ["acquire_lock", "is_locked", "release_lock"]


def acquire_lock(path: Path) -> int:
    """Lock the file ``path``, which is made if it is missing; returns what `release_lock` takes.

    Raises:
        BlockingIOError: another process holds the lock.
    """
    lock = open_private(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(lock)
        raise
    return lock


def release_lock(lock: int) -> None:
    """Release a lock; its file stays."""
    os.close(lock)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock ``path``; any number may ask at the same time."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
