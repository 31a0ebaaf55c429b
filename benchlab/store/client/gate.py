"""One process at a time in the embedded store, and a word to those who wait.

The engine refuses a second process on its directory. So whoever wants in takes a file lock
first, in the order of coming; beside the lock lies a note of who holds it, for the message others
see. The operating system drops the lock when its holder dies, however it dies.

Within a process one thread is in at a time, and it may come in again while it is.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchlab.errors import StoreBusyError, StoreError
from benchlab.store.client import line
from benchlab.store.client.dsn import Dsn

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["HOLDER_NAME", "LOCK_NAME", "admission", "say"]

LOCK_NAME = "benchlab.lock"
HOLDER_NAME = "benchlab.holder"
_LINE_NAME = "benchlab.line"

_PATIENCE_S = 2.0
_POLL_S = 0.02

# The engine opens one directory per process, so the thread lock is one for all stores.
_thread_lock = threading.RLock()
_inside: list[Path] = []  # what the thread that holds _thread_lock has open, outermost first


@contextmanager
def admission(
    dsn: Dsn, wait_s: float, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Wait for a turn in the embedded store; a server needs none.

    Raises:
        StoreBusyError: no turn within ``wait_s``; the message names the holder.
        StoreError: the directory cannot be written.
    """
    path = dsn.path
    if path is None:
        yield
        return
    deadline = time.monotonic() + wait_s
    turn = _Turn(path, deadline, wait_s, on_wait or say)
    turn.take(_acquire_thread, "another thread of this process")
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
        with line.place(path / _LINE_NAME) as place:
            turn.take(lambda seconds: _acquire_file(lock, place, seconds, path), "")
        _inside.append(path)
        try:
            _note_holder(path)
            yield
        finally:
            _inside.pop()
            lock.release()
    finally:
        _thread_lock.release()


class _Turn:
    """Waiting with a deadline: tries, speaks once after a while, tries on, gives up."""

    def __init__(
        self, path: Path, deadline: float, wait_s: float, on_wait: Callable[[str], None]
    ) -> None:
        self._path = path
        self._deadline = deadline
        self._wait_s = wait_s
        self._on_wait = on_wait

    def take(self, acquire: Callable[[float], bool], holder: str) -> None:
        left_s = max(0.0, self._deadline - time.monotonic())
        if acquire(min(_PATIENCE_S, left_s)):
            return
        if left_s > _PATIENCE_S:
            self._on_wait(f"waiting for the store: {holder or _describe_holder(self._path)}")
            if acquire(max(0.0, self._deadline - time.monotonic())):
                return
        raise StoreBusyError(
            f"the store {self._path} is in use by {holder or _describe_holder(self._path)};"
            f" gave up after {self._wait_s:g} s. Let that finish, or wait longer with"
            " BENCHLAB_STORE_WAIT_S=300"
        )


def _acquire_thread(seconds: float) -> bool:
    return _thread_lock.acquire(timeout=seconds)


def _acquire_file(lock: FileLock, place: line.Place, seconds: float, path: Path) -> bool:
    from filelock import Timeout

    deadline = time.monotonic() + seconds
    while True:
        if place.is_first():
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
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # requests and answers are private
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


def _note_holder(path: Path) -> None:
    note = {"pid": os.getpid(), "command": _own_command(), "since": time.time()}
    with suppress(OSError):  # the note is for messages only
        (path / HOLDER_NAME).write_text(json.dumps(note))


def _describe_holder(path: Path) -> str:
    try:
        note: dict[str, Any] = json.loads((path / HOLDER_NAME).read_text())
        seconds = max(0, round(time.time() - note["since"]))
        return f"process {note['pid']}, {note['command']}, since {seconds} s"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _own_command() -> str:
    script = Path(sys.argv[0] if sys.argv else "")
    name = script.parent.name if script.name == "__main__.py" else script.stem
    if name == "ipykernel_launcher":
        return "notebook kernel"
    return "python" if name in ("", "-", "-c") else name


def say(message: str) -> None:
    """Tell a person who waits: one line on standard error."""
    print(message, file=sys.stderr, flush=True)
