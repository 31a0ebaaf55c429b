"""A closed loop with gRPC's own asynchronous client: ``… ADDRESS USERS CONNECTIONS SECONDS TEXT``.

Each user makes one call after the other. ``TEXT`` is the message's JSON.
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


async def main(address: str, users: int, connections: int, seconds: float, text: str) -> None:
    """Make the load."""
    order = Parse(text, messages.Order())
    end = time.monotonic() + seconds
    # Channels share their connections unless they are told not to.
    options = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(connections)]

    async def user(number: int) -> None:
        call = channels[number % connections].unary_unary(
            f"/{SERVICE}/Call", messages.Order.SerializeToString, messages.Reply.FromString
        )
        while time.monotonic() < end:
            await call(order)

    await asyncio.gather(*map(user, range(users)))
    await asyncio.gather(*(channel.close() for channel in channels))


if __name__ == "__main__":
    _, address, users, connections, seconds, text = sys.argv
    uvloop.run(main(address, int(users), int(connections), float(seconds), text))
