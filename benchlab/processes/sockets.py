"""Hand a connected socket over to the event loop."""

from __future__ import annotations

import asyncio
import socket

__all__ = ["hand_over"]


async def hand_over(raw: socket.socket, protocol: asyncio.Protocol) -> None:
    """Make the running event loop the owner of ``raw``, whose events go to ``protocol``."""
    loop = asyncio.get_running_loop()
    is_unix = raw.family == socket.AF_UNIX
    attach = loop.create_unix_connection if is_unix else loop.create_connection
    try:
        await attach(lambda: protocol, sock=raw)
    finally:
        if not isinstance(loop, asyncio.BaseEventLoop):
            # uvloop closes the file itself, and may have done so already, if the peer reset the
            # connection. Closed once more through ``raw``, its number may be another connection's.
            raw.detach()
