"""A closed loop with gRPC's own asynchronous client: ``… ADDRESS USERS SECONDS MESSAGE``.

Each user has a connection, and makes one call after the other. ``MESSAGE`` is the message's JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time

import grpc
import grpc.aio
import uvloop
from google.protobuf.json_format import Parse

from tests.load.drivers.grpc.server import SERVICE, messages


async def main(address: str, users: int, seconds: float, text: str) -> None:
    """Make the load."""
    order = Parse(text, messages.Order())
    end = time.monotonic() + seconds

    async def user() -> None:
        # Channels share their connections unless they are told not to.
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.insecure_channel(address, options) as channel:
            call = channel.unary_unary(
                f"/{SERVICE}/Call", messages.Order.SerializeToString, messages.Reply.FromString
            )
            while time.monotonic() < end:
                await call(order)

    await asyncio.gather(*(user() for _ in range(users)))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
