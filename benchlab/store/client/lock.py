"""Serialise access to the embedded store; report who holds it while waiting.

The engine refuses a second process on its directory, so processes acquire a file lock in FIFO
order. A note beside the lock names its holder, for the messages of others. The operating system
releases the lock when its holder dies, however it dies.

A lock that is merely polled goes to the process that polls at the right moment, often the one that
has just released it; with many processes some would starve. So waiting processes queue: each has a
ticket, a file named by its time of arrival, and touches it while it waits. The queue decides only
the order; the lock alone protects the store. A ticket that was not touched for a second belongs to
a process that was killed or stopped, and is skipped and removed. On a full or read-only disk there
is no queue.

Within a process one thread at a time has the store, and may acquire it again meanwhile.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchlab.decoding import decode_file
from benchlab.errors import DamagedError, StoreBusyError, StoreError
from benchlab.store.client.dsn import Dsn
from benchlab.text import printable

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["HOLDER_NAME", "LOCK_NAME", "Ticket", "acquire", "held_here", "ticket", "warn"]

LOCK_NAME = "benchlab.lock"
HOLDER_NAME = "benchlab.holder"
_QUEUE_NAME = "benchlab.queue"

_QUIET_S = 2.0  # of waiting, before a message says so
_POLL_S = 0.02
_STALE_S = 1.0

# The engine opens one directory per process, so the thread lock is one for all stores.
_thread_lock = threading.RLock()
_inside: list[Path] = []  # what the thread that holds _thread_lock has open, outermost first


@contextmanager
def acquire(dsn: Dsn, wait_s: float, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the embedded store for the time of the block; a server needs no lock.

    Raises:
        StoreBusyError: it was not free within ``wait_s``; the message names the holder.
        StoreError: the directory cannot be written.
    """
    path = dsn.path
    if path is None:
        yield
        return
    waiting = _Waiting(path, wait_s, on_wait)
    waiting.until(_acquire_thread, "another thread of this process")
    try:
        if _inside:
            if _inside[-1] != path:
                raise StoreError(
                    f"the store {_inside[-1]} is still open here, and the embedded engine opens"
                    f" one at a time: leave its block before opening {path}"
                )
            yield
            return
        lock = _file_lock(path)
        with ticket(path / _QUEUE_NAME) as own:
            waiting.until(lambda seconds: _acquire_file(lock, own, seconds, path), "")
        _inside.append(path)
        try:
            _note_holder(path)
            yield
        finally:
            _inside.pop()
            lock.release()
    finally:
        _thread_lock.release()


def held_here() -> list[Path]:
    """The embedded stores that are open in this process."""
    return list(_inside)


class Ticket:
    """A place in the queue."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def is_first(self) -> bool:
        """True if no live process precedes this one. Poll several times a second."""
        with suppress(OSError):
            self._file.touch()
            others = (
                other for other in self._file.parent.iterdir() if other.name < self._file.name
            )
            return not any(_is_live(other) for other in others)
        return True


@contextmanager
def ticket(directory: Path) -> Iterator[Ticket]:
    """A ticket at the end of the queue in ``directory``, for as long as the block lasts."""
    file = directory / f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    with suppress(OSError):
        directory.mkdir(exist_ok=True)
    try:
        yield Ticket(file)
    finally:
        with suppress(OSError):
            file.unlink()


def warn(message: str) -> None:
    """Print one line on standard error; the names of other processes in it are foreign text."""
    print(printable(message), file=sys.stderr, flush=True)


class _Waiting:
    """Retries until a deadline, and reports once, after a while, which process holds the store."""

    def __init__(self, path: Path, wait_s: float, on_wait: Callable[[str], None]) -> None:
        self._path = path
        self._deadline = time.monotonic() + wait_s
        self._wait_s = wait_s
        self._on_wait = on_wait

    def until(self, acquired: Callable[[float], bool], holder: str) -> None:
        left_s = max(0.0, self._deadline - time.monotonic())
        if acquired(min(_QUIET_S, left_s)):
            return
        if left_s > _QUIET_S:
            self._on_wait(f"waiting for the store: {holder or _describe_holder(self._path)}")
            if acquired(max(0.0, self._deadline - time.monotonic())):
                return
        raise StoreBusyError(
            f"the store {self._path} is in use by {holder or _describe_holder(self._path)};"
            f" gave up after {self._wait_s:g} s. Let that finish, or wait longer with"
            " BENCHLAB_STORE_WAIT_S=300"
        )


def _acquire_thread(seconds: float) -> bool:
    return _thread_lock.acquire(timeout=seconds)


def _acquire_file(lock: FileLock, own: Ticket, seconds: float, path: Path) -> bool:
    from filelock import Timeout

    deadline = time.monotonic() + seconds
    while True:
        if own.is_first():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                pass
            except OSError as exc:
                raise _unwritable(path, exc) from exc
            else:
                return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)


def _file_lock(path: Path) -> FileLock:
    from filelock import FileLock

    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # requests and responses are private
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    return FileLock(path / LOCK_NAME)


def _unwritable(path: Path, exc: OSError) -> StoreError:
    return StoreError(
        f"cannot write the store {path} ({exc.strerror or exc}): make the directory writable,"
        " or choose another with BENCHLAB_DSN=chdb:///absolute/path"
    )


def _is_live(file: Path) -> bool:
    try:
        touched = file.stat().st_mtime
    except FileNotFoundError:  # its owner has acquired the lock meanwhile
        return False
    if abs(time.time() - touched) < _STALE_S:
        return True
    file.unlink(missing_ok=True)  # an owner that does wait makes it again, under the same name
    return False


class _Holder(msgspec.Struct):
    """Who holds the lock; for messages only."""

    pid: int
    command: str
    since: float


def _note_holder(path: Path) -> None:
    note = _Holder(os.getpid(), _own_command(), time.time())
    with suppress(OSError):
        (path / HOLDER_NAME).write_bytes(msgspec.json.encode(note))


def _describe_holder(path: Path) -> str:
    try:
        note = decode_file(path / HOLDER_NAME, _Holder)
    except (OSError, DamagedError):
        return "another process"
    seconds = max(0, round(time.time() - note.since))
    return f"process {note.pid}, {note.command}, for {seconds} s"


def _own_command() -> str:
    script = Path(sys.argv[0] if sys.argv else "")
    name = script.parent.name if script.name == "__main__.py" else script.stem
    if name == "ipykernel_launcher":
        return "notebook kernel"
    return "python" if name in ("", "-", "-c") else name
