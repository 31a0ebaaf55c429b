"""Handle the signals that end a process, for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final

__all__ = ["ENDING_SIGNALS", "handle_signals"]

ENDING_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals of whoever ends this process from outside: ``docker stop``, a closed terminal."""


def handle_signals(
    numbers: Iterable[int],
    handler: Callable[[int, FrameType | None], None],
    *,
    always: Iterable[int] = (),
) -> Callable[[], None]:
    """Let ``handler`` handle these signals, and return what restores their handlers before.

    One that is ignored stays so, as SIGHUP is under ``nohup``, unless it is among ``always``. What
    restores them may be called again. Only the main thread may call either.
    """
    before: dict[int, Any] = {}
    for number in numbers:
        found = signal.getsignal(number)
        if number in always or found is not signal.SIG_IGN:
            before[number] = signal.SIG_DFL if found is None else found
            signal.signal(number, handler)

    def restore() -> None:
        for number, found in before.items():
            signal.signal(number, found)

    return restore
