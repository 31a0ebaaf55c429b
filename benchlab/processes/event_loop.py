"""The event loop of processes that must be quick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["loop_factory"]


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes uvloop's event loop; None, which means asyncio's own, where there is no uvloop."""
    try:
        import uvloop
    except ImportError:  # not available on this platform; asyncio is slower, which shows as lag
        return None
    return uvloop.new_event_loop
